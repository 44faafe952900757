//! Stopping a node.

use std::collections::BTreeSet;

use raft_store::blocking;

use super::Inner;
use crate::limits::{HAND_OVER_TIMEOUT, REQUEST_TIMEOUT_MAX};

impl Inner {
    /// Hands every leadership over, if somebody can take it, and stops every replica.
    pub(super) async fn leave_groups(&self) {
        let inner = self.shared();
        let groups = self.host.all();
        let roomy = if groups.iter().any(|group| group.leads()) {
            inner.nodes_with_room().await
        } else {
            BTreeSet::new()
        };
        let handing = groups.iter().map(|group| group.hand_over(HAND_OVER_TIMEOUT, &roomy));
        // Many groups hand over side by side; none may hold the node up for ever.
        let _ = tokio::time::timeout(2 * HAND_OVER_TIMEOUT, futures_util::future::join_all(handing)).await;
        let stopped = tokio::time::timeout(REQUEST_TIMEOUT_MAX, self.host.close_all()).await;
        if stopped.is_err() {
            tracing::warn!("some groups did not stop in time");
        }
    }

    pub(super) async fn stop(&self) {
        self.tasks.lock().drain(..).for_each(|task| task.abort());
        self.leave_groups().await;
        self.transport.shutdown().await;
        // Adapters hold the node, so it lets go of them: else neither would ever end.
        self.exposed.lock().clear();
        let log = self.host.deps().log.clone();
        match blocking::run(move || log.close()).await {
            Ok(Ok(())) => tracing::info!("stopped"),
            Ok(Err(error)) => tracing::error!(%error, "the log was not closed cleanly"),
            Err(error) => tracing::error!(%error, "the log was not closed"),
        }
    }
}
