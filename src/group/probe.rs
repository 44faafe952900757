//! What a simulator looks at to judge a replica: everything a Raft invariant is about. Reads only, and waits for nothing.

use std::collections::BTreeSet;

use openraft::ServerState;
use raft_store::codec::Decoder;
use raft_store::map::SlotSet;
use raft_store::raft::{LogId, Vote, messages};
use raft_store::wal::EntryId;
use raft_store::{GroupId, NodeId};

use super::{Group, Metrics};

/// What a replica is by its own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It has no vote.
    Learner,
    /// It has one.
    Follower,
    /// It wants to lead.
    Candidate,
    /// It leads.
    Leader,
    /// It stops.
    Stopping,
}

/// A vote, or the leadership it became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct VoteProbe {
    /// The term.
    pub term: u64,
    /// For whom in it.
    pub node: NodeId,
    /// Whether a quorum granted it.
    pub committed: bool,
}

/// A configuration of a group's members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembersProbe {
    /// The entry that set it; `None`: nothing did yet.
    pub set_by: Option<EntryId>,
    /// The voters: two sets while they change.
    pub voters: Vec<BTreeSet<NodeId>>,
    /// Those without a vote.
    pub learners: BTreeSet<NodeId>,
}

/// A replica as it is now. What its Raft core knows is as of the end of the core's last turn.
#[derive(Debug, Clone)]
pub struct GroupProbe {
    /// The group.
    pub group: GroupId,
    /// What the replica is.
    pub role: Role,
    /// Its vote as it knows it.
    pub vote: VoteProbe,
    /// Its vote on disk; it never goes back, over restarts neither.
    pub stored_vote: Option<VoteProbe>,
    /// The leader it follows, however long ago that was last heard.
    pub leader: Option<NodeId>,
    /// The last entry its log let go of.
    pub purged: Option<EntryId>,
    /// The last entry in its log, durable or not, or else the one purged last.
    pub last: Option<EntryId>,
    /// The last of its entries that it knows to be committed.
    pub committed: Option<EntryId>,
    /// The last entry in its state.
    pub applied: Option<EntryId>,
    /// The last entry in its current snapshot.
    pub snapshot: Option<EntryId>,
    /// The newest members in its log, committed or not.
    pub members: MembersProbe,
    /// Group time of its state, ms.
    pub time_ms: u64,
    /// The version its state gave last.
    pub version: u64,
    /// The slot table's epoch its state knows, and the slots it owns.
    pub slots: (u64, SlotSet),
    /// A checksum of its state, if asked for; equal wherever `applied` is.
    pub digest: Option<u64>,
    /// Why it stopped for good, if it did.
    pub failure: Option<String>,
}

impl Group {
    /// Everything about this replica; with `digest` a checksum of all it holds, which costs a pass over that. Between
    /// turns of the runtime all parts that concern the state are of one moment.
    pub(crate) fn probe(&self, digest: bool) -> GroupProbe {
        let metrics = self.metrics();
        let (purged, last) = self.log.bounds(self.id).unwrap_or_default();
        let map = self.map.read();
        let (epoch, slots) = map.owned();
        GroupProbe {
            group: self.id,
            role: role(metrics.state),
            vote: vote(&metrics.vote),
            stored_vote: self.stored_vote(),
            leader: metrics.current_leader,
            purged,
            last,
            committed: metrics.local_committed.map(entry_id),
            applied: self.leadership.progress.last().map(entry_id),
            snapshot: metrics.snapshot.map(entry_id),
            members: members(&metrics),
            time_ms: map.time_ms(),
            version: map.version(),
            slots: (epoch, slots.clone()),
            digest: digest.then(|| map.freeze().digest()),
            failure: self.failure(),
        }
    }

    fn stored_vote(&self) -> Option<VoteProbe> {
        let stored = self.log.vote(self.id).ok()??;
        messages::vote(&mut Decoder::new(stored)).ok().as_ref().map(vote)
    }
}

fn role(state: ServerState) -> Role {
    match state {
        ServerState::Learner => Role::Learner,
        ServerState::Follower => Role::Follower,
        ServerState::Candidate => Role::Candidate,
        ServerState::Leader => Role::Leader,
        ServerState::Shutdown => Role::Stopping,
    }
}

fn vote(vote: &Vote) -> VoteProbe {
    VoteProbe { term: vote.leader_id.term, node: vote.leader_id.node_id, committed: vote.committed }
}

fn entry_id(id: LogId) -> EntryId {
    EntryId { term: id.leader_id.term, node: id.leader_id.node_id, index: id.index }
}

fn members(metrics: &Metrics) -> MembersProbe {
    let members = &metrics.membership_config;
    MembersProbe {
        set_by: members.log_id().map(entry_id),
        voters: members.get_joint_config().clone(),
        learners: members.membership().learner_ids().collect(),
    }
}
