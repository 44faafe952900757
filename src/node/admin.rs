//! Changes people ask for: members, voters, learners, leaders, snapshots; and the operations that carry them out.
//!
//! A change of a group is carried out by the node that leads it. Its operation is written into the cluster's
//! document when it begins, moves and ends, so any node can be asked how it stands. Every change can be asked for
//! again: what is done already is skipped.

use std::sync::Arc;

use raft_store::{GroupId, NodeId};
use tokio::time::Instant;

use super::doc::{ClusterDoc, META_GROUP};
use super::meta::Change;
use super::operations::new_operation;
use super::peer::Ask;
use super::{GroupChange, Inner};
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::group::{ChangeError, Group};
use crate::limits::{
    ASK_TIMEOUT, CATCH_UP_TIMEOUT, HAND_OVER_TIMEOUT, META_REMOVAL_TIMEOUT, OPERATION_POLL,
    VOTER_ACKED_WITHIN,
};
use crate::views::{GroupView, Operation, OperationState};

impl GroupChange {
    /// The node concerned.
    pub fn node(self) -> NodeId {
        match self {
            Self::AddVoter(node)
            | Self::RemoveVoter(node)
            | Self::AddLearner(node)
            | Self::RemoveLearner(node) => node,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::AddVoter(_) => "add-voter",
            Self::RemoveVoter(_) => "remove-voter",
            Self::AddLearner(_) => "add-learner",
            Self::RemoveLearner(_) => "remove-learner",
        }
    }

    fn adds(self) -> bool {
        matches!(self, Self::AddVoter(_) | Self::AddLearner(_))
    }
}

impl Inner {
    /// Starts a change of a group, wherever it is led.
    pub(super) async fn change_group(
        self: &Arc<Self>,
        group: GroupId,
        change: GroupChange,
    ) -> Result<Operation> {
        // This node's own copy may be a moment behind a node that just joined.
        let doc = self.doc_to_change().await?;
        if !doc.groups.contains_key(&group) && group != META_GROUP {
            return Err(unknown_group(group));
        }
        if !doc.nodes.contains_key(&change.node()) {
            let detail = format!("no node {} in this cluster", change.node());
            return Err(Error::not_applied(ErrorKind::UnknownMember, detail));
        }
        self.ask_leader(group, &Ask::Change { group, change }, Instant::now() + ASK_TIMEOUT).await
    }

    /// The newest document, for a request that is to change something: nothing is applied if it cannot be read.
    async fn doc_to_change(&self) -> Result<ClusterDoc> {
        let read = self.read_doc().await;
        read.map(|(doc, _)| doc).map_err(|error| Error { outcome: Some(Outcome::NotApplied), ..error })
    }

    /// Starts a change of a group this node leads: what can be refused is refused now, the rest goes on in the
    /// background.
    pub(super) async fn change_here(
        self: &Arc<Self>,
        group: GroupId,
        change: GroupChange,
    ) -> Result<Operation> {
        let replica = self.replica(group).map_err(|error| Error { kind: ErrorKind::NoLeader, ..error })?;
        if !replica.leads() {
            return Err(change_error(group, ChangeError::NotLeader(replica.leader())));
        }
        if let GroupChange::RemoveVoter(node) = change {
            replica.may_remove_voter(node).await.map_err(|error| change_error(group, error))?;
            if node == self.id {
                // Its heir carries the removal out: whoever asks is sent on to it.
                if replica.hand_over(HAND_OVER_TIMEOUT, &self.nodes_with_room().await).await {
                    return Err(change_error(group, ChangeError::NotLeader(None)));
                }
            }
        }
        if let GroupChange::RemoveLearner(node) = change {
            replica.may_remove_learner(node).map_err(|error| change_error(group, error))?;
        }
        let Some(lock) = self.begin_change(group) else {
            return Err(change_error(group, ChangeError::InProgress));
        };
        let operation = new_operation(change.name(), Some(group), Some(change.node()));
        self.record(operation.clone()).await?;
        let (inner, begun) = (self.clone(), operation.clone());
        tokio::spawn(async move {
            let _held = lock;
            let result = inner.beat_while(&begun, inner.carry_out(&replica, change)).await;
            inner.finish(begun, result.map_err(|error| change_error(group, error))).await;
        });
        Ok(operation)
    }

