//! What is done in each round: drawn from the seed, so that a plan can be run again.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

use crate::cluster::Storage;
use crate::disk::{Call, PowerLoss};

/// Spreads one seed over the rounds.
pub(super) const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;
/// Most writes acknowledged before a round strikes.
const WRITES_MAX: u64 = 150;
/// Longest pause after them, ms.
const PAUSE_MS_MAX: u64 = 60;
/// One round in so many kills everybody again while they start.
const AGAIN_ONE_IN: u32 = 3;
/// Latest moment of that, ms after the start: into recovery, the elections after it, or the first writes.
const AGAIN_MS_MAX: u64 = 2000;
/// Most calls that still succeed before a disk fails.
const GOOD_CALLS_MAX: u64 = 200;

/// What happens to a round's victims, as named on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FaultKind {
    /// kill -9.
    Kill,
    /// kill -9 and power loss: nothing that was not synced is left.
    Power,
    /// kill -9 and power loss: a random part of what was not synced is left.
    Torn,
    /// Writes or syncs of one node's disk fail with EIO until the node has stopped by itself; then power loss.
    Eio,
}

impl FaultKind {
    /// Those a plain disk can have.
    pub const PLAIN: [Self; 1] = [Self::Kill];
    /// Those a faulty disk can have.
    pub const FAULTY: [Self; 4] = [Self::Kill, Self::Power, Self::Torn, Self::Eio];
}

/// All rounds.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many.
    pub rounds: u64,
    /// Where every choice comes from.
    pub seed: u64,
    /// Nodes of the cluster.
    pub nodes: u64,
    /// What may happen.
    pub faults: Vec<FaultKind>,
    /// What nodes store on.
    pub storage: Storage,
    /// Where a failed cluster's folder is kept.
    pub keep: Option<PathBuf>,
}

/// What happens to the victims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Kill,
    Power(PowerLoss),
    Error { call: Call, after: u64 },
}

impl Fault {
    pub(super) fn power(self) -> Option<PowerLoss> {
        match self {
            Self::Kill => None,
            Self::Power(how) => Some(how),
            Self::Error { .. } => Some(PowerLoss::Dropped),
        }
    }
}

/// One round.
#[derive(Debug)]
pub(super) struct Strike {
    pub(super) fault: Fault,
    pub(super) victims: Vec<u64>,
    pub(super) after_writes: u64,
    pub(super) after: Duration,
    /// Everybody dies once more, so long after the victims were started.
    pub(super) again: Option<Duration>,
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = match self.fault {
            Fault::Kill => "kill",
            Fault::Power(PowerLoss::Dropped) => "power",
            Fault::Power(PowerLoss::Torn) => "torn",
            Fault::Error { .. } => "eio",
        };
        write!(f, "{fault} {:?}{}", self.victims, if self.again.is_some() { " + all" } else { "" })
    }
}

impl Plan {
    /// The command that runs the same plan.
    pub fn command(&self) -> String {
        let faults: Vec<String> = self.faults.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
        let disk = if self.storage == Storage::Plain { "plain" } else { "faulty" };
        format!(
            "cargo run -p cluster-tests -- crash --rounds {} --seed {} --nodes {} --faults {} --disk {disk}",
            self.rounds,
            self.seed,
            self.nodes,
            faults.join(",")
        )
    }

    /// Draws a round.
    pub(super) fn strike(&self, ids: &[u64], random: &mut StdRng) -> Strike {
        let kind = *self.faults.choose(random).unwrap_or(&FaultKind::Kill);
        let fault = match kind {
            FaultKind::Kill => Fault::Kill,
            FaultKind::Power => Fault::Power(PowerLoss::Dropped),
            FaultKind::Torn => Fault::Power(PowerLoss::Torn),
            FaultKind::Eio => {
                let call = if random.random() { Call::Write } else { Call::Sync };
                Fault::Error { call, after: random.random_range(0..GOOD_CALLS_MAX) }
            }
        };
        let majority = ids.len() / 2 + 1;
        let count = match (kind, random.random_range(0..3)) {
            // Without a majority nothing is written any more, and a second disk might never come to fail.
            (FaultKind::Eio, _) | (_, 0) => 1,
            (_, 1) => majority,
            _ => ids.len(),
        };
        let mut victims = ids.to_vec();
        victims.shuffle(random);
        victims.truncate(count);
        let millis = |random: &mut StdRng, max| Duration::from_millis(random.random_range(0..max));
        Strike {
            fault,
            victims,
            after_writes: random.random_range(1..WRITES_MAX),
            after: millis(random, PAUSE_MS_MAX),
            again: random.random_ratio(1, AGAIN_ONE_IN).then(|| millis(random, AGAIN_MS_MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_seed_draws_the_same_rounds_and_all_kinds_of_them() {
        let plan = Plan {
            rounds: 1,
            seed: 1,
            nodes: 3,
            faults: FaultKind::FAULTY.to_vec(),
            storage: Storage::Faulty { seed: 1 },
            keep: None,
        };
        let draw = |seed| plan.strike(&[1, 2, 3], &mut StdRng::seed_from_u64(seed)).to_string();
        assert_eq!(draw(5), draw(5));
        let all: Vec<String> = (0..200).map(draw).collect();
        for part in ["kill [", "power [", "torn [", "eio [", "[1]", "[2, 3]", "[3, 2, 1]", " + all"] {
            assert!(all.iter().any(|strike| strike.contains(part)), "no {part}");
        }
        assert!(plan.command().ends_with("--seed 1 --nodes 3 --faults kill,power,torn,eio --disk faulty"));
    }
}
