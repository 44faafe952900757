//! What one seed does: how large the cluster is, which faults it sees, how often, and what its clients ask for.
//!
//! Swarm testing (Groce, Zhang, Eide, Chen and Regehr, "Swarm Testing", ISSTA 2012): each seed leaves out a random half
//! of everything that could happen. What always happens hides what only shows without it, and rare combinations come up.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::clock::{MS, SECOND};
use super::net::Link;
use super::seed::Seed;

/// Something that can happen to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// kill -9 of one process.
    Kill,
    /// kill -9 of a majority or of all, together.
    KillMany,
    /// One machine loses its power, and what was not synced.
    PowerLoss,
    /// A majority or all lose their power together.
    PowerLossMany,
    /// A process is stopped and goes on later: SIGSTOP, or a machine that swaps.
    Pause,
    /// All packets to and from the leader of a group are lost.
    IsolateLeader,
    /// The same, and whoever knocks there is told that nobody listens.
    RefuseLeader,
    /// Two parts that cannot reach each other.
    Halves,
    /// One machine hears the others and is not heard, or the other way round.
    OneWay,
    /// Two parts that only one machine connects.
    Bridge,
    /// Every machine reaches its two neighbours alone.
    Ring,
    /// Clients cannot reach one machine, its peers can.
    ClientLinks,
    /// A connection breaks.
    Reset,
    /// A cable becomes slow, uneven and lossy.
    SlowLink,
    /// A cable has hardly any bandwidth.
    ThinLink,
    /// The wall clock is set ahead or back, by milliseconds or by years.
    ClockJump,
    /// A machine's clocks run fast or slow.
    Drift,
    /// A machine sleeps: its boot clock goes on, its monotonic clock does not.
    Suspend,
    /// A write or sync of the log fails.
    FailedSync,
    /// Syncs take long.
    SlowSync,
    /// A disk has no room left, for a while.
    FullDisk,
    /// A write or flush of the snapshot store fails.
    FailedSnapshot,
    /// The leader of a group hands over.
    Transfer,
    /// A group takes a snapshot, and lets go of the log before it.
    Snapshot,
    /// A group's voters and learners change.
    Members,
    /// A node loses everything and another one takes its place under a new id.
    Replace,
    /// A leader hands over while what it is sent takes long, so that old answers reach it when another leads. A focus
    /// asks for it; a swarm draws its parts.
    LateAnswers,
    /// A voter that hears a leader is killed and back within a lease, just when that leader is cut off, while another that
    /// did not hear it waits for a vote. As above.
    ForgetfulVoter,
}

/// Every fault that a swarm draws from.
const FAULTS: [Fault; 26] = [
    Fault::Kill,
    Fault::KillMany,
    Fault::PowerLoss,
    Fault::PowerLossMany,
    Fault::Pause,
    Fault::IsolateLeader,
    Fault::RefuseLeader,
    Fault::Halves,
    Fault::OneWay,
    Fault::Bridge,
    Fault::Ring,
    Fault::ClientLinks,
    Fault::Reset,
    Fault::SlowLink,
    Fault::ThinLink,
    Fault::ClockJump,
    Fault::Drift,
    Fault::Suspend,
    Fault::FailedSync,
    Fault::SlowSync,
    Fault::FullDisk,
    Fault::FailedSnapshot,
    Fault::Transfer,
    Fault::Snapshot,
    Fault::Members,
    Fault::Replace,
];

/// Everything a seed decides before it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Nodes that found the cluster.
    pub nodes: u64,
    /// Data groups.
    pub groups: u32,
    /// Voters of each.
    pub replication: usize,
    /// Heartbeat, shortest and longest election timeout, ms.
    pub timing_ms: [u64; 3],
    /// Bytes of log after which a group takes a snapshot.
    pub snapshot_log: u64,
    /// Seconds after which it does.
    pub snapshot_interval: u64,
    /// How long a sync takes, ns: shortest, longest.
    pub sync_ns: (u64, u64),
    /// What cables are like when nothing is wrong with them.
    pub link: Link,
    /// Clients.
    pub clients: u64,
    /// How many of them, the first ones, stay with one node and only read, by its lease. Others end up waiting for a node
    /// that is cut off, and ask it nothing in the moment when its lease ends.
    pub lease_readers: u64,
    /// Keys of each kind.
    pub keys: u64,
    /// Longest pause of a client between two operations, ns.
    pub pause_ns: u64,
    /// Longest time to live, ms.
    pub ttl_ms: u64,
    /// What may happen.
    pub faults: Vec<Fault>,
    /// Mean time between two faults, ns.
    pub gap_ns: u64,
    /// Longest a fault lasts, ns.
    pub lasts_ns: u64,
    /// Whether faults begin before the cluster is founded.
    pub rough_start: bool,
    /// How long faults go on, ns.
    pub faults_ns: u64,
}

