//! Moves group time while the group holds deadlines: the leader proposes a tick when the earliest is due,
//! and at least every [`TICK_INTERVAL`].
//!
//! An applied entry removes a bounded number of due keys. While some are left the next tick follows
//! [`TICK_PAUSE_MIN`] after the one before was applied, writes or not, so expired keys take memory for a bounded time:
//! `n` of them are gone after at most `n / EXPIRED_REMOVED_PER_ENTRY` ticks. Faster ticks would only crowd out
//! writes, each of which removes due keys as well.

use std::time::Duration;

use tokio::time::Instant;

use super::batcher::{Batch, Batcher};
use super::leadership::Leadership;
use crate::limits::{TICK_INTERVAL, TICK_PAUSE_MIN, TICK_RETRY};

pub(crate) async fn run(leadership: Leadership, batcher: Batcher) {
    let applied = leadership.applied.clone();
    let mut earliest = Instant::now();
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
        let due_at = (Instant::now() + due_in.min(TICK_INTERVAL)).max(earliest);
        tokio::select! {
            () = tokio::time::sleep_until(due_at) => {
                let pause = if batcher.propose(Batch::tick()).await.is_ok() { TICK_PAUSE_MIN } else { TICK_RETRY };
                earliest = Instant::now() + pause;
            }
            () = applied.deadline_closer.notified() => {}
        }
    }
}