    async fn carry_out(
        self: &Arc<Self>,
        replica: &Arc<Group>,
        change: GroupChange,
    ) -> Result<(), ChangeError> {
        let node = change.node();
        let catch_up = async {
            tokio::time::timeout(CATCH_UP_TIMEOUT, replica.add_learner(node))
                .await
                .unwrap_or_else(|_| Err(ChangeError::Late(format!("node {node} did not catch up in time"))))
        };
        match change {
            GroupChange::AddVoter(_) if replica.voters().contains(&node) => {}
            GroupChange::AddVoter(_) => {
                catch_up.await?;
                replica.promote(node).await?;
            }
            GroupChange::AddLearner(_) => catch_up.await?,
            GroupChange::RemoveVoter(_) => replica.remove_voter(node).await?,
            GroupChange::RemoveLearner(_) => replica.remove_learner(node).await?,
        }
        self.note_replica(replica.id(), change).await.map_err(|e| ChangeError::Unknown(e.to_string()))?;
        if !change.adds() {
            // Best effort: a node that cannot be told finds out by itself.
            let _: Result<()> = self.ask(node, &Ask::Retire { group: replica.id() }, ASK_TIMEOUT).await;
        }
        Ok(())
    }

    async fn note_replica(self: &Arc<Self>, group: GroupId, change: GroupChange) -> Result<()> {
        self.change_doc(|doc| {
            let Some(replicas) = doc.groups.get_mut(&group) else { return Ok(Change::Keep(())) };
            let changed = match change.adds() {
                true => replicas.insert(change.node()),
                false => replicas.remove(&change.node()),
            };
            Ok(if changed { Change::Write(()) } else { Change::Keep(()) })
        })
        .await
    }

    /// Takes a node out of every group, then out of the cluster. This node sees to it.
    pub(super) async fn remove_member(self: &Arc<Self>, node: NodeId) -> Result<Operation> {
        let doc = self.doc_to_change().await?;
        if node == self.id
            && let Some(&other) = doc.nodes.keys().find(|&&other| other != node)
        {
            // It will stop once it is out, and could not see it through.
            return self.ask(other, &Ask::RemoveMember { node }, ASK_TIMEOUT).await;
        }
        // Asked for again, it completes what was interrupted.
        if !doc.nodes.contains_key(&node) && !doc.removed.contains(&node) {
            return Err(Error::not_applied(
                ErrorKind::UnknownMember,
                format!("no node {node} in this cluster"),
            ));
        }
        if doc.nodes.len() == 1 && doc.nodes.contains_key(&node) {
            let detail = format!("node {node} is the last one");
            return Err(Error::not_applied(ErrorKind::WouldLoseQuorum, detail));
        }
        for group in doc.groups.keys().copied().chain([META_GROUP]) {
            self.await_spared(group, node).await?;
        }
        let operation = new_operation("remove-member", None, Some(node));
        self.record(operation.clone()).await?;
        let (inner, begun) = (self.clone(), operation.clone());
        tokio::spawn(async move {
            let result = inner.beat_while(&begun, inner.remove_everywhere(node)).await;
            inner.finish(begun, result).await;
        });
        Ok(operation)
    }

    /// Out of the data groups and out of the document. Out of the meta group its leader takes whoever is in the document
    /// no more (`reconcile`): one alone sees to that, and this waits for it.
    async fn remove_everywhere(self: &Arc<Self>, node: NodeId) -> Result<()> {
        let groups: Vec<GroupId> = self.read_doc().await?.0.groups.keys().copied().collect();
        for group in groups {
            self.remove_from(group, node).await?;
        }
        self.change_doc(|doc| {
            doc.expel(node);
            Ok(Change::Write(()))
        })
        .await?;
        self.await_out_of_meta(node).await
    }

