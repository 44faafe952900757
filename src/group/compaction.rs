//! What keeps one replica's log short: snapshots, and purges behind them.

use openraft::metrics::WaitError;
use raft_store::raft::LogId;
use raft_store::wal::GroupStats;
use tokio::time::Instant;

use super::{ChangeError, Group, Metrics};
use crate::limits::SNAPSHOT_ASKED_AGAIN;

impl Group {
    /// Takes a snapshot of this replica now; returns the last index in it. Asks openraft again and again, since it
    /// ignores the wish while another snapshot is being taken, which may not cover everything.
    pub(crate) async fn snapshot(&self, deadline: Instant) -> Result<Option<u64>, ChangeError> {
        let unknown = |error: &dyn std::fmt::Display| ChangeError::Unknown(error.to_string());
        let version = self.leadership.applied.version();
        let Some(applied) = self.leadership.progress.index() else { return Ok(None) };
        let reached = |metrics: &Metrics| index(metrics.snapshot) >= Some(applied);
        loop {
            self.raft.trigger().snapshot().await.map_err(|error| unknown(&error))?;
            let left = deadline.saturating_duration_since(Instant::now());
            let wait = self.raft.wait(Some(left.min(SNAPSHOT_ASKED_AGAIN)));
            match wait.metrics(reached, "a snapshot of everything applied").await {
                Ok(metrics) => {
                    self.leadership.applied.cover(version);
                    return Ok(index(metrics.snapshot));
                }
                Err(WaitError::Timeout(..)) if left > SNAPSHOT_ASKED_AGAIN => {}
                Err(WaitError::Timeout(..)) => {
                    return Err(ChangeError::Late(format!("group {} has no new snapshot yet", self.id)));
                }
                Err(error) => return Err(unknown(&error)),
            }
        }
    }

    /// The last index in the snapshot that is on its way to a follower, or that a follower just got and goes on from,
    /// if there is one: the log behind that stays. It does not any more once about the newest `keep_bytes` of the
    /// log, which stay anyway, are all the follower needs.
    pub(crate) fn snapshot_under_way(&self, keep_bytes: u64) -> Option<u64> {
        let log = self.log.group_stats(self.id);
        let metrics = self.metrics();
        let followers = metrics.replication.filter(|_| self.leadership.current().is_ok());
        let matched = |node| followers.as_ref()?.get(&node).map(|&matched| index(matched).unwrap_or(0));
        self.outgoing.follow(kept_from(&log, keep_bytes).unwrap_or(0), matched);
        // Not the first entry there is: a log may be purged to its end.
        let purged = self.log.bounds(self.id).ok().and_then(|(purged, _)| purged);
        self.outgoing.covers(purged.map(|id| id.index), Instant::now())
    }

    /// Holds the log for such a follower no longer.
    pub(crate) fn give_up_snapshot_under_way(&self) {
        self.outgoing.release();
    }

    /// Bytes of log since the last purge, and how many of them are behind the snapshot: about, as if all entries had
    /// the same size.
    pub(crate) fn log_bytes_and_new(&self) -> [u64; 2] {
        let log = self.log.group_stats(self.id);
        let covered = index(self.metrics().snapshot).unwrap_or(0);
        let applied = self.leadership.progress.index().unwrap_or(0);
        let new = applied.saturating_sub(covered).min(log.entries);
        let new_bytes = u128::from(log.bytes) * u128::from(new) / u128::from(log.entries.max(1));
        [log.bytes, new_bytes as u64]
    }

    /// Changes applied here that the snapshot does not cover, about: what a start carries out again.
    pub(crate) fn changes_behind_snapshot(&self) -> u64 {
        self.leadership.applied.changes_behind_snapshot()
    }

    /// Entries of the map.
    pub(crate) fn items(&self) -> u64 {
        self.map.read().stats().items
    }

    /// Lets go of the log behind the snapshot but for about `keep_bytes` of it.
    pub(crate) async fn purge_behind_snapshot(&self, keep_bytes: u64) {
        let log = self.log.group_stats(self.id);
        let (Some(first), Some(kept_from)) = (log.first_index, kept_from(&log, keep_bytes)) else { return };
        let Some(covered) = index(self.metrics().snapshot) else { return };
        // A follower that is being sent a snapshot needs what is behind that one.
        let covered = self.snapshot_under_way(keep_bytes).map_or(covered, |sent| sent.min(covered));
        let upto = kept_from.saturating_sub(1).min(covered);
        if upto > first
            && let Err(error) = self.raft.trigger().purge_log(upto).await
        {
            tracing::warn!(group = self.id, %error, "log not purged");
        }
    }
}

/// The first index of about the newest `keep_bytes` of a log, as if all entries had the same size; `None`: it is empty.
fn kept_from(log: &GroupStats, keep_bytes: u64) -> Option<u64> {
    let entry_bytes = (log.bytes / log.entries.max(1)).max(1);
    Some(log.last_index?.saturating_sub(keep_bytes / entry_bytes) + 1)
}

fn index(id: Option<LogId>) -> Option<u64> {
    id.map(|id| id.index)
}
