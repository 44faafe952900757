//! The cluster as a client that routes by itself has to know it: which node leads which slots.
//!
//! All of it is what this node knows without asking anybody. It may be outdated by moments: whoever asks a node that
//! does not lead any more is told so there.

use std::collections::BTreeMap;

use raft_store::slot::Slot;
use raft_store::{GroupId, NodeId};

use super::Inner;
use super::doc::ClusterDoc;
use crate::error::{Error, Result};
use crate::views::MemberSpec;

/// Nodes, and who serves which slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Epoch of the slot table.
    pub epoch: u64,
    /// The node that says so.
    pub me: NodeId,
    /// Every node of the cluster.
    pub nodes: BTreeMap<NodeId, MemberSpec>,
    /// Every slot that belongs to a group, in order.
    pub slots: Vec<SlotRange>,
}

/// Slots in a row that belong to one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotRange {
    /// The first slot.
    pub from: Slot,
    /// The last one, inclusive.
    pub to: Slot,
    /// Their group.
    pub group: GroupId,
    /// The node that leads it, if this one knows any that gives signs of life.
    pub leader: Option<NodeId>,
    /// Its voters but for the leader.
    pub replicas: Vec<NodeId>,
}

impl Inner {
    /// What this node knows; `not-ready` outside a cluster.
    pub(super) fn topology(&self) -> Result<Topology> {
        let doc = self.member_doc().map_err(Error::without_outcome)?;
        let groups: BTreeMap<GroupId, (Option<NodeId>, Vec<NodeId>)> =
            doc.groups.keys().map(|&group| (group, self.leader_and_replicas(&doc, group))).collect();
        let range = |range: &crate::views::SlotRange| {
            let (leader, replicas) = groups.get(&range.group).cloned().unwrap_or_default();
            SlotRange { from: range.first, to: range.last, group: range.group, leader, replicas }
        };
        let slots = doc.slots.iter().map(range).collect();
        let nodes = doc.nodes.iter().map(|(&id, member)| (id, member.spec(id))).collect();
        Ok(Topology { epoch: doc.epoch, me: self.id, nodes, slots })
    }

    /// A group's leader and its other voters, by this node's own replica or else by what it last heard.
    fn leader_and_replicas(&self, doc: &ClusterDoc, group: GroupId) -> (Option<NodeId>, Vec<NodeId>) {
        let own = self.host.get(group).map(|replica| replica.summary());
        let leader = own.as_ref().and_then(|own| own.leader).or_else(|| self.living_leader(group));
        if own.is_none() {
            self.want_leaders();
        }
        let placed = || doc.groups.get(&group).into_iter().flatten().copied().collect();
        let voters: Vec<NodeId> =
            own.map(|own| own.voters).filter(|voters| !voters.is_empty()).unwrap_or_else(placed);
        let known = |node: &NodeId| doc.nodes.contains_key(node);
        let replicas = voters.into_iter().filter(|node| Some(*node) != leader && known(node)).collect();
        (leader.filter(known), replicas)
    }
}
