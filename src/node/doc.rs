//! The cluster's own state: one JSON document under one key of the meta group, changed by compare-and-set.
//!
//! Pure data and pure changes. Keeping it as an entry of an ordinary group gives it the same log, snapshots and
//! reads as any key; one document makes every change atomic.

use std::collections::{BTreeMap, BTreeSet};

use raft_store::key::{DEFAULT_NAMESPACE, NamespaceId};
use raft_store::{GroupId, NodeId};
use serde::{Deserialize, Serialize};

use crate::limits::{META_VOTERS_MAX, OPERATIONS_KEPT_MAX, VIRTUAL_NODES};
use crate::ring::Ring;
use crate::views::{MemberSpec, Operation, OperationState, SlotRange};

/// Group 0, which holds the document.
pub(crate) const META_GROUP: GroupId = 0;

/// What the founders agreed on; every one of them derives the same first state from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Founding {
    pub(crate) cluster_id: String,
    /// The node all founders gave their promise to.
    pub(crate) coordinator: NodeId,
    pub(crate) founders: BTreeMap<NodeId, Member>,
    pub(crate) groups: u32,
    pub(crate) replication: usize,
}

/// One node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) http: String,
    pub(crate) peer: String,
    pub(crate) zone: String,
    /// Where it speaks the Redis protocol; not known of nodes that were admitted and never started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resp: Option<String>,
    /// The same as a node of a Redis Cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resp_cluster: Option<String>,
    /// Id of its disk: an id that comes back with another disk has lost its promises and is refused. `None`:
    /// admitted, but never started yet.
    pub(crate) store: Option<String>,
}

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClusterDoc {
    pub(crate) cluster_id: String,
    /// Epoch of the slot table.
    pub(crate) epoch: u64,
    pub(crate) nodes: BTreeMap<NodeId, Member>,
    /// Ids that left: never given out again.
    pub(crate) removed: BTreeSet<NodeId>,
    /// Data groups and the nodes that hold them, as of their last change: a hint for routing, no more.
    pub(crate) groups: BTreeMap<GroupId, BTreeSet<NodeId>>,
    pub(crate) slots: Vec<SlotRange>,
    pub(crate) namespaces: BTreeMap<String, NamespaceId>,
    /// Newest first.
    pub(crate) operations: Vec<Operation>,
}

impl Member {
    /// A node by what it says of itself, and the id of its disk.
    pub(crate) fn new(spec: MemberSpec, store: Option<String>) -> Self {
        let MemberSpec { id: _, http, peer, zone, resp, resp_cluster } = spec;
        Self { http, peer, zone, resp, resp_cluster, store }
    }

    /// What node `id` says of itself.
    pub(crate) fn spec(&self, id: NodeId) -> MemberSpec {
        let Self { http, peer, zone, resp, resp_cluster, .. } = self.clone();
        MemberSpec { id, http, peer, zone, resp, resp_cluster }
    }
}

impl Founding {
    /// The first voters of every group, the one to lead it first in line; the meta group's too.
    pub(crate) fn placement(&self) -> BTreeMap<GroupId, Vec<NodeId>> {
        let nodes: Vec<NodeId> = self.founders.keys().copied().collect();
        let data = (1..=self.groups).map(|group| {
            let first = (group as usize - 1) % nodes.len();
            let replicas = nodes.iter().cycle().skip(first).take(self.replication.min(nodes.len()));
            (group, replicas.copied().collect())
        });
        let meta = nodes.iter().copied().take(META_VOTERS_MAX).collect();
        data.chain([(META_GROUP, meta)]).collect()
    }

    /// The first document.
    pub(crate) fn document(&self) -> ClusterDoc {
        let placement = self.placement();
        let data = placement.iter().filter(|(group, _)| **group != META_GROUP);
        let ring = Ring::new((1..=self.groups).map(|group| (group, 1)), VIRTUAL_NODES);
        ClusterDoc {
            cluster_id: self.cluster_id.clone(),
            epoch: 1,
            nodes: self.founders.clone(),
            removed: BTreeSet::new(),
            groups: data.map(|(&group, nodes)| (group, nodes.iter().copied().collect())).collect(),
            slots: ring.table().ranges().to_vec(),
            namespaces: BTreeMap::from([("default".to_owned(), DEFAULT_NAMESPACE)]),
            operations: Vec::new(),
        }
    }
}

/// Why a node is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The id belongs to another disk.
    #[error(
        "node id {0} is known here with another disk: a wiped node has forgotten its votes, so it must come \
         back under an id that was never used (remove the old one with `quorate member remove {0}`)"
    )]
    OtherDisk(NodeId),
    /// The id left the cluster.
    #[error("node id {0} was removed from this cluster; ids are never used again, so choose a new one")]
    Removed(NodeId),
    /// The cluster is full.
    #[error("the cluster has as many nodes as it may have")]
    Full,
}

