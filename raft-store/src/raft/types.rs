//! openraft's type configuration: which types stand for node, term, entry and reply here.

use std::fmt;

use openraft::impls::leader_id_adv;

use super::Runtime;
use crate::NodeId;
use crate::command::{PackedEntry, Replies};

/// The types of a Quorate group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeConfig;

impl openraft::RaftTypeConfig for TypeConfig {
    type D = PackedEntry;
    type R = Replies;
    type NodeId = NodeId;
    type Node = openraft::EmptyNode;
    type Term = u64;
    type LeaderId = LeaderId;
    type Vote = Vote;
    type Payload = Payload;
    type Entry = RaftEntry;
    type AsyncRuntime = Runtime;
    type Responder<T>
        = openraft::impls::OneshotResponder<Self, T>
    where
        T: Send + 'static;
    type Batch<T>
        = openraft::impls::InlineBatch<T>
    where
        T: Send + 'static;
    type ErrorSource = openraft::AnyError;
}

/// Term and node of a leader; ordered, so that two candidates of one term do not block each other.
pub type LeaderId = leader_id_adv::LeaderId<u64, NodeId>;
/// A vote, or a leadership when committed.
pub type Vote = openraft::impls::Vote<LeaderId>;
/// Position of an entry in a group's log.
pub type LogId = openraft::LogId<LeaderId>;
/// Payload of an entry.
pub type Payload = openraft::EntryPayload<PackedEntry, NodeId, openraft::EmptyNode>;
/// An entry of a group's log.
pub type RaftEntry = openraft::impls::Entry<LeaderId, Payload>;
/// Voters and learners of a group.
pub type Membership = openraft::Membership<NodeId, openraft::EmptyNode>;
/// A membership with the log id that set it.
pub type StoredMembership = openraft::StoredMembership<LeaderId, NodeId, openraft::EmptyNode>;
/// What a snapshot covers.
pub type SnapshotMeta = openraft::type_config::alias::SnapshotMetaOf<TypeConfig>;

impl fmt::Display for PackedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} commands, {} bytes", self.len(), self.as_bytes().len())
    }
}

impl fmt::Display for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} replies at {} ms", self.replies.len(), self.time_ms)
    }
}
