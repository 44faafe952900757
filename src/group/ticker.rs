//! Moves group time while the group holds deadlines: the leader proposes a tick when the earliest is due,
//! and at least every [`TICK_INTERVAL`].

use std::time::Duration;

use super::batcher::{Batch, Batcher};
use super::leadership::Leadership;
use crate::limits::{TICK_INTERVAL, TICK_RETRY};

pub(crate) async fn run(leadership: Leadership, batcher: Batcher) {
    let applied = leadership.applied.clone();
    loop {
        let Some(deadline) = applied.deadline() else {
            applied.deadline_closer.notified().await;
            continue;
        };
        if leadership.current().is_err() {
            tokio::time::sleep(TICK_INTERVAL).await;
            continue;
        }
        let due_in = Duration::from_millis(deadline.saturating_sub(applied.clock.now_ms()));
        tokio::select! {
            () = tokio::time::sleep(due_in.min(TICK_INTERVAL)) => {
                if batcher.propose(Batch::tick()).await.is_err() {
                    tokio::time::sleep(TICK_RETRY).await;
                }
            }
            () = applied.deadline_closer.notified() => {}
        }
    }
}
