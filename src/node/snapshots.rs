//! When groups take snapshots, and how much log stays behind them.
//!
//! A group takes one once its log has grown by `snapshot-log` bytes, or has anything new after
//! `snapshot-interval`. Behind it a quarter of `snapshot-log` stays, so that a follower that is a little behind gets
//! entries and not the whole map. Together: a group's log holds at most 1.25 x `snapshot-log` and what is written
//! while a snapshot is taken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use raft_store::GroupId;
use tokio::time::Instant;

use super::Inner;
use crate::group::Group;
use crate::limits::{SNAPSHOT_CHECK_INTERVAL, SNAPSHOT_INSTALL_TIMEOUT};

/// One group's newest snapshot.
struct Taken {
    at: Instant,
    covers: Option<u64>,
}

impl Inner {
    /// Takes due snapshots for ever, one group after the other.
    pub(super) async fn take_snapshots(self: Arc<Self>) {
        let mut taken = BTreeMap::new();
        loop {
            tokio::time::sleep(SNAPSHOT_CHECK_INTERVAL).await;
            for group in self.host.all() {
                self.take_if_due(&group, &mut taken).await;
                group.purge_behind_snapshot(self.config.snapshot_log / 4).await;
            }
        }
    }

    async fn take_if_due(&self, group: &Group, taken: &mut BTreeMap<GroupId, Taken>) {
        let metrics = group.metrics();
        let [applied, covers] = [metrics.last_applied, metrics.snapshot].map(|id| id.map(|id| id.index));
        let last = taken.entry(group.id()).or_insert(Taken { at: Instant::now(), covers });
        let interval = Duration::from_secs(self.config.snapshot_interval);
        let grown = group.log_bytes() >= self.config.snapshot_log && applied > covers.max(last.covers);
        if !grown && (last.at.elapsed() < interval || applied <= covers) {
            return;
        }
        match group.snapshot(Instant::now() + SNAPSHOT_INSTALL_TIMEOUT).await {
            Ok(covers) => *last = Taken { at: Instant::now(), covers },
            Err(error) => tracing::warn!(group = group.id(), %error, "no snapshot taken"),
        }
    }
}
