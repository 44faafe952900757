//! What operators do at bad moments: hand leaders over, take snapshots, change members, replace a lost node.

use quorate::node::{GroupChange, Node};
use rand::Rng;
use rand::seq::IndexedRandom;
use tokio::time::{Duration, Instant};

use super::{Nemesis, Undo};
use crate::sim::cluster::Cluster;
use crate::sim::plan::Fault;

/// How long an operator waits.
const PATIENCE: Duration = Duration::from_secs(5);

impl Nemesis {
    /// Asks node `number` for a change of some group. Whether that is refused or works is all the same here.
    pub(super) fn change(&mut self, fault: Fault, cluster: &mut Cluster, number: u64) {
        let group = self.random.random_range(0..=cluster.plan.groups);
        let all: Vec<u64> = cluster.machines.keys().copied().collect();
        let Some(&other) = all.choose(&mut self.random) else { return };
        let change = match self.random.random_range(0..4) {
            0 => GroupChange::AddLearner(other),
            1 => GroupChange::RemoveLearner(other),
            2 => GroupChange::RemoveVoter(other),
            _ => GroupChange::AddVoter(other),
        };
        // The meta group's members are the cluster's own business.
        let data_group = group.max(1);
        cluster.trace.event(format!("group {group}, node {other}, {change:?}"));
        let Some(machine) = cluster.machines.get(&number) else { return };
        machine.spawn(move |node| async move {
            let deadline = Instant::now() + PATIENCE;
            match fault {
                Fault::Transfer => drop(node.transfer_leader(group, other, deadline).await),
                Fault::Snapshot => drop(node.snapshot(group, deadline).await),
                _ => drop(node.change_group(data_group, change).await),
            }
        });
    }

    /// A node loses its disks for good, at most one in a run; another takes its place under a new id.
    pub(super) fn replace(&mut self, cluster: &mut Cluster, number: u64) {
        // A founder that is lost before there is a cluster leaves the others waiting for it.
        let founded = cluster.leader_of(0).is_some();
        if !self.lost.is_empty() || number > cluster.plan.nodes || !founded {
            return;
        }
        self.lost.push(number);
        self.crash(cluster, &[number], true, 0);
        let new = cluster.machines.keys().copied().max().unwrap_or(0) + 1;
        cluster.add(new, &self.folder.clone(), 0);
        self.later(cluster, 0, Undo::Start(new));
        let helpers: Vec<u64> = cluster.numbers(|machine| machine.is_up());
        let Some(machine) = helpers.choose(&mut self.random).and_then(|n| cluster.machines.get(n)) else {
            return;
        };
        let groups = cluster.plan.groups;
        machine.spawn(move |node| take_place(node, number, new, groups));
    }
}

/// Takes the old node out and the new one in, once the cluster knows it.
async fn take_place(node: Node, old: u64, new: u64, groups: u32) {
    while !node.members().await.is_ok_and(|members| members.iter().any(|member| member.id == new)) {
        tokio::time::sleep(PATIENCE / 10).await;
    }
    while node.remove_member(old).await.is_err() {
        tokio::time::sleep(PATIENCE / 10).await;
    }
    for group in 1..=groups {
        while node.change_group(group, GroupChange::AddVoter(new)).await.is_err() {
            tokio::time::sleep(PATIENCE / 10).await;
        }
    }
}
