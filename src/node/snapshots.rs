//! Takes the groups' snapshots when they are due, one at a time for the whole node, and lets go of the log behind
//! them. When they are due is [`Policy`]'s to say; the most urgent group comes first.
//!
//! # How much disk a node takes
//!
//! With L = `snapshot-log`, S = `log-segment`, and for each group g: C(g), the stored bytes of its snapshot, and
//! T(g) = C(g) / 2, but at least L and at most 4 L:
//!
//! - A group's log holds at most L / 4 + T(g), and what is written until its turn comes and its snapshot is
//!   written: W(g). While a follower is being sent its snapshot, at most 4 T(g) + W(g).
//! - Small changes make less of it: a snapshot is due after max(500,000, a quarter of the group's entries) changes as
//!   well (`snapshot_policy.rs`), since a start carries them out again one by one.
//! - The log's files take at most max(8 S, 2 x the sum over all groups) and three segments: the one being written, the
//!   next and the one being removed. (`raft_store::wal` moves what is left of old segments when they are more
//!   than 8 and half empty.)
//! - Snapshots take C(g) for each group; once more for each group that is sending one to a follower while a newer
//!   one was taken, and once more for each group that is receiving one; and once more for the one being
//!   written. What is given up is removed within [`SNAPSHOT_RESUME_WITHIN`](crate::limits), or at the next
//!   snapshot of any group. The database's files take at most 3 x what is stored
//!   and 64 MiB between snapshots, its reserve of 4 MiB, and once more what is stored while a copy takes its place.
//!
//! The metrics `quorate_log_disk_bytes`, `quorate_snapshot_disk_bytes` and, for each group, `..._log_bytes` and
//! `..._snapshot_bytes` show the terms. `tests/soak.rs` checks the bound on the log in every round, and what the
//! snapshots take against it, without the 64 MiB.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use raft_store::{GroupId, blocking};
use tokio::time::Instant;

use super::Inner;
use super::metrics::Exposition;
use super::snapshot_policy::{Policy, Seen};
use crate::group::{ChangeError, Group};
use crate::limits::{
    SNAPSHOT_ASKED_AGAIN, SNAPSHOT_CHECK_INTERVAL, SNAPSHOT_INSTALL_TIMEOUT, SNAPSHOT_SPREAD_PARTS,
};

/// One group's newest snapshot.
#[derive(Debug, Clone, Copy)]
struct Taken {
    /// When it was taken, or tried in vain.
    at: Instant,
    failures: u32,
    /// How long it took.
    took: Duration,
}

/// What is known of the node's snapshots.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    taken: Mutex<BTreeMap<GroupId, Taken>>,
    /// Stored bytes of each group's current snapshot, as last measured.
    bytes: Mutex<BTreeMap<GroupId, u64>>,
    disk_bytes: AtomicU64,
}

impl Snapshots {
    /// Notes the bytes the snapshots take on disk.
    pub(super) fn measured(&self, disk_bytes: u64) {
        self.disk_bytes.store(disk_bytes, Ordering::Relaxed);
    }

    /// Notes that a snapshot was taken, and how long that took.
    pub(super) fn succeeded(&self, group: GroupId, took: Duration) {
        if let Some(taken) = self.taken.lock().get_mut(&group) {
            *taken = Taken { at: Instant::now(), failures: 0, took };
        }
    }

    /// Notes that one was tried in vain; how many were since one was taken.
    pub(super) fn failed(&self, group: GroupId) -> u32 {
        let mut all = self.taken.lock();
        let Some(taken) = all.get_mut(&group) else { return 0 };
        (taken.at, taken.failures) = (Instant::now(), taken.failures.saturating_add(1));
        taken.failures
    }

    /// Bytes the snapshots take on disk, as last measured.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.disk_bytes.load(Ordering::Relaxed)
    }
}

