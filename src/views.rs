//! What the API shows of the cluster: plain data, written by the node, read by clients.

use raft_store::{GroupId, NodeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Error;

/// `GET /v1/cluster`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClusterView {
    /// Random id the cluster got when it was formed.
    pub cluster_id: String,
    /// Epoch of the slot table.
    pub epoch: u64,
    /// Every node.
    pub nodes: Vec<NodeView>,
    /// Every group, the meta group (0) first.
    pub groups: Vec<GroupSummary>,
    /// The slot table: ranges in order, together all 16,384 slots.
    pub slots: Vec<SlotRange>,
    /// How it is doing.
    pub health: HealthView,
}

/// The health summary of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthView {
    /// Nodes that answer.
    pub nodes_up: u32,
    /// Groups with a leader.
    pub groups_ok: u32,
    /// Slots whose group has a leader.
    pub slots_served: u32,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeView {
    /// Its id.
    pub id: NodeId,
    /// Where its HTTP API listens.
    pub http: String,
    /// Where its peers reach it.
    pub peer: String,
    /// Failure zone, empty if none was given.
    pub zone: String,
    /// `active`, or `down` when it does not answer this node.
    pub state: String,
    /// Its program version; empty when it does not answer.
    pub version: String,
    /// Groups it leads.
    pub leads: u32,
    /// Groups it holds a replica of.
    pub replicas: u32,
    /// Bytes its maps hold.
    pub memory_bytes: u64,
    /// The bound on that.
    pub memory_bytes_max: u64,
    /// Bytes its log and snapshots take on disk.
    pub disk_bytes: u64,
    /// Bytes free where its data folder is; `None` when unknown.
    #[serde(default)]
    pub disk_free_bytes: Option<u64>,
    /// Groups whose replica here waits for a peer's snapshot, because its own is damaged.
    #[serde(default)]
    pub repairing: Vec<GroupId>,
    /// Why it refuses clients' writes for want of disk space, while it does.
    #[serde(default)]
    pub disk_full: Option<String>,
    /// Its wall clock when it answered, ms since 1970; for comparing the nodes', nothing rests on it.
    #[serde(default)]
    pub clock_ms: Option<u64>,
    /// When the first of its TLS certificates expires, ms since 1970; `None`: it has none.
    #[serde(default)]
    pub certificate_expires_ms: Option<u64>,
    /// How the node that answers finds it by the traffic between them; `None`: it is that node.
    #[serde(default)]
    pub seen: Option<SeenView>,
}

/// What one node makes of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeenView {
    /// `alive`, `suspect` (nothing was heard from it for a moment) or `down`.
    pub state: String,
    /// Why, in a few words.
    pub reason: String,
    /// How long it has been in this state, ms.
    pub for_ms: u64,
}

impl NodeView {
    /// A node of which only its membership is known.
    pub fn unheard(member: MemberSpec, state: &str) -> Self {
        Self {
            id: member.id,
            http: member.http,
            peer: member.peer,
            zone: member.zone,
            state: state.to_owned(),
            version: String::new(),
            leads: 0,
            replicas: 0,
            memory_bytes: 0,
            memory_bytes_max: 0,
            disk_bytes: 0,
            disk_free_bytes: None,
            repairing: Vec::new(),
            disk_full: None,
            clock_ms: None,
            certificate_expires_ms: None,
            seen: None,
        }
    }
}

/// One group in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupSummary {
    /// Its number.
    pub id: GroupId,
    /// Its leader, if it has one.
    pub leader: Option<NodeId>,
    /// Its term.
    pub term: u64,
    /// Its voters.
    pub voters: Vec<NodeId>,
    /// Its learners.
    pub learners: Vec<NodeId>,
    /// Number of slots it owns.
    pub slots: u32,
}

/// `GET /v1/cluster/groups/{g}`: one group as its leader sees it, or as this node does when there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupView {
    /// Number, leader, term, members and slots.
    #[serde(flatten)]
    pub summary: GroupSummary,
    /// The node whose view this is.
    pub seen_by: NodeId,
    /// First log index still in the log.
    pub log_first: Option<u64>,
    /// Last log index.
    pub log_last: Option<u64>,
    /// Last index known to be committed.
    pub committed: Option<u64>,
    /// Last index applied.
    pub applied: Option<u64>,
    /// Last index in the current snapshot.
    pub snapshot: Option<u64>,
    /// Bytes of log since the last purge.
    pub log_bytes: u64,
    /// How far each replica is; from the leader only.
    pub replicas: Vec<ReplicaView>,
    /// Group time, ms.
    pub time_ms: u64,
    /// Entries held.
    pub items: u64,
    /// Bytes they hold.
    pub bytes: u64,
    /// Checksum of the whole replicated state at `applied`; asked for by `?digest=true`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
}

/// How far one replica is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplicaView {
    /// The node.
    pub node: NodeId,
    /// Last index known to be in its log.
    pub matched: Option<u64>,
    /// Entries it is behind the leader's log.
    pub lag: u64,
    /// Whether it acknowledged a heartbeat just now.
    pub healthy: bool,
}

/// A run of slots of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SlotRange {
    /// First slot.
    pub first: u16,
    /// Last slot, inclusive.
    pub last: u16,
    /// The group.
    pub group: GroupId,
}

/// State of a long operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OperationState {
    /// Under way.
    Running,
    /// Finished.
    Done,
    /// Ended without success; `detail` says why.
    Failed,
}

/// `GET /v1/operations/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Operation {
    /// Its id.
    pub id: String,
    /// `add-voter`, `remove-voter`, `add-learner`, `remove-learner`, `remove-member`.
    pub kind: String,
    /// The group concerned.
    pub group: Option<GroupId>,
    /// The node concerned.
    pub node: Option<NodeId>,
    /// How it stands.
    pub state: OperationState,
    /// What it does now, or how it ended.
    pub detail: String,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// When it began, ms since 1970.
    pub started_ms: u64,
    /// When this was last written, ms since 1970.
    pub updated_ms: u64,
}

/// A node that wants to be a member, `POST /v1/cluster/members` and the join between peers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberSpec {
    /// Its id.
    pub id: NodeId,
    /// Where its HTTP API listens.
    pub http: String,
    /// Where its peers reach it.
    pub peer: String,
    /// Failure zone.
    #[serde(default)]
    pub zone: String,
    /// Where it speaks the Redis protocol, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resp: Option<String>,
    /// Where it speaks the Redis protocol as a node of a Redis Cluster, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resp_cluster: Option<String>,
}

/// `GET /readyz?verbose`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadyView {
    /// Whether every check passed.
    pub ready: bool,
    /// Each check by name, with what it found.
    pub checks: Vec<ReadyCheck>,
}

/// One check of [`ReadyView`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadyCheck {
    /// Its name: `member`, `leaders`, `caught-up`, `disk`.
    pub name: String,
    /// Whether it passed.
    pub ok: bool,
    /// What it found.
    pub detail: String,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Its id, which is no secret.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The name of its user in the Redis protocol.
    pub user: String,
    /// What it allows, a rule each.
    pub allow: Vec<String>,
    /// When it was made, ms since 1970.
    pub created_ms: u64,
    /// When it ends, ms since 1970; `null`: never.
    pub expires_ms: Option<u64>,
}
