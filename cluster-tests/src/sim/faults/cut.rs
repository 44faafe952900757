//! Cables that are cut or bad: partitions of every shape.

use rand::Rng;
use rand::seq::SliceRandom;

use super::Nemesis;
use crate::sim::clock::MS;
use crate::sim::cluster::Cluster;
use crate::sim::net::Link;
use crate::sim::plan::Fault;

impl Nemesis {
    pub(super) fn cut(&mut self, fault: Fault, cluster: &mut Cluster, number: u64, lasts_ns: u64) {
        let mut all: Vec<u64> = cluster.machines.keys().copied().collect();
        all.shuffle(&mut self.random);
        let usual = cluster.plan.link;
        let cut = Link { cut: true, ..usual };
        let (links, link) = match fault {
            Fault::IsolateLeader => (around(&all, self.some_leader(cluster).unwrap_or(number)), cut),
            Fault::RefuseLeader => {
                let refuses = Link { refuses: true, ..usual };
                (around(&all, self.some_leader(cluster).unwrap_or(number)), refuses)
            }
            Fault::OneWay => (self.one_way(&all, number), cut),
            Fault::SlowLink => (self.some_of(&all, number), self.slow(usual)),
            Fault::ThinLink => (self.some_of(&all, number), Link { bytes_per_ms: 5, ..usual }),
            Fault::Ring => (apart(&all, |a, b| a.abs_diff(b) == 1 || a.abs_diff(b) == all.len() - 1), cut),
            Fault::Bridge => {
                let middle = all.len() / 2;
                (apart(&all, |a, b| a == middle || b == middle || (a < middle) == (b < middle)), cut)
            }
            _ => {
                let border = self.random.random_range(0..=all.len());
                (apart(&all, |a, b| (a < border) == (b < border)), cut)
            }
        };
        self.relink(cluster, links, link, lasts_ns);
    }

    /// The leader of one of the groups, if anybody knows one.
    pub(super) fn some_leader(&mut self, cluster: &Cluster) -> Option<u64> {
        let group = self.random.random_range(0..=cluster.plan.groups);
        cluster.leader_of(group)
    }

    fn one_way(&mut self, all: &[u64], number: u64) -> Vec<(u64, u64)> {
        let deaf = self.random.random_bool(0.5);
        let one_direction = |(from, to): &(u64, u64)| if deaf { *to == number } else { *from == number };
        around(all, number).into_iter().filter(one_direction).collect()
    }

    /// Some of the cables of one machine.
    fn some_of(&mut self, all: &[u64], number: u64) -> Vec<(u64, u64)> {
        let mut links = around(all, number);
        links.retain(|_| self.random.random_bool(0.6));
        links
    }

    fn slow(&mut self, usual: Link) -> Link {
        let latency_ns = self.random.random_range(0..=200 * MS);
        let jitter_ns = self.random.random_range(0..=200 * MS);
        Link { latency_ns, jitter_ns, loss_ppm: self.random.random_range(0..=300_000), ..usual }
    }
}

/// Both directions of every cable of one machine.
pub(super) fn around(all: &[u64], number: u64) -> Vec<(u64, u64)> {
    let others = all.iter().filter(|&&other| other != number);
    others.flat_map(|&other| [(number, other), (other, number)]).collect()
}

/// Both directions of every cable between two machines, by their places, that `joined` does not name.
fn apart(all: &[u64], joined: impl Fn(usize, usize) -> bool) -> Vec<(u64, u64)> {
    let places = 0..all.len();
    let pairs = places.clone().flat_map(|a| places.clone().map(move |b| (a, b)));
    pairs.filter(|&(a, b)| a != b && !joined(a, b)).map(|(a, b)| (all[a], all[b])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_partitions() {
        assert_eq!(around(&[1, 2, 3], 2), [(2, 1), (1, 2), (2, 3), (3, 2)]);
        let all = [1, 2, 3, 4];
        let halves = apart(&all, |a, b| (a < 1) == (b < 1));
        assert_eq!(halves, [(1, 2), (1, 3), (1, 4), (2, 1), (3, 1), (4, 1)]);
        let ring = apart(&all, |a, b| a.abs_diff(b) == 1 || a.abs_diff(b) == 3);
        assert_eq!(ring, [(1, 3), (2, 4), (3, 1), (4, 2)]);
    }
}