impl Inner {
    /// Takes due snapshots for ever.
    pub(super) async fn take_snapshots(self: Arc<Self>) {
        let interval = Duration::from_secs(self.config.snapshot_interval);
        let policy = Policy { log: self.config.snapshot_log, interval };
        loop {
            tokio::time::sleep(SNAPSHOT_CHECK_INTERVAL).await;
            let groups = self.host.all();
            self.forget_closed(&groups);
            self.measure_snapshots().await;
            let mut due: Vec<(f64, &Arc<Group>)> = Vec::new();
            for group in &groups {
                group.purge_behind_snapshot(policy.kept()).await;
                let seen = self.look_at(group, &policy);
                let urgency = policy.urgency(&seen);
                if seen.damaged && urgency.is_some() {
                    tracing::error!(group = group.id(), "the snapshot is damaged on disk: another is taken");
                }
                due.extend(urgency.map(|urgency| (urgency, group)));
            }
            due.sort_by(|(one, _), (other, _)| other.total_cmp(one));
            for (_, group) in due {
                self.take_snapshot(group).await;
                group.purge_behind_snapshot(policy.kept()).await;
            }
        }
    }

    fn forget_closed(&self, groups: &[Arc<Group>]) {
        self.snapshots.taken.lock().retain(|id, _| groups.iter().any(|group| group.id() == *id));
    }

    /// What the policy asks about a group; gives a follower up that would make the log too long.
    fn look_at(&self, group: &Group, policy: &Policy) -> Seen {
        let spread = Duration::from_secs(self.config.snapshot_interval)
            * (group.id() % SNAPSHOT_SPREAD_PARTS)
            / SNAPSHOT_SPREAD_PARTS;
        let now = Instant::now();
        // Groups that were opened together are not due together.
        let fresh =
            || Taken { at: now.checked_sub(spread).unwrap_or(now), failures: 0, took: Duration::ZERO };
        let taken = *self.snapshots.taken.lock().entry(group.id()).or_insert_with(fresh);
        let [log_bytes, new_bytes] = group.log_bytes_and_new();
        let seen = Seen {
            log_bytes,
            new_bytes,
            changes: group.changes_behind_snapshot(),
            items: group.items(),
            snapshot_bytes: self.snapshot_bytes(group.id()),
            waited: taken.at.elapsed(),
            failures: taken.failures,
            under_way: group.snapshot_under_way(policy.kept()).is_some(),
            damaged: self.host.deps().snapshots.is_damaged(group.id()),
        };
        if !policy.gives_up(&seen) {
            return seen;
        }
        tracing::warn!(
            group = group.id(),
            "a follower takes its snapshot too slowly: its log is kept no longer"
        );
        group.give_up_snapshot_under_way();
        Seen { under_way: false, ..seen }
    }

    async fn take_snapshot(&self, group: &Group) {
        let began = Instant::now();
        let store = &self.host.deps().snapshots;
        let taking = group.snapshot(began + SNAPSHOT_INSTALL_TIMEOUT);
        let result = while_room(taking, || store.full()).await;
        match result {
            Ok(_) => self.snapshots.succeeded(group.id(), began.elapsed()),
            Err(error) => {
                let failures = self.snapshots.failed(group.id());
                tracing::warn!(group = group.id(), error, failures, "no snapshot taken");
            }
        }
    }

    /// Stored bytes of a group's current snapshot; 0 without one.
    fn snapshot_bytes(&self, group: GroupId) -> u64 {
        self.snapshots.bytes.lock().get(&group).copied().unwrap_or(0)
    }

    /// Asks the store, which waits for whoever writes to it, so away from the tasks.
    async fn measure_snapshots(&self) {
        let store = self.host.deps().snapshots.clone();
        let measure = move || {
            let of = |group| Some((group, store.current(group).ok()??.bytes()));
            (store.groups().into_iter().filter_map(of).collect(), store.disk_bytes())
        };
        let Ok((bytes, disk_bytes)) = blocking::run(measure).await else { return };
        *self.snapshots.bytes.lock() = bytes;
        match disk_bytes {
            Ok(bytes) => self.snapshots.measured(bytes),
            Err(error) => tracing::debug!(%error, "the snapshots' size is not known"),
        }
    }

