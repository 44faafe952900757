//! Changes of a group's members and leader, made by its leader through joint consensus.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openraft::errors::{ChangeMembershipError, ClientWriteError, InitializeError, RaftError};
use openraft::{ChangeMembers, EmptyNode, RaftState};
use raft_store::NodeId;
use raft_store::raft::TypeConfig;
use tokio::time::Instant;

use super::status::acked_within;
use super::{Group, ReadIndexError};
use crate::limits::{CAUGHT_UP_LAG, LEARNER_POLL, LEARNER_SILENT_MAX, TRANSFER_POLL, VOTER_ACKED_WITHIN};

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChangeError {
    /// This node does not lead the group; nothing was proposed.
    #[error("this node does not lead the group")]
    NotLeader(Option<NodeId>),
    /// Too few healthy voters would be left; nothing was proposed.
    #[error("{0}")]
    WouldLoseQuorum(String),
    /// Another change is under way; nothing was proposed.
    #[error("another change of the group's members is under way")]
    InProgress,
    /// The node asked for does not answer; nothing is left of the change.
    #[error("{0}")]
    Silent(String),
    /// The node asked for has no part in this; nothing was proposed.
    #[error("{0}")]
    NotAMember(String),
    /// It was not seen done in time; it may be yet.
    #[error("{0}")]
    Late(String),
    /// It may have been made, or half made; making it again completes it.
    #[error("{0}")]
    Unknown(String),
}

type WriteError = RaftError<TypeConfig, ClientWriteError<TypeConfig>>;

