//! The snapshot a group is sending to followers that are too far behind for its log.
//!
//! While it is held, openraft is shown this snapshot and no newer one (see `SnapshotPin`), and the log behind it
//! stays, so that a follower that got it goes on with entries and does not need the next snapshot at once. It is
//! held until every follower that began it has it, and no longer than [`SNAPSHOT_RESUME_WITHIN`] after the last
//! chunk that arrived; whoever bounds the disk ([`crate::node`]) may give it up earlier.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use raft_store::NodeId;
use raft_store::raft::SnapshotPin;
use raft_store::snapshot_store::StoredSnapshot;
use tokio::time::Instant;

use crate::limits::SNAPSHOT_RESUME_WITHIN;

#[derive(Debug)]
struct Held {
    snapshot: StoredSnapshot,
    /// Followers that began it and do not have all of it yet.
    to: BTreeSet<NodeId>,
    /// When a chunk of it arrived last, or it was begun first: to begin it again is no progress.
    moved_at: Instant,
}

/// What is on its way, shared by the group's clients.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pin: SnapshotPin,
    held: Mutex<Option<Held>>,
    /// A chunk could not be read: the snapshot is to be taken anew.
    damaged: AtomicBool,
}

impl Outgoing {
    /// Nothing is on its way. `pin` is that of the group's state machine.
    pub(crate) fn new(pin: SnapshotPin) -> Self {
        Self { pin, held: Mutex::default(), damaged: AtomicBool::new(false) }
    }

    /// Notes that `target` takes `snapshot`. One at a time is held: another, which openraft had asked
    /// for before, is sent without.
    pub(super) fn begin(&self, target: NodeId, snapshot: &StoredSnapshot) {
        let mut held = self.held.lock();
        let fresh = || {
            self.pin.set(snapshot.clone());
            Held { snapshot: snapshot.clone(), to: BTreeSet::new(), moved_at: Instant::now() }
        };
        let held = held.get_or_insert_with(fresh);
        if held.snapshot.id() == snapshot.id() {
            held.to.insert(target);
        }
    }

    /// Notes that a chunk of `snapshot` arrived.
    pub(super) fn moved(&self, snapshot: &StoredSnapshot) {
        if let Some(held) = self.held.lock().as_mut().filter(|held| held.snapshot.id() == snapshot.id()) {
            held.moved_at = Instant::now();
        }
    }

    /// Notes that `target` has all of `snapshot`.
    pub(super) fn done(&self, target: NodeId, snapshot: &StoredSnapshot) {
        self.release_if(|held| {
            held.snapshot.id() == snapshot.id() && held.to.remove(&target) && held.to.is_empty()
        });
    }

    /// Holds nothing any more; streams under way go on, but cannot be resumed.
    pub(crate) fn release(&self) {
        self.release_if(|_| true);
    }

    /// Notes that a snapshot is damaged on disk; it is not held any more.
    pub(crate) fn found_damage(&self) {
        self.damaged.store(true, Ordering::Release);
        self.release();
    }

    /// Whether damage was found since this was asked last.
    pub(super) fn take_damage(&self) -> bool {
        self.damaged.swap(false, Ordering::AcqRel)
    }

    /// The last index in the snapshot held, unless it is held in vain: nothing arrived for too long, or the log
    /// behind it is gone, since it begins at `log_first`.
    pub(crate) fn covers(&self, log_first: Option<u64>, now: Instant) -> Option<u64> {
        let covered = |held: &Held| held.snapshot.covers().last.map_or(0, |last| last.index);
        self.release_if(|held| {
            held.is_stale(now) || log_first.is_some_and(|first| first > covered(held) + 1)
        });
        self.held.lock().as_ref().map(covered)
    }

    fn release_if(&self, unwanted: impl FnOnce(&mut Held) -> bool) {
        let mut held = self.held.lock();
        if held.as_mut().is_some_and(unwanted) {
            *held = None;
            self.pin.clear();
        }
    }
}

impl Held {
    /// Kept a little longer than the follower keeps what it has.
    fn is_stale(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.moved_at) > SNAPSHOT_RESUME_WITHIN + Duration::from_secs(1)
    }
}

#[cfg(test)]
mod tests {
    use openraft::vote::RaftLeaderId as _;
    use raft_store::raft::{LeaderId, LogId, SnapshotMeta};
    use raft_store::snapshot_store::SnapshotStore;
    use tempfile::TempDir;

    use super::*;

    /// What is on its way, and snapshots up to index 10 and 20.
    fn outgoing() -> (TempDir, SnapshotPin, Outgoing, [StoredSnapshot; 2]) {
        let dir = tempfile::tempdir().unwrap();
        let store = SnapshotStore::open(dir.path()).unwrap();
        let snapshot = |index| {
            let last_log_id = Some(LogId { leader_id: LeaderId::new(1, 1), index });
            store.begin(1).unwrap().finish(&SnapshotMeta { last_log_id, ..SnapshotMeta::default() }).unwrap()
        };
        let pin = SnapshotPin::default();
        (dir, pin.clone(), Outgoing::new(pin), [snapshot(10), snapshot(20)])
    }

    #[tokio::test]
    async fn the_first_snapshot_is_held_until_all_who_began_it_have_it() {
        let (_dir, pin, outgoing, [first, second]) = outgoing();
        outgoing.begin(2, &first);
        outgoing.begin(3, &first);
        outgoing.begin(4, &second);
        assert_eq!(outgoing.covers(Some(5), Instant::now()), Some(10));
        outgoing.done(2, &first);
        outgoing.done(3, &second);
        outgoing.done(4, &second);
        assert_eq!(pin.get().map(|pinned| pinned.id()), Some(first.id()));
        outgoing.done(3, &first);
        assert_eq!((outgoing.covers(Some(5), Instant::now()), pin.get().is_none()), (None, true));
        outgoing.begin(4, &second);
        assert_eq!(outgoing.covers(Some(5), Instant::now()), Some(20));
        outgoing.release();
        assert!(outgoing.covers(Some(5), Instant::now()).is_none() && pin.get().is_none());
    }

    #[tokio::test]
    async fn a_snapshot_is_of_no_use_once_the_log_behind_it_is_gone() {
        let (_dir, pin, outgoing, [first, _]) = outgoing();
        outgoing.begin(2, &first);
        assert_eq!(outgoing.covers(Some(11), Instant::now()), Some(10));
        assert_eq!((outgoing.covers(Some(12), Instant::now()), pin.get().is_none()), (None, true));
    }

    #[tokio::test]
    async fn a_snapshot_is_given_up_a_while_after_its_last_chunk() {
        let (_dir, pin, outgoing, [first, _]) = outgoing();
        let later = Instant::now() + SNAPSHOT_RESUME_WITHIN;
        outgoing.begin(2, &first);
        assert_eq!(outgoing.covers(None, later), Some(10));
        let in_vain = later + Duration::from_secs(2);
        assert_eq!((outgoing.covers(None, in_vain), pin.get().is_none()), (None, true));
    }
}