    /// The figures of the snapshots.
    pub(super) fn snapshot_metrics(&self, text: &mut Exposition) {
        let disk_bytes = self.snapshots.disk_bytes();
        text.one("quorate_snapshot_disk_bytes", "gauge", "Bytes all snapshots take on disk.", disk_bytes);
        let taken = self.snapshots.taken.lock().clone();
        let bytes = taken.keys().map(|&group| (group, self.snapshot_bytes(group)));
        text.each("quorate_group_snapshot_bytes", "gauge", "Bytes of the snapshot.", "group", bytes);
        let groups = self.host.all();
        text.each(
            "quorate_group_snapshot_changes_behind",
            "gauge",
            "Changes applied since the snapshot, about: what a start carries out again.",
            "group",
            groups.iter().map(|group| (group.id(), group.changes_behind_snapshot())),
        );
        let failures = taken.iter().map(|(&group, taken)| (group, taken.failures));
        let help = "Snapshots tried in vain since one was taken.";
        text.each("quorate_group_snapshot_failures", "gauge", help, "group", failures);
        let took = taken.iter().map(|(&group, taken)| (group, taken.took.as_secs_f64()));
        text.each(
            "quorate_group_snapshot_seconds",
            "gauge",
            "How long the last snapshot took; 0 before the first since the start.",
            "group",
            took,
        );
        let age = taken.iter().map(|(&group, taken)| (group, taken.at.elapsed().as_secs_f64()));
        text.each(
            "quorate_group_snapshot_age_seconds",
            "gauge",
            "Time since the last snapshot was taken or tried.",
            "group",
            age,
        );
    }
}

/// Waits for a snapshot that was asked for, but not while the store has no room: others wait for their turn, and for
/// the purges between the turns. It is asked for all the same, since a store that met a full disk which the system
/// does not show (a quota, say) finds out by trying, and says itself how often.
async fn while_room<T>(
    taking: impl Future<Output = Result<T, ChangeError>>,
    full: impl Fn() -> Option<String>,
) -> Result<T, String> {
    let no_room = async {
        loop {
            if let Some(why) = full() {
                return why;
            }
            tokio::time::sleep(SNAPSHOT_ASKED_AGAIN).await;
        }
    };
    tokio::select! {
        biased;
        taken = taking => taken.map_err(|error| error.to_string()),
        why = no_room => Err(format!("there is no room for it: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_snapshot_without_room_is_asked_for_and_not_waited_for() {
        let (asked, looked) = (Cell::new(false), Cell::new(0));
        let taking = async {
            asked.set(true);
            std::future::pending::<Result<(), ChangeError>>().await
        };
        let full = || {
            looked.set(looked.get() + 1);
            Some("7 bytes are left".to_owned())
        };
        let ended = timeout(SNAPSHOT_ASKED_AGAIN / 2, while_room(taking, full)).await.unwrap();
        assert!(ended.is_err_and(|why| why.contains("7 bytes are left")) && asked.get());
        assert_eq!(looked.get(), 1, "it ended at the first look");
    }

    #[tokio::test]
    async fn a_wait_ends_when_the_room_does() {
        let looked = Cell::new(0);
        let full = || {
            looked.set(looked.get() + 1);
            (looked.get() > 1).then(|| "full".to_owned())
        };
        let waiting = while_room(std::future::pending::<Result<(), ChangeError>>(), full);
        let ended = timeout(SNAPSHOT_ASKED_AGAIN * 5, waiting).await.unwrap();
        assert!(ended.is_err());
        assert_eq!(looked.get(), 2);
    }

    #[tokio::test]
    async fn a_snapshot_that_was_taken_counts_whatever_the_room() {
        assert_eq!(while_room(async { Ok(7) }, || Some("full".to_owned())).await, Ok(7));
    }
}
