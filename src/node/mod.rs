//! Every group hosted here: routing, life cycle, membership. What the adapters call.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use raft_store::command::{Command, Reply};
use raft_store::key::{Key, NamespaceId};
use raft_store::map::Entry;
use raft_store::{GroupId, NodeId};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::config::Config;
use crate::error::Result;
use crate::views::{ClusterView, GroupView, MemberSpec, NodeView, Operation, ReadyView};

/// How fresh a read must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consistency {
    /// Sees every write acknowledged before the read began (read index).
    Linearizable,
    /// The same, answered by the leader while its lease holds; read index otherwise.
    Lease,
    /// Whatever a replica has, with its staleness.
    Local,
}

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
    /// For `Local`: an upper bound on how far behind the answer may be, ms.
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

/// One node; cheap to clone.
#[derive(Debug, Clone)]
pub struct Node {
    _inner: Arc<()>,
}

impl Node {
    /// Opens the data folder, binds the peer listener, recovers every group, and then forms, joins or
    /// rejoins its cluster in the background. `http` is the address its HTTP listener is bound to.
    pub async fn start(_config: Config, _http: SocketAddr) -> anyhow::Result<Self> {
        unimplemented!()
    }

    /// Hands leaderships over, stops every group, flushes the log. No request is served afterwards.
    pub async fn shutdown(&self) {
        unimplemented!()
    }

    /// This node's id.
    pub fn id(&self) -> NodeId {
        unimplemented!()
    }

    /// Its configuration.
    pub fn config(&self) -> &Config {
        unimplemented!()
    }

    /// The number of a namespace; `unknown-namespace` or, outside a cluster, `not-ready`.
    pub fn namespace(&self, _name: &str) -> Result<NamespaceId> {
        unimplemented!()
    }

    /// The group of a key by this node's slot table.
    pub fn group_of(&self, _key: &Key) -> Result<GroupId> {
        unimplemented!()
    }

    /// HTTP address of the leader of a key's group, for redirects; `None`: no leader is known.
    pub fn leader_of(&self, _key: &Key) -> Option<(NodeId, String)> {
        unimplemented!()
    }

    /// Carries out one write, forwarding it to the leader of its key's group.
    pub async fn write(&self, _command: Command, _deadline: Instant) -> Result<WriteOk> {
        unimplemented!()
    }

    /// Carries out many independent writes; those of one group travel together, in order.
    pub async fn write_many(&self, _commands: Vec<Command>, _deadline: Instant) -> Vec<Result<WriteOk>> {
        unimplemented!()
    }

    /// Carries out one read.
    pub async fn read(&self, _read: Read, _deadline: Instant) -> Result<ReadOk> {
        unimplemented!()
    }

    /// Carries out many reads; those of one group travel together.
    pub async fn read_many(&self, _reads: Vec<Read>, _deadline: Instant) -> Vec<Result<ReadOk>> {
        unimplemented!()
    }

    /// Forms a cluster of this node and the fresh nodes at these peer addresses; `false`: it is already part of one.
    pub async fn init(&self, _peers: Vec<String>) -> Result<bool> {
        unimplemented!()
    }

    /// The cluster as seen from here; asks the other nodes for what only they know.
    pub async fn cluster(&self) -> Result<ClusterView> {
        unimplemented!()
    }

    /// Every node.
    pub async fn members(&self) -> Result<Vec<NodeView>> {
        unimplemented!()
    }

    /// Admits a node that is started with (or about to start with) this id and these addresses.
    pub async fn add_member(&self, _member: MemberSpec) -> Result<NodeView> {
        unimplemented!()
    }

    /// Takes a node out of every group, then out of the cluster.
    pub async fn remove_member(&self, _node: NodeId) -> Result<Operation> {
        unimplemented!()
    }

    /// Every group, as its leader sees it.
    pub async fn groups(&self) -> Result<Vec<GroupView>> {
        unimplemented!()
    }

    /// One group as its leader sees it, or with `local` as this node's own replica does.
    pub async fn group(&self, _group: GroupId, _local: bool, _digest: bool) -> Result<GroupView> {
        unimplemented!()
    }

    /// Starts a change of a group's members; the operation goes on in the background on its leader.
    pub async fn change_group(&self, _group: GroupId, _change: GroupChange) -> Result<Operation> {
        unimplemented!()
    }

    /// Moves a group's leadership to one of its voters and waits until that voter leads.
    pub async fn transfer_leader(&self, _group: GroupId, _to: NodeId, _deadline: Instant) -> Result<()> {
        unimplemented!()
    }

    /// Takes a snapshot of this node's or, when it holds none, another node's replica; the last index in it.
    pub async fn snapshot(&self, _group: GroupId, _deadline: Instant) -> Result<Option<u64>> {
        unimplemented!()
    }

    /// The operations the cluster remembers, newest first.
    pub async fn operations(&self) -> Result<Vec<Operation>> {
        unimplemented!()
    }

    /// One operation.
    pub async fn operation(&self, _id: &str) -> Result<Operation> {
        unimplemented!()
    }

    /// Waits until an operation ends or the deadline passes; how it stands then.
    pub async fn await_operation(&self, _id: &str, _deadline: Instant) -> Result<Operation> {
        unimplemented!()
    }

    /// Whether this node can serve, and each check.
    pub fn ready(&self) -> ReadyView {
        unimplemented!()
    }

    /// The metrics of node, groups, log and transport in Prometheus text format.
    pub fn metrics(&self) -> String {
        unimplemented!()
    }
}
