//! Faults whose parts have to come together at one moment, which a swarm meets too seldom.

use std::time::Duration;

use rand::Rng;
use rand::seq::SliceRandom;
use tokio::time::Instant;

use super::cut::around;
use super::{Nemesis, Undo};
use crate::sim::clock::MS;
use crate::sim::cluster::Cluster;
use crate::sim::net::Link;

/// How late answers are, ns: shortest, longest.
const LATE_NS: (u64, u64) = (20 * MS, 120 * MS);
/// Answers a hand-over takes before it begins, and some more.
const ANSWERS: u64 = 8;
/// How long an operator waits for a hand-over.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest a killed voter is away, ns.
const AWAY_NS: u64 = 40 * MS;

/// The leader of the first data group, and the other machines in some order.
struct Led {
    leader: u64,
    others: Vec<u64>,
}

impl Nemesis {
    fn led(&mut self, cluster: &Cluster) -> Option<Led> {
        let leader = cluster.leader_of(1)?;
        let mut others: Vec<u64> =
            cluster.machines.keys().copied().filter(|other| *other != leader).collect();
        others.shuffle(&mut self.random);
        Some(Led { leader, others })
    }

    /// The leader hands over; whatever is sent to it takes long.
    pub(super) fn late_answers(&mut self, cluster: &mut Cluster) {
        let Some(Led { leader, others }) = self.led(cluster) else { return };
        let (Some(&heir), Some(machine)) = (others.first(), cluster.machines.get(&leader)) else { return };
        machine.spawn(move |node| async move {
            // Whether it works is all the same here.
            let _ = node.transfer_leader(1, heir, Instant::now() + PATIENCE).await;
        });
        let late_ns = self.random.random_range(LATE_NS.0..=LATE_NS.1);
        let links = others.into_iter().map(|other| (other, leader)).collect();
        let late = Link { latency_ns: late_ns, ..cluster.plan.link };
        self.relink(cluster, links, late, ANSWERS * late_ns);
    }

    /// One voter does not hear the leader any more, and stands for election before long. The rest comes when it has stood
    /// in vain for a while, because another voter hears the leader.
    pub(super) fn cut_one_voter_off(&mut self, cluster: &mut Cluster) {
        let Some(Led { leader, others }) = self.led(cluster) else { return };
        let [candidate, voter, ..] = others[..] else { return };
        let [_, election_min, election_max] = cluster.plan.timing_ms;
        let stands_ns = (2 * election_max + self.random.random_range(0..=election_min)) * MS;
        let links = vec![(leader, candidate), (candidate, leader)];
        let cut = Link { cut: true, ..cluster.plan.link };
        self.relink(cluster, links, cut, stands_ns + 2 * election_max * MS);
        self.later(cluster, stands_ns, Undo::Forget { leader, voter });
    }

    /// The voter is killed and comes back at once; from now on nobody hears the leader.
    pub(super) fn forget(&mut self, cluster: &mut Cluster, leader: u64, voter: u64) {
        let [.., election_max] = cluster.plan.timing_ms;
        let all: Vec<u64> = cluster.machines.keys().copied().collect();
        let cut = Link { cut: true, ..cluster.plan.link };
        self.relink(cluster, around(&all, leader), cut, 2 * election_max * MS);
        self.crash(cluster, &[voter], false, AWAY_NS);
    }
}