impl Group {
    /// Gives a pristine group its first voters. Every founder may do it: it is the same first log entry.
    pub(crate) async fn initialize(&self, voters: &BTreeSet<NodeId>) -> Result<(), String> {
        let members: BTreeMap<NodeId, EmptyNode> = voters.iter().map(|&id| (id, EmptyNode {})).collect();
        match self.raft.initialize(members).await {
            Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Voters of the newest configuration.
    pub(crate) fn voters(&self) -> BTreeSet<NodeId> {
        self.metrics().membership_config.voter_ids().collect()
    }

    /// Adds a replica without a vote; returns when its log has caught up but for `CAUGHT_UP_LAG` entries.
    pub(crate) async fn add_learner(&self, node: NodeId) -> Result<(), ChangeError> {
        self.leading()?;
        let known = self.metrics().membership_config.nodes().any(|(&known, _)| known == node);
        self.raft.add_learner(node, EmptyNode {}, false).await.map_err(change_error)?;
        let caught_up = self.await_learner(node).await;
        if matches!(caught_up, Err(ChangeError::Silent(_))) && !known {
            self.remove_learner(node).await?;
        }
        caught_up
    }

    /// Waits until a learner answers and its log is close to this leader's. (openraft's own wait takes a learner that
    /// never answered for close to a short log.)
    async fn await_learner(&self, node: NodeId) -> Result<(), ChangeError> {
        let mut heard_at = Instant::now();
        loop {
            self.leading()?;
            let metrics = self.metrics();
            let answers = acked_within(&metrics, node, VOTER_ACKED_WITHIN);
            if answers {
                heard_at = Instant::now();
            }
            let matched = metrics.replication.as_ref().and_then(|all| *all.get(&node)?);
            let lag = matched.map(|id| metrics.last_log_index.unwrap_or(0).saturating_sub(id.index));
            if answers && lag.is_some_and(|lag| lag <= CAUGHT_UP_LAG) {
                return Ok(());
            }
            if heard_at.elapsed() > LEARNER_SILENT_MAX {
                return Err(ChangeError::Silent(format!("node {node} does not answer; is it running?")));
            }
            tokio::time::sleep(LEARNER_POLL).await;
        }
    }

    /// Gives a learner its vote, if the voters with it hold a healthy majority.
    pub(crate) async fn promote(&self, node: NodeId) -> Result<(), ChangeError> {
        self.leading()?;
        let metrics = self.metrics();
        if !metrics.membership_config.nodes().any(|(&known, _)| known == node) {
            return Err(ChangeError::NotAMember(format!("node {node} is no learner of group {}", self.id)));
        }
        let voters: BTreeSet<NodeId> = metrics.membership_config.voter_ids().chain([node]).collect();
        let heir = usize::from(acked_within(&metrics, node, VOTER_ACKED_WITHIN));
        let healthy = self.healthy_voters(&metrics, VOTER_ACKED_WITHIN).len() + heir;
        if healthy < majority(&voters) {
            return Err(ChangeError::WouldLoseQuorum(format!(
                "with node {node}, group {} would have {} voters, {healthy} of them healthy, and needs {}",
                self.id,
                voters.len(),
                majority(&voters),
            )));
        }
        self.change(ChangeMembers::AddVoterIds(BTreeSet::from([node]))).await
    }

    /// Takes a voter's vote and its replica away.
    pub(crate) async fn remove_voter(&self, node: NodeId) -> Result<(), ChangeError> {
        self.may_remove_voter(node).await?;
        self.change(ChangeMembers::RemoveVoters(BTreeSet::from([node]))).await
    }

    /// Takes a learner away.
    pub(crate) async fn remove_learner(&self, node: NodeId) -> Result<(), ChangeError> {
        self.may_remove_learner(node)?;
        self.change(ChangeMembers::RemoveNodes(BTreeSet::from([node]))).await
    }

    /// Whether the group has certainly no part for `node`, at a moment after the call: a quorum has confirmed this
    /// leader meanwhile, and the node is neither in the committed configuration nor in one that is under way.
    pub(crate) async fn excludes(&self, node: NodeId) -> Result<bool, ChangeError> {
        self.read_index(false).await.map_err(|error| match error {
            ReadIndexError::NotLeader(hint) => ChangeError::NotLeader(hint),
            other => ChangeError::Unknown(other.to_string()),
        })?;
        let named = move |state: &RaftState<TypeConfig>| {
            let configs = [state.membership_state.committed(), state.membership_state.effective()];
            configs.into_iter().any(|config| config.nodes().any(|(&named, _)| named == node))
        };
        let named = self.raft.with_raft_state(named).await;
        named.map(|named| !named).map_err(|error| ChangeError::Unknown(error.to_string()))
    }

    /// Whether there is such a learner.
    pub(crate) fn may_remove_learner(&self, node: NodeId) -> Result<(), ChangeError> {
        self.leading()?;
        let metrics = self.metrics();
        let is_learner = metrics.membership_config.membership().learner_ids().any(|learner| learner == node);
        if is_learner {
            return Ok(());
        }
        Err(ChangeError::NotAMember(format!("node {node} is no learner of group {}", self.id)))
    }

    /// Whether a voter can go: the rest must hold a healthy majority, and so must the voters as they are now,
    /// since both configurations have to agree (joint consensus, Raft paper section 6). A leader that has just
    /// begun may not have heard from everybody yet, so it looks again for a while before it refuses.
    pub(crate) async fn may_remove_voter(&self, node: NodeId) -> Result<(), ChangeError> {
        let until = Instant::now() + VOTER_ACKED_WITHIN;
        loop {
            match self.leaves_a_quorum_without(node) {
                Err(ChangeError::WouldLoseQuorum(_)) if Instant::now() < until => {
                    tokio::time::sleep(TRANSFER_POLL).await;
                }
                judged => return judged,
            }
        }
    }

    fn leaves_a_quorum_without(&self, node: NodeId) -> Result<(), ChangeError> {
        self.leading()?;
        let metrics = self.metrics();
        let voters: BTreeSet<NodeId> = metrics.membership_config.voter_ids().collect();
        if !voters.contains(&node) {
            return Err(ChangeError::NotAMember(format!("node {node} is no voter of group {}", self.id)));
        }
        let healthy = self.healthy_voters(&metrics, VOTER_ACKED_WITHIN);
        let rest: BTreeSet<NodeId> = voters.iter().copied().filter(|&voter| voter != node).collect();
        let healthy_rest = healthy.intersection(&rest).count();
        if healthy.len() < majority(&voters) {
            return Err(ChangeError::WouldLoseQuorum(format!(
                "group {} has {} voters, {} of them healthy: the {} needed to agree to any change are not there",
                self.id,
                voters.len(),
                healthy.len(),
                majority(&voters),
            )));
        }
        if healthy_rest < majority(&rest) {
            return Err(ChangeError::WouldLoseQuorum(format!(
                "without node {node}, group {} would have {} voters, {healthy_rest} of them healthy, and needs {}",
                self.id,
                rest.len(),
                majority(&rest),
            )));
        }
        Ok(())
    }

    /// Hands leadership to a voter and waits until it leads and its first entry is applied here, or `deadline`:
    /// from then on it has its quorum's word, and says itself that it leads.
    pub(crate) async fn transfer_to(&self, node: NodeId, deadline: Instant) -> Result<(), ChangeError> {
        self.leading()?;
        if !self.voters().contains(&node) {
            return Err(ChangeError::NotAMember(format!("node {node} is no voter of group {}", self.id)));
        }
        if node == self.node {
            return Ok(());
        }
        self.answers(node).await?;
        self.raft.trigger().transfer_leader(node).await.map_err(|e| ChangeError::Unknown(e.to_string()))?;
        while Instant::now() < deadline {
            if self.leader() == Some(node) && self.leadership.progress.leader() == Some(node) {
                return Ok(());
            }
            tokio::time::sleep(TRANSFER_POLL).await;
        }
        Err(ChangeError::Late(format!("node {node} did not take over group {} in time", self.id)))
    }

    /// Waits a moment for a voter's acknowledgement: a leader that has just begun has none yet.
    async fn answers(&self, node: NodeId) -> Result<(), ChangeError> {
        let until = Instant::now() + VOTER_ACKED_WITHIN;
        while !acked_within(&self.metrics(), node, VOTER_ACKED_WITHIN) {
            self.leading()?;
            if Instant::now() >= until {
                return Err(ChangeError::Silent(format!("node {node} does not answer; it cannot take over")));
            }
            tokio::time::sleep(TRANSFER_POLL).await;
        }
        Ok(())
    }

    /// The healthy voter among `nodes` whose log is furthest, if this node leads.
    pub(crate) fn best_heir(&self, nodes: &BTreeSet<NodeId>) -> Option<NodeId> {
        self.leading().ok()?;
        let metrics = self.metrics();
        let healthy = self.healthy_voters(&metrics, VOTER_ACKED_WITHIN);
        let matched = |node: &NodeId| metrics.replication.as_ref().and_then(|all| *all.get(node)?);
        healthy.into_iter().filter(|node| *node != self.node && nodes.contains(node)).max_by_key(matched)
    }

    /// Hands leadership to the voter that is furthest, if this node leads and another voter is healthy; to one of
    /// `preferred` if it can. Whether it asked one: from then on openraft takes nothing more under this leadership.
    pub(crate) async fn hand_over(&self, within: Duration, preferred: &BTreeSet<NodeId>) -> bool {
        let heir = self.best_heir(preferred).or_else(|| self.best_heir(&self.voters()));
        let Some(heir) = heir else { return false };
        if let Err(error) = self.transfer_to(heir, Instant::now() + within).await {
            tracing::info!(group = self.id, %error, "leadership not handed over");
        }
        true
    }

    fn leading(&self) -> Result<(), ChangeError> {
        self.leadership.current().map(drop).map_err(|not| ChangeError::NotLeader(not.0))
    }

    async fn change(&self, members: ChangeMembers<NodeId, EmptyNode>) -> Result<(), ChangeError> {
        self.raft.change_membership(members, false).await.map(drop).map_err(change_error)
    }
}

fn majority(voters: &BTreeSet<NodeId>) -> usize {
    voters.len() / 2 + 1
}

fn change_error(error: WriteError) -> ChangeError {
    match error {
        RaftError::APIError(ClientWriteError::ForwardToLeader(forward)) => {
            ChangeError::NotLeader(forward.leader_id)
        }
        RaftError::APIError(ClientWriteError::ChangeMembershipError(ChangeMembershipError::InProgress(
            _,
        ))) => ChangeError::InProgress,
        RaftError::APIError(ClientWriteError::ChangeMembershipError(refused)) => {
            ChangeError::NotAMember(refused.to_string())
        }
        other => ChangeError::Unknown(other.to_string()),
    }
}