impl ClusterDoc {
    /// Whether a node may come (back) with this disk.
    pub(crate) fn admits(&self, node: NodeId, store: Option<&str>) -> Result<(), Refusal> {
        if self.removed.contains(&node) {
            return Err(Refusal::Removed(node));
        }
        match self.nodes.get(&node).map(|member| (member.store.as_deref(), store)) {
            None if self.nodes.len() >= crate::limits::NODES_MAX => Err(Refusal::Full),
            Some((Some(known), Some(store))) if known != store => Err(Refusal::OtherDisk(node)),
            _ => Ok(()),
        }
    }

    /// Lets a node in, or takes its new addresses.
    pub(crate) fn admit(&mut self, spec: &MemberSpec, store: Option<String>) -> Result<(), Refusal> {
        self.admits(spec.id, store.as_deref())?;
        let known = self.nodes.get(&spec.id).and_then(|member| member.store.clone());
        self.nodes.insert(spec.id, Member::new(spec.clone(), store.or(known)));
        Ok(())
    }

    /// Takes a node out for ever.
    pub(crate) fn expel(&mut self, node: NodeId) {
        self.nodes.remove(&node);
        self.removed.insert(node);
    }

    /// The group that owns a slot.
    pub(crate) fn group_of(&self, slot: u16) -> Option<GroupId> {
        let at = self.slots.partition_point(|range| range.last < slot);
        self.slots.get(at).filter(|range| range.first <= slot).map(|range| range.group)
    }

    /// Writes an operation over its older state, or in front of the others.
    pub(crate) fn record(&mut self, operation: Operation) {
        match self.operations.iter_mut().find(|known| known.id == operation.id) {
            Some(known) => *known = operation,
            None => self.operations.insert(0, operation),
        }
        self.operations.truncate(OPERATIONS_KEPT_MAX);
    }

    /// Ends operations that nobody carries on; whether any was still running.
    pub(crate) fn fail_abandoned(&mut self, ids: &[String]) -> bool {
        let abandoned = |operation: &&mut Operation| {
            operation.state == OperationState::Running && ids.contains(&operation.id)
        };
        let mut any = false;
        for operation in self.operations.iter_mut().filter(abandoned) {
            operation.state = OperationState::Failed;
            "interrupted: the node that ran it stopped; ask again to complete it"
                .clone_into(&mut operation.detail);
            any = true;
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn founding(nodes: u64, groups: u32) -> Founding {
        let member = |id: u64| {
            let address = format!("127.0.0.1:{}", 7000 + id);
            Member {
                http: address.clone(),
                peer: address,
                zone: String::new(),
                resp: None,
                resp_cluster: None,
                store: Some(format!("disk-{id}")),
            }
        };
        Founding {
            cluster_id: "c".into(),
            coordinator: 1,
            founders: (1..=nodes).map(|id| (id, member(id))).collect(),
            groups,
            replication: 3,
        }
    }

    fn spec(id: NodeId) -> MemberSpec {
        MemberSpec {
            id,
            http: "h".into(),
            peer: "p".into(),
            zone: String::new(),
            resp: None,
            resp_cluster: None,
        }
    }

    #[test]
    fn first_leaders_are_spread_and_every_group_is_replicated() {
        let placement = founding(3, 3).placement();
        let first: Vec<NodeId> = (1..=3).map(|group| placement[&group][0]).collect();
        assert_eq!(first, [1, 2, 3]);
        assert!(placement.values().all(|replicas| replicas.len() == 3));
        assert_eq!(founding(2, 2).placement()[&2], [2, 1]);
    }

    #[test]
    fn every_slot_has_a_group() {
        let doc = founding(3, 8).document();
        assert!((0..raft_store::slot::SLOTS).all(|slot| doc.group_of(slot).is_some_and(|group| group <= 8)));
    }

    #[test]
    fn an_operation_is_given_up_once() {
        let mut doc = founding(3, 3).document();
        let running = crate::node::operations::new_operation("add-voter", Some(1), Some(2));
        doc.record(running.clone());
        assert!(!doc.fail_abandoned(&["another".into()]), "nothing was changed");
        assert!(doc.fail_abandoned(std::slice::from_ref(&running.id)));
        assert_eq!(doc.operations[0].state, OperationState::Failed);
        assert!(!doc.fail_abandoned(&[running.id]), "it had failed already");
    }

    #[test]
    fn a_wiped_or_removed_id_does_not_come_back() {
        let mut doc = founding(3, 3).document();
        assert_eq!(doc.admits(2, Some("disk-2")), Ok(()));
        assert_eq!(doc.admits(2, Some("fresh")), Err(Refusal::OtherDisk(2)));
        doc.expel(2);
        assert_eq!(doc.admit(&spec(2), Some("disk-2".into())), Err(Refusal::Removed(2)));
        assert_eq!(doc.admit(&spec(4), Some("fresh".into())), Ok(()));
    }

    #[test]
    fn a_node_admitted_in_advance_is_bound_to_the_first_disk_it_comes_with() {
        let mut doc = founding(3, 3).document();
        doc.admit(&spec(4), None).unwrap();
        doc.admit(&spec(4), Some("a".into())).unwrap();
        doc.admit(&spec(4), None).unwrap();
        assert_eq!(doc.admit(&spec(4), Some("b".into())), Err(Refusal::OtherDisk(4)));
    }
}
