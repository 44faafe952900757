//! What happens in a round, and when: drawn from the seed, so that a round can be run again. Whom it happens to is
//! drawn when it happens, since "the leader" is not known before.
//!
//! Swarm testing (Groce et al., 2012): each round allows only some kinds of fault, and draws how often they come, so
//! that rounds differ more than if each had a little of everything.

use std::time::Duration;

use clap::ValueEnum;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::workload::Protocol;

/// Spreads one seed over rounds and faults.
pub(super) const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;
/// Shortest fault, ms.
const LASTS_MS_MIN: f64 = 80.0;
/// Longest fault, ms: past leases, elections, and the silence after which peers hang up.
const LASTS_MS_MAX: f64 = 10_000.0;
/// Mean time between the beginnings of two faults, ms; one is drawn for each round.
const GAPS_MS: [f64; 3] = [400.0, 1000.0, 2500.0];
/// Most faults at a time; one is drawn for each round. With many of them nobody is served most of the time, so nothing
/// new happens; with few a part of the cluster goes on while the rest does not know.
const TOGETHER: [usize; 6] = [1, 1, 2, 2, 3, 5];
/// Longest time between two nodes of a rolling restart.
const STEP_MAX: Duration = Duration::from_secs(2);
/// Clients write undisturbed for so long first.
const CALM: Duration = Duration::from_secs(1);
/// A round's clusters have one of these numbers of nodes.
const NODES: [u64; 3] = [3, 4, 5];
/// And of data groups.
const GROUPS: [u32; 3] = [1, 2, 3];
/// What a round's clients speak; half of all rounds as the API that tells most about an answer.
const PROTOCOLS: [Protocol; 4] = [Protocol::Http, Protocol::Http, Protocol::Resp, Protocol::RespCluster];
/// Fewest kinds of fault in a round.
const KINDS_MIN: usize = 4;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// kill -9 of one node, a majority or all; started again later.
    Kill,
    /// kill -9 and power loss: what was not synced is gone, or a random part of it.
    Power,
    /// SIGTERM of one node after the other, each started again.
    Rolling,
    /// SIGSTOP and SIGCONT of one node or several.
    Pause,
    /// A node runs for a few ms at a time only.
    Starve,
    /// Links are cut, in one of the shapes of [`crate::netns::partition::Shape`].
    Partition,
    /// Links answer every segment with a reset, one way or both.
    Reset,
    /// Links are slow, evenly or not.
    Delay,
    /// Links lose packets.
    Loss,
    /// Links deliver packets twice and out of order.
    Reorder,
    /// Links are narrow.
    Narrow,
    /// Syncs of a disk take long.
    SlowDisk,
    /// A disk is full.
    FullDisk,
    /// Writes or syncs of a disk fail; the node stops, loses power and starts again.
    FailingDisk,
    /// The wall clock of a node steps, by ms to years, forward or back.
    Wall,
    /// A node is killed and starts again with another boot clock, as after a reboot.
    Boot,
    /// A voter is added to a group or removed.
    Voter,
    /// A learner is added to a group or removed.
    Learner,
    /// A group's leadership moves.
    Leader,
    /// A snapshot is taken.
    Snapshot,
    /// A node leaves for good, and a new one with an empty disk joins.
    Replace,
}

impl Kind {
    /// How often it is drawn against others of its round: those whose combinations found most elsewhere come more often.
    fn weight(self) -> u32 {
        match self {
            Self::Partition => 4,
            Self::Pause | Self::Voter => 3,
            Self::Kill | Self::Power | Self::Replace => 2,
            _ => 1,
        }
    }

    /// How it is called, on the command line and in reports.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// A fault and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// When it begins, since the clients started.
    pub at: Duration,
    /// How long it lasts.
    pub lasts: Duration,
    /// What it is.
    pub kind: Kind,
    /// Everything else about it is drawn from this.
    pub draw: u64,
}

/// A whole round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where every choice comes from.
    pub seed: u64,
    /// Nodes at first.
    pub nodes: u64,
    /// Data groups.
    pub groups: u32,
    /// What clients speak, beside those that only read.
    pub protocol: Protocol,
    /// What may happen.
    pub kinds: Vec<Kind>,
    /// How long faults begin.
    pub lasts: Duration,
    /// The faults, by time.
    pub faults: Vec<Planned>,
}

