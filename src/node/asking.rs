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
