//! Asking one node, or whoever leads a group, something rare.

use std::sync::Arc;
use std::time::Duration;

use raft_store::{GroupId, NodeId};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::Inner;
use super::doc::META_GROUP;
use super::peer::{self, Ask, Told};
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::limits::ROUTE_PAUSE;
use crate::random;
use crate::transport::{CallError, Lane};

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
        self.presumed_leader(group).or_else(|| self.any_replica(group))
    }

    fn last_known_peers(&self) -> Vec<NodeId> {
        let file = self.identity.lock();
        file.identity.cluster.iter().flat_map(|cluster| cluster.peers.keys().copied()).collect()
    }

    fn any_replica(&self, group: GroupId) -> Option<NodeId> {
        let replicas = match (self.doc(), group) {
            (Some(doc), META_GROUP) => doc.nodes.keys().copied().collect::<Vec<_>>(),
            (Some(doc), _) => doc.groups.get(&group)?.iter().copied().collect(),
            // A node that starts again knows no document until a leader tells it what is committed. One that was removed
            // hears of no leader, and has to ask whether it is still wanted.
            (None, META_GROUP) => self.last_known_peers(),
            (None, _) => return None,
        };
        let replicas: Vec<NodeId> = replicas.into_iter().filter(|&node| !self.is_quiet(node)).collect();
        replicas.get(random::below(replicas.len())).copied()
    }
}

/// Whether the same question may go to another node: it was certainly not acted on, for want of a leader.
fn may_ask_again(error: &Error) -> bool {
    error.kind == ErrorKind::NoLeader && error.outcome == Some(Outcome::NotApplied)
}

fn unreachable_node(node: NodeId, error: &CallError) -> Error {
    let detail = format!("node {node}: {error}");
    match error {
        CallError::Lost(_) => Error::unknown(ErrorKind::NoLeader, detail),
        CallError::NotSent(_) | CallError::Refused(_) => Error::not_applied(ErrorKind::NoLeader, detail),
    }
}
