//! Changes people ask for: members, voters, learners, leaders, snapshots; and the operations that carry them out.
//!
//! A change of a group is carried out by the node that leads it. Its operation is written into the cluster's
//! document when it begins, moves and ends, so any node can be asked how it stands. Every change can be asked for
//! again: what is done already is skipped.

use std::sync::Arc;
use std::time::Duration;

use raft_store::{GroupId, NodeId};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::doc::META_GROUP;
use super::identity::random_id;
use super::meta::Change;
use super::peer::{self, Ask, Told};
use super::{GroupChange, Inner};
use crate::clock::wall_ms;
use crate::error::{Error, ErrorKind, Result};
use crate::group::{ChangeError, Group};
use crate::limits::{ASK_TIMEOUT, CATCH_UP_TIMEOUT, HAND_OVER_TIMEOUT, OPERATION_BEAT, ROUTE_PAUSE};
use crate::transport::Lane;
use crate::views::{Operation, OperationState};

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
    /// Asks a node something rare.
    pub(super) async fn ask<T: DeserializeOwned>(
        self: &Arc<Self>,
        node: NodeId,
        ask: &Ask,
        timeout: Duration,
    ) -> Result<T> {
        let told: Told = if node == self.id {
            self.clone().tell(ask.clone()).await
        } else {
            let call = self.transport.call(node, Lane::Control, peer::ASK, peer::json(ask), timeout).await;
            let answer = call.map_err(|error| unreachable_node(node, &error))?;
            peer::from_json(&answer).map_err(|e| Error::unknown(ErrorKind::Internal, e.to_string()))?
        };
        let value = told?;
        serde_json::from_value(value).map_err(|error| Error::unknown(ErrorKind::Internal, error.to_string()))
    }

    /// Asks whoever leads a group, following hints until one answers or the deadline passes.
    pub(super) async fn ask_leader<T: DeserializeOwned>(
        self: &Arc<Self>,
        group: GroupId,
        ask: &Ask,
        deadline: Instant,
    ) -> Result<T> {
        loop {
            let answer = match self.leader_for_ask(group) {
                Some(node) => self.ask(node, ask, deadline.saturating_duration_since(Instant::now())).await,
                None => Err(Error::not_applied(ErrorKind::NoLeader, format!("group {group} has no leader"))),
            };
            match answer {
                Err(error) if may_ask_again(&error) && Instant::now() + ROUTE_PAUSE < deadline => {
                    self.note_leader(group, error.leader);
                    tokio::time::sleep(ROUTE_PAUSE).await;
                }
                other => return other.map_err(|error| error.group(group)),
            }
        }
    }

    fn leader_for_ask(&self, group: GroupId) -> Option<NodeId> {
        let own = self.host.get(group);
        own.as_ref()
            .filter(|replica| replica.leads())
            .map(|_| self.id)
            .or_else(|| self.known_leader(group))
            .or_else(|| own?.leader())
            .or_else(|| self.any_replica(group))
    }

    fn any_replica(&self, group: GroupId) -> Option<NodeId> {
        let doc = self.doc()?;
        let replicas = match group {
            META_GROUP => doc.nodes.keys().copied().collect::<Vec<_>>(),
            _ => doc.groups.get(&group)?.iter().copied().collect(),
        };
        replicas.get(rand::random_range(0..replicas.len().max(1))).copied()
    }

    /// Starts a change of a group, wherever it is led.
    pub(super) async fn change_group(
        self: &Arc<Self>,
        group: GroupId,
        change: GroupChange,
    ) -> Result<Operation> {
        // This node's own copy may be a moment behind a node that just joined.
        let (doc, _) = self.read_doc().await?;
        if !doc.groups.contains_key(&group) && group != META_GROUP {
            return Err(unknown_group(group));
        }
        if !doc.nodes.contains_key(&change.node()) {
            let detail = format!("no node {} in this cluster", change.node());
            return Err(Error::not_applied(ErrorKind::UnknownMember, detail));
        }
        self.ask_leader(group, &Ask::Change { group, change }, Instant::now() + ASK_TIMEOUT).await
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
                // Its heir carries the removal out. If no one takes over, this node removes itself.
                replica.hand_over(HAND_OVER_TIMEOUT).await;
                if !replica.leads() {
                    return Err(change_error(group, ChangeError::NotLeader(replica.leader())));
                }
            }
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
            inner.finish(begun, result).await;
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
            tokio::time::timeout(CATCH_UP_TIMEOUT, replica.add_learner(node)).await.unwrap_or_else(|_| {
                Err(ChangeError::Unknown(format!("node {node} did not catch up in time")))
            })
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
        let doc = self.member_doc()?;
        if !doc.nodes.contains_key(&node) {
            return Err(Error::not_applied(
                ErrorKind::UnknownMember,
                format!("no node {node} in this cluster"),
            ));
        }
        if doc.nodes.len() == 1 {
            let detail = format!("node {node} is the last one");
            return Err(Error::not_applied(ErrorKind::WouldLoseQuorum, detail));
        }
        let operation = new_operation("remove-member", None, Some(node));
        self.record(operation.clone()).await?;
        let (inner, begun) = (self.clone(), operation.clone());
        tokio::spawn(async move {
            let result = inner.beat_while(&begun, inner.remove_everywhere(node)).await;
            inner.finish(begun, result.map_err(|error| ChangeError::Unknown(error.detail))).await;
        });
        Ok(operation)
    }

    /// Out of the data groups, out of the document, and last out of the meta group: the other way round its leader
    /// would take the node in again.
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
        self.remove_from(META_GROUP, node).await
    }

    async fn remove_from(self: &Arc<Self>, group: GroupId, node: NodeId) -> Result<()> {
        let ask = Ask::Group { group, digest: false };
        let view: crate::views::GroupView =
            self.ask_leader(group, &ask, Instant::now() + ASK_TIMEOUT).await?;
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
        match ended.state {
            OperationState::Done => Ok(()),
            _ => Err(Error::unknown(ErrorKind::Conflict, format!("group {group}: {}", ended.detail))),
        }
    }

    /// An operation as the cluster has it now.
    pub(super) async fn operation(&self, id: &str) -> Result<Operation> {
        let (doc, _) = self.read_doc().await.map_err(Error::without_outcome)?;
        let found = doc.operations.into_iter().find(|operation| operation.id == id);
        found.ok_or_else(|| {
            Error::of_read(ErrorKind::UnknownOperation, format!("no operation {id} is remembered"))
        })
    }

    /// Waits until an operation ends or the deadline passes; how it stands then.
    pub(super) async fn await_operation(&self, id: &str, deadline: Instant) -> Result<Operation> {
        loop {
            let operation = self.operation(id).await?;
            if operation.state != OperationState::Running || Instant::now() >= deadline {
                return Ok(operation);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn record(&self, operation: Operation) -> Result<()> {
        self.change_doc(|doc| {
            doc.record(operation.clone());
            Ok(Change::Write(()))
        })
        .await
    }

    /// Keeps the operation's record fresh while `work` goes on, so that it does not pass for abandoned.
    async fn beat_while<T>(&self, operation: &Operation, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                result = &mut work => return result,
                () = tokio::time::sleep(OPERATION_BEAT) => {
                    let beat = Operation { updated_ms: wall_ms(), ..operation.clone() };
                    if let Err(error) = self.record(beat).await {
                        tracing::debug!(%error, "operation not refreshed");
                    }
                }
            }
        }
    }

    async fn finish(&self, operation: Operation, result: Result<(), ChangeError>) {
        let (state, detail) = match &result {
            Ok(()) => (OperationState::Done, "done".to_owned()),
            Err(error) => (OperationState::Failed, error.to_string()),
        };
        tracing::info!(
            operation = operation.kind,
            group = operation.group,
            node = operation.node,
            detail,
            "ended"
        );
        let ended = Operation { state, detail, updated_ms: wall_ms(), ..operation };
        if let Err(error) = self.record(ended).await {
            tracing::warn!(%error, "the end of an operation was not recorded");
        }
    }
}

fn new_operation(kind: &str, group: Option<GroupId>, node: Option<NodeId>) -> Operation {
    let now_ms = wall_ms();
    Operation {
        id: random_id(),
        kind: kind.to_owned(),
        group,
        node,
        state: OperationState::Running,
        detail: "under way".to_owned(),
        started_ms: now_ms,
        updated_ms: now_ms,
    }
}

/// Whether the same question may go to another node: it was certainly not acted on, for want of a leader.
fn may_ask_again(error: &Error) -> bool {
    error.kind == ErrorKind::NoLeader && error.outcome == Some(crate::error::Outcome::NotApplied)
}

fn unreachable_node(node: NodeId, error: &crate::transport::CallError) -> Error {
    use crate::transport::CallError;
    let detail = format!("node {node}: {error}");
    match error {
        CallError::Lost(_) => Error::unknown(ErrorKind::NoLeader, detail),
        CallError::NotSent(_) | CallError::Refused(_) => Error::not_applied(ErrorKind::NoLeader, detail),
    }
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
        ChangeError::NotAMember(_) => Error::not_applied(ErrorKind::UnknownMember, detail),
        ChangeError::Unknown(_) => Error::unknown(ErrorKind::Internal, detail),
    };
    error.group(group)
}