impl Plan {
    /// The plan of a seed; `seconds` of faults if given.
    pub fn draw(seed: Seed, seconds: Option<u64>) -> Self {
        let random = &mut seed.stream("plan");
        let nodes = if random.random_bool(0.7) { 3 } else { 5 };
        let drawn = random.random_range(8..=20);
        Self {
            nodes,
            groups: random.random_range(1..=3),
            replication: if random.random_bool(0.5) { 3 } else { nodes as usize },
            timing_ms: one_of(random, &[[50, 250, 500], [50, 250, 500], [20, 100, 200], [30, 100, 400]]),
            snapshot_log: one_of(random, &[2 << 10, 8 << 10, 64 << 10, 64 << 20]),
            snapshot_interval: random.random_range(1..=20),
            sync_ns: one_of(random, &[(MS / 10, MS), (MS, 3 * MS), (MS / 10, 20 * MS)]),
            link: link(random),
            clients: random.random_range(3..=8),
            lease_readers: 0,
            keys: random.random_range(1..=4),
            pause_ns: one_of(random, &[5 * MS, 20 * MS, 60 * MS]),
            ttl_ms: one_of(random, &[200, 1000, 4000]),
            faults: faults(random),
            gap_ns: one_of(random, &[200 * MS, 600 * MS, 1500 * MS]),
            lasts_ns: one_of(random, &[200 * MS, 1000 * MS, 3000 * MS]),
            rough_start: random.random_bool(0.2),
            faults_ns: seconds.unwrap_or(drawn) * SECOND,
        }
    }
}

fn one_of<T: Clone>(random: &mut StdRng, all: &[T]) -> T {
    all.choose(random).expect("there is something to choose from").clone()
}

fn link(random: &mut StdRng) -> Link {
    let latency_ns = one_of(random, &[MS / 10, MS, 5 * MS]);
    let jitter_ns = one_of(random, &[0, MS, 10 * MS]);
    Link { latency_ns, jitter_ns, loss_ppm: one_of(random, &[0, 0, 2000]), ..Link::default() }
}

/// About half of all faults; at least one.
fn faults(random: &mut StdRng) -> Vec<Fault> {
    let share = one_of(random, &[0.15, 0.4, 0.7]);
    let mut chosen: Vec<Fault> = FAULTS.into_iter().filter(|_| random.random_bool(share)).collect();
    // Where voters come and go at will, a group may live on one disk alone; that disk must not be lost.
    if chosen.contains(&Fault::Members) {
        chosen.retain(|fault| *fault != Fault::Replace);
    }
    if chosen.is_empty() {
        chosen.push(one_of(random, &FAULTS));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn seeds_differ_and_repeat_and_together_do_everything() {
        let plans: Vec<Plan> = (0..200).map(|seed| Plan::draw(Seed(seed), None)).collect();
        assert_eq!(plans[7], Plan::draw(Seed(7), None));
        assert_ne!(plans[7], plans[8]);
        let seen: BTreeSet<Fault> = plans.iter().flat_map(|plan| plan.faults.clone()).collect();
        assert_eq!(seen, BTreeSet::from(FAULTS));
        assert!(plans.iter().all(|plan| plan.faults.len() < FAULTS.len()), "each leaves something out");
        let lost = |plan: &Plan| [Fault::Members, Fault::Replace].iter().all(|f| plan.faults.contains(f));
        assert!(!plans.iter().any(lost));
    }
}
