//! Long operations: written into the cluster's document when they begin, while they go on and when they end, so
//! any node can be asked how one stands.

use raft_store::{GroupId, NodeId};
use tokio::time::Instant;

use super::Inner;
use super::identity::random_id;
use super::meta::Change;
use crate::clock::wall_ms;
use crate::error::{Error, ErrorKind, Result};
use crate::group::ChangeError;
use crate::limits::{OPERATION_BEAT, OPERATION_POLL};
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

    pub(super) async fn finish(&self, operation: Operation, result: Result<(), ChangeError>) {
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
        started_ms: now_ms,
        updated_ms: now_ms,
    }
}
