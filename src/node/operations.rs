//! Long operations: written into the cluster's document when they begin, while they go on and when they end, so
//! any node can be asked how one stands.

use std::collections::BTreeMap;

use raft_store::{GroupId, NodeId};
use tokio::time::Instant;

use super::Inner;
use super::doc::ClusterDoc;
use super::identity::random_id;
use super::meta::Change;
use crate::clock::wall_ms;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{OPERATION_ABANDONED, OPERATION_BEAT, OPERATION_POLL};
use crate::views::{Operation, OperationState};

impl Inner {
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
            tokio::time::sleep(OPERATION_POLL).await;
        }
    }

    pub(super) async fn record(&self, operation: Operation) -> Result<()> {
        self.change_doc(|doc| {
            doc.record(operation.clone());
            Ok(Change::Write(()))
        })
        .await
    }

    /// Keeps the operation's record fresh while `work` goes on, so that it does not pass for abandoned.
    pub(super) async fn beat_while<T>(&self, operation: &Operation, work: impl Future<Output = T>) -> T {
        tokio::select! {
            result = work => result,
            never = self.beat(operation) => match never {},
        }
    }

    async fn beat(&self, operation: &Operation) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(OPERATION_BEAT).await;
            let beat = Operation { updated_ms: wall_ms(), ..operation.clone() };
            if let Err(error) = self.record(beat).await {
                tracing::debug!(%error, "operation not refreshed");
            }
        }
    }

    /// Running operations that nobody refreshed for as long as this node has watched them: by its own clock, since
    /// others' wall clocks may differ.
    pub(super) fn abandoned(&self, doc: &ClusterDoc) -> Vec<String> {
        let running = doc.operations.iter().filter(|operation| operation.state == OperationState::Running);
        let mut seen = self.operations_seen.lock();
        let mut now_running = BTreeMap::new();
        for Operation { id, updated_ms, .. } in running {
            let known = seen.remove(id).filter(|(at, _)| at == updated_ms);
            now_running.insert(id.clone(), known.unwrap_or((*updated_ms, Instant::now())));
        }
        *seen = now_running;
        let old = seen.iter().filter(|(_, (_, since))| since.elapsed() > OPERATION_ABANDONED);
        old.map(|(id, _)| id.clone()).collect()
    }

    pub(super) async fn finish(&self, operation: Operation, result: Result<()>) {
        let (state, detail) = match &result {
            Ok(()) => (OperationState::Done, "done".to_owned()),
            Err(error) => (OperationState::Failed, error.detail.clone()),
        };
        tracing::info!(
            operation = operation.kind,
            group = operation.group,
            node = operation.node,
            detail,
            "ended"
        );
        let ended = Operation { state, detail, error: result.err(), updated_ms: wall_ms(), ..operation };
        if let Err(error) = self.record(ended).await {
            tracing::warn!(%error, "the end of an operation was not recorded");
        }
    }
}

/// An operation that begins now.
pub(super) fn new_operation(kind: &str, group: Option<GroupId>, node: Option<NodeId>) -> Operation {
    let now_ms = wall_ms();
    Operation {
        id: random_id(),
        kind: kind.to_owned(),
        group,
        node,
        state: OperationState::Running,
        detail: "under way".to_owned(),
        error: None,
        started_ms: now_ms,
        updated_ms: now_ms,
    }
}