    async fn await_out_of_meta(self: &Arc<Self>, node: NodeId) -> Result<()> {
        let deadline = Instant::now() + META_REMOVAL_TIMEOUT;
        while Instant::now() < deadline {
            if let Ok(view) = self.leaders_word(META_GROUP).await {
                let mut members = view.summary.voters.iter().chain(&view.summary.learners);
                if !members.any(|&member| member == node) {
                    return Ok(());
                }
            }
            tokio::time::sleep(OPERATION_POLL).await;
        }
        let detail = format!("node {node} is still in the meta group; its leader goes on trying");
        Err(Error::unknown(ErrorKind::Timeout, detail).group(META_GROUP))
    }

    /// Waits until a group can do without a node: a leader that has just begun may not have heard from everybody yet, so it
    /// is asked for a while before the answer is no.
    async fn await_spared(self: &Arc<Self>, group: GroupId, node: NodeId) -> Result<()> {
        let until = Instant::now() + VOTER_ACKED_WITHIN;
        loop {
            match spares(&self.leaders_word(group).await?, node) {
                Err(_) if Instant::now() < until => tokio::time::sleep(OPERATION_POLL).await,
                judged => return judged,
            }
        }
    }

    async fn leaders_word(self: &Arc<Self>, group: GroupId) -> Result<GroupView> {
        let view = self.ask_leader(group, &Ask::LedGroup { group }, Instant::now() + ASK_TIMEOUT).await;
        view.map_err(|error| Error { outcome: Some(Outcome::NotApplied), ..error })
    }

    async fn remove_from(self: &Arc<Self>, group: GroupId, node: NodeId) -> Result<()> {
        let view = self.leaders_word(group).await?;
        let change = if view.summary.voters.contains(&node) {
            GroupChange::RemoveVoter(node)
        } else if view.summary.learners.contains(&node) {
            GroupChange::RemoveLearner(node)
        } else {
            return Ok(());
        };
        let begin = Ask::Change { group, change };
        let operation: Operation = self.ask_leader(group, &begin, Instant::now() + ASK_TIMEOUT).await?;
        let ended = self.await_operation(&operation.id, Instant::now() + CATCH_UP_TIMEOUT).await?;
        match (ended.state, ended.error) {
            (OperationState::Done, _) => Ok(()),
            (_, Some(error)) => Err(error.group(group)),
            (_, None) => Err(Error::unknown(ErrorKind::Conflict, ended.detail).group(group)),
        }
    }
}

/// Whether a group can do without a node, as its leader sees it; judged again when it is removed.
fn spares(view: &GroupView, node: NodeId) -> Result<()> {
    let voters = &view.summary.voters;
    if !voters.contains(&node) {
        return Ok(());
    }
    let healthy = |voter: &&NodeId| {
        **voter != node && view.replicas.iter().any(|replica| replica.node == **voter && replica.healthy)
    };
    let (rest, healthy) = (voters.len() - 1, voters.iter().filter(healthy).count());
    if rest > 0 && healthy > rest / 2 {
        return Ok(());
    }
    let group = view.summary.id;
    let detail =
        format!("without node {node}, group {group} would have {rest} voters, {healthy} of them healthy");
    Err(Error::not_applied(ErrorKind::WouldLoseQuorum, detail).group(group))
}

pub(super) fn unknown_group(group: GroupId) -> Error {
    Error::not_applied(ErrorKind::UnknownGroup, format!("no group {group} in this cluster"))
}

/// A group's refusal as the client is to see it.
pub(super) fn change_error(group: GroupId, error: ChangeError) -> Error {
    let detail = error.to_string();
    let error = match error {
        ChangeError::NotLeader(hint) => {
            Error { leader: hint, ..Error::not_applied(ErrorKind::NoLeader, detail) }.retry_after_ms(150)
        }
        ChangeError::WouldLoseQuorum(_) => Error::not_applied(ErrorKind::WouldLoseQuorum, detail),
        ChangeError::InProgress => Error::not_applied(ErrorKind::OperationRunning, detail),
        ChangeError::Silent(_) => Error::not_applied(ErrorKind::Conflict, detail),
        ChangeError::NotAMember(_) => Error::not_applied(ErrorKind::UnknownMember, detail),
        ChangeError::Late(_) => Error::unknown(ErrorKind::Timeout, detail),
        ChangeError::Unknown(_) => Error::unknown(ErrorKind::Internal, detail),
    };
    error.group(group)
}
