//! What the adapters say to a node and hear from it.

use std::time::Duration;

use raft_store::command::Reply;
use raft_store::key::Key;
use raft_store::map::Entry;
use raft_store::{GroupId, NodeId};
use serde::{Deserialize, Serialize};

pub use crate::config::Consistency;

/// One read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The key.
    pub key: Key,
    /// How fresh.
    pub consistency: Consistency,
    /// For `Local`: refuse (`too-stale`) when the replica may be further behind.
    pub max_staleness: Option<Duration>,
}

/// What a read found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOk {
    /// The group that answered.
    pub group: GroupId,
    /// The entry; `None`: absent or expired.
    pub entry: Option<Entry>,
    /// Group time of the answer, ms: `deadline - time_ms` is what is left.
    pub time_ms: u64,
    /// The consistency it was served with.
    pub consistency: Consistency,
    /// For `Local`: an upper bound on the age of the answer, ms: it shows every write acknowledged so long before the read
    /// was asked for. `None` while nothing has confirmed the replica.
    pub staleness_ms: Option<u64>,
}

/// What a write did. `reply` may be a rejection, which changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOk {
    /// The group that applied it.
    pub group: GroupId,
    /// Group time when it was applied, ms.
    pub time_ms: u64,
    /// Its reply.
    pub reply: Reply,
}

/// A change of a group's members or leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupChange {
    /// Learner, catch up, promote.
    AddVoter(NodeId),
    /// Out of the voters and off the node.
    RemoveVoter(NodeId),
    /// A replica without a vote.
    AddLearner(NodeId),
    /// Takes a learner away.
    RemoveLearner(NodeId),
}