impl Plan {
    /// Draws a round of faults of these kinds, some of them or all.
    pub fn draw(seed: u64, lasts: Duration, allowed: &[Kind]) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let count = random.random_range(KINDS_MIN.min(allowed.len())..=allowed.len());
        let mut kinds: Vec<Kind> = allowed.choose_multiple(&mut random, count).copied().collect();
        kinds.sort_unstable();
        let pick = |from: &[u64], random: &mut StdRng| *from.choose(random).unwrap_or(&3);
        let nodes = pick(&NODES, &mut random);
        let groups = *GROUPS.choose(&mut random).unwrap_or(&1);
        let gap = *GAPS_MS.choose(&mut random).unwrap_or(&1000.0);
        let together = *TOGETHER.choose(&mut random).unwrap_or(&1);
        let mut faults: Vec<Planned> = Vec::new();
        let mut at = CALM;
        while at < lasts && !kinds.is_empty() {
            let kind = *kinds.choose_weighted(&mut random, |kind| kind.weight()).unwrap_or(&Kind::Kill);
            let fault = Planned { at, lasts: duration(&mut random), kind, draw: random.random() };
            if faults.iter().filter(|other| other.at + other.lasts > at).count() < together {
                match kind {
                    Kind::Rolling => faults.extend(row(fault, nodes)),
                    _ => faults.push(fault),
                }
            }
            at += Duration::from_secs_f64(-random.random::<f64>().max(1e-9).ln() * gap / 1000.0);
        }
        faults.retain(|fault| fault.at < lasts);
        faults.sort_by_key(|fault| fault.at);
        // Drawn last, so that rounds of old keep their faults.
        let protocol = *PROTOCOLS.choose(&mut random).unwrap_or(&Protocol::Http);
        Self { seed, nodes, groups, protocol, kinds, lasts, faults }
    }
}

/// Of any length in orders of magnitude, the longer of two draws: three in four outlast an election.
fn duration(random: &mut StdRng) -> Duration {
    let range = LASTS_MS_MIN.ln()..LASTS_MS_MAX.ln();
    let exponent = random.random_range(range.clone()).max(random.random_range(range));
    Duration::from_secs_f64(exponent.exp() / 1000.0)
}

/// A fault of every node in turn: each draws its place in the row.
fn row(first: Planned, nodes: u64) -> impl Iterator<Item = Planned> {
    let step = first.lasts.min(STEP_MAX);
    (0..nodes).map(move |place| Planned {
        at: first.at + step * place as u32,
        lasts: step * 3 / 4,
        draw: place,
        ..first
    })
}

/// The seed of a round; that of the first is the seed itself, so that any round can be run alone.
pub fn round_seed(seed: u64, round: u64) -> u64 {
    seed.wrapping_add(round.wrapping_mul(SEED_STEP))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_seed_draws_the_same_round_and_every_kind_comes_up() {
        let all = Kind::value_variants();
        assert_eq!(Plan::draw(5, MINUTE, all), Plan::draw(5, MINUTE, all));
        let mut seen = BTreeSet::new();
        let (mut counts, mut protocols) = (BTreeSet::new(), BTreeSet::new());
        for seed in 0..50 {
            let plan = Plan::draw(seed, MINUTE, all);
            assert!(plan.faults.iter().all(|fault| plan.kinds.contains(&fault.kind) && fault.at < MINUTE));
            assert!(plan.faults.len() > 3, "{}", plan.faults.len());
            seen.extend(plan.faults.iter().map(|fault| fault.kind));
            counts.insert(plan.kinds.len());
            protocols.insert(plan.protocol.to_string());
        }
        assert_eq!(seen.len(), all.len());
        assert_eq!(protocols.len(), 3);
        assert!(counts.len() > 8, "rounds are to differ: {counts:?}");
    }

    #[test]
    fn faults_may_be_chosen() {
        let plan = Plan::draw(1, MINUTE, &[Kind::Pause]);
        assert!(plan.faults.iter().all(|fault| fault.kind == Kind::Pause));
        assert_eq!(Plan::draw(1, MINUTE, &[]).faults, []);
    }

    #[test]
    fn a_round_can_be_run_alone() {
        assert_eq!(round_seed(7, 0), 7);
        assert_eq!(round_seed(round_seed(7, 3), 0), round_seed(7, 3));
        assert_ne!(round_seed(7, 1), round_seed(7, 2));
    }
}
