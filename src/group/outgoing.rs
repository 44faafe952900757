//! The snapshot a group is sending to followers that are too far behind for its log.
//!
//! While it is held, openraft is shown this snapshot and no newer one (see `SnapshotPin`), and the log behind it
//! stays, so that a follower that got it goes on with entries and does not need the next snapshot at once. It is
//! held until every follower that began it has it and has come so close by entries that the log it still needs would
//! stay anyway; and no longer than [`SNAPSHOT_RESUME_WITHIN`] after the last chunk or entry that arrived. Whoever
//! bounds the disk ([`crate::node`]) may give it up earlier.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Followers that have it and now follow by entries; up to which index they were seen to.
    behind: BTreeMap<NodeId, u64>,
    /// When a chunk of it or an entry behind it arrived last, or it was begun first: to begin it again is no
    /// progress.
    moved_at: Instant,
}

/// What is on its way, shared by the group's clients.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pin: SnapshotPin,
    held: Mutex<Option<Held>>,
}

impl Outgoing {
    /// Nothing is on its way. `pin` is that of the group's state machine.
    pub(crate) fn new(pin: SnapshotPin) -> Self {
        Self { pin, held: Mutex::default() }
    }

    /// Notes that `target` takes `snapshot`. One at a time is held: another, which openraft had asked
    /// for before, is sent without.
    pub(super) fn begin(&self, target: NodeId, snapshot: &StoredSnapshot) {
        let mut held = self.held.lock();
        let fresh = || {
            self.pin.set(snapshot.clone());
            let (to, behind) = (BTreeSet::new(), BTreeMap::new());
            Held { snapshot: snapshot.clone(), to, behind, moved_at: Instant::now() }
        };
        let held = held.get_or_insert_with(fresh);
        if held.snapshot.id() == snapshot.id() {
            held.to.insert(target);
            held.behind.remove(&target);
        }
    }

    /// Notes that a chunk of `snapshot` arrived.
    pub(super) fn moved(&self, snapshot: &StoredSnapshot) {
        if let Some(held) = self.held.lock().as_mut().filter(|held| held.snapshot.id() == snapshot.id()) {
            held.moved_at = Instant::now();
        }
    }

    /// Notes that `target` has all of `snapshot`; from now on [`Self::follow`] says how it goes on.
    pub(super) fn done(&self, target: NodeId, snapshot: &StoredSnapshot) {
        if let Some(held) = self.held.lock().as_mut().filter(|held| held.snapshot.id() == snapshot.id())
            && held.to.remove(&target)
        {
            held.behind.insert(target, held.covers());
            held.moved_at = Instant::now();
        }
    }

    /// Lets go of what is held once every follower has it and has all entries before `kept_from`, the first index
    /// that stays in the log anyway. `matched` is how far a follower is, at least; `None`: it is none of this
    /// replica's any more.
    pub(super) fn follow(&self, kept_from: u64, matched: impl Fn(NodeId) -> Option<u64>) {
        self.release_if(|held| {
            let before = held.behind.clone();
            held.behind.retain(|&node, seen| {
                *seen = matched(node).map_or(kept_from, |matched| matched.max(*seen));
                *seen + 1 < kept_from
            });
            if held.behind != before {
                held.moved_at = Instant::now();
            }
            held.to.is_empty() && held.behind.is_empty()
        });
    }

    /// Holds nothing any more; streams under way go on, but cannot be resumed.
    pub(crate) fn release(&self) {
        self.release_if(|_| true);
    }

    /// The last index in the snapshot held, unless it is held in vain: nothing arrived for too long, or the log
    /// behind it is gone, up to and with `purged`.
    pub(crate) fn covers(&self, purged: Option<u64>, now: Instant) -> Option<u64> {
        self.release_if(|held| held.is_stale(now) || purged.is_some_and(|purged| purged > held.covers()));
        self.held.lock().as_ref().map(Held::covers)
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
    /// The last index in the snapshot.
    fn covers(&self) -> u64 {
        self.snapshot.covers().last.map_or(0, |last| last.index)
    }

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
    async fn the_log_behind_a_snapshot_stays_until_the_follower_needs_no_more_than_stays_anyway() {
        let (_dir, pin, outgoing, [first, _]) = outgoing();
        outgoing.begin(2, &first);
        outgoing.begin(3, &first);
        outgoing.follow(50, |_| Some(60));
        assert!(pin.get().is_some(), "nobody has it yet");
        outgoing.done(2, &first);
        outgoing.done(3, &first);
        outgoing.follow(50, |_| Some(0));
        assert!(pin.get().is_some(), "both have no more than it");
        outgoing.follow(50, |node| Some(if node == 2 { 60 } else { 48 }));
        assert!(pin.get().is_some(), "the log from 49 on is still needed");
        outgoing.follow(60, |_| Some(58));
        assert!(pin.get().is_some(), "it falls behind");
        outgoing.follow(60, |_| Some(59));
        assert!(pin.get().is_none(), "60 and what follows stays anyway");
    }

    #[tokio::test]
    async fn a_follower_that_makes_no_progress_or_is_gone_is_waited_for_no_longer() {
        let (_dir, pin, outgoing, [first, second]) = outgoing();
        outgoing.begin(2, &first);
        outgoing.done(2, &first);
        outgoing.follow(50, |_| Some(10));
        let in_vain = Instant::now() + SNAPSHOT_RESUME_WITHIN + Duration::from_secs(2);
        assert_eq!((outgoing.covers(None, in_vain), pin.get().is_none()), (None, true));
        outgoing.begin(3, &second);
        outgoing.done(3, &second);
        outgoing.follow(50, |_| None);
        assert!(pin.get().is_none(), "it is no follower any more");
    }

    #[tokio::test]
    async fn the_first_snapshot_is_held_until_all_who_began_it_have_it() {
        let (_dir, pin, outgoing, [first, second]) = outgoing();
        outgoing.begin(2, &first);
        outgoing.begin(3, &first);
        outgoing.begin(4, &second);
        assert_eq!(outgoing.covers(Some(4), Instant::now()), Some(10));
        outgoing.done(2, &first);
        outgoing.done(3, &second);
        outgoing.done(4, &second);
        outgoing.follow(0, |_| Some(20));
        assert_eq!(pin.get().map(|pinned| pinned.id()), Some(first.id()));
        outgoing.done(3, &first);
        outgoing.follow(0, |_| Some(20));
        assert_eq!((outgoing.covers(Some(4), Instant::now()), pin.get().is_none()), (None, true));
        outgoing.begin(4, &second);
        assert_eq!(outgoing.covers(Some(4), Instant::now()), Some(20));
        outgoing.release();
        assert!(outgoing.covers(Some(4), Instant::now()).is_none() && pin.get().is_none());
    }

    #[tokio::test]
    async fn a_snapshot_is_of_no_use_once_the_log_behind_it_is_gone() {
        let (_dir, pin, outgoing, [first, _]) = outgoing();
        outgoing.begin(2, &first);
        assert_eq!(outgoing.covers(Some(10), Instant::now()), Some(10));
        assert_eq!((outgoing.covers(Some(11), Instant::now()), pin.get().is_none()), (None, true));
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
