//! Stopping a node, within a time: leaderships are handed over, groups and connections end, the log is closed.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use raft_store::blocking;
use tokio::time::{Instant, timeout_at};

use super::Inner;
use crate::limits::{HAND_OVER_TIMEOUT, REQUEST_TIMEOUT_MAX};

/// What a node had not done when the time for its stop was over. Everything acknowledged is on disk all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StopError {
    /// The groups took too long to stop, and with them the log.
    #[error("{0} groups had not stopped in time, and the log was not closed")]
    Groups(usize),
    /// Connections to other nodes took too long to end, and the log was not closed.
    #[error("connections to other nodes had not ended in time, and the log was not closed")]
    Connections,
    /// The log took too long to close: its disk may hang.
    #[error("the log was not closed in time")]
    LogLate,
    /// The log could not be closed.
    #[error("the log was not closed cleanly: {0}")]
    Log(String),
}

impl Inner {
    /// Says from now on that this node is about to go, so that nobody sends it more.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether it is about to go.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Hands every leadership over, if somebody can take it, and stops every replica.
    pub(super) async fn leave_groups(&self) {
        if let Err(error) = self.leave_groups_by(Instant::now() + REQUEST_TIMEOUT_MAX).await {
            tracing::warn!(%error, "some groups did not stop in time");
        }
    }

    async fn leave_groups_by(&self, deadline: Instant) -> Result<(), StopError> {
        let inner = self.shared();
        let groups = self.host.all();
        let roomy = if groups.iter().any(|group| group.leads()) {
            inner.nodes_with_room().await
        } else {
            BTreeSet::new()
        };
        let handing = groups.iter().map(|group| group.hand_over(HAND_OVER_TIMEOUT, &roomy));
        // Many groups hand over side by side; none may hold the node up for ever.
        let handed_by = deadline.min(Instant::now() + 2 * HAND_OVER_TIMEOUT);
        let _ = timeout_at(handed_by, futures_util::future::join_all(handing)).await;
        let closed = timeout_at(deadline, self.host.close_all()).await;
        closed.map_err(|_| StopError::Groups(groups.len()))
    }

    pub(super) async fn stop_by(&self, deadline: Instant) -> Result<(), StopError> {
        self.drain();
        self.tasks.lock().drain(..).for_each(|task| task.abort());
        // Adapters hold the node, so it lets go of them: else neither would ever end.
        self.exposed.lock().clear();
        self.leave_groups_by(deadline).await?;
        timeout_at(deadline, self.transport.shutdown()).await.map_err(|_| StopError::Connections)?;
        let log = self.host.deps().log.clone();
        let closed = timeout_at(deadline, blocking::run(move || log.close())).await;
        match closed.map_err(|_| StopError::LogLate)? {
            Ok(Ok(())) => tracing::info!("stopped"),
            Ok(Err(error)) => return Err(StopError::Log(error.to_string())),
            Err(error) => return Err(StopError::Log(error.to_string())),
        }
        Ok(())
    }
}
