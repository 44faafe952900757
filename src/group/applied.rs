//! What the state machine tells the rest of the group after each applied entry.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use raft_store::NodeId;
use raft_store::map::TtlMap;
use raft_store::raft::{ApplyObserver, LeaderId, LogId};
use tokio::sync::{Notify, watch};

use super::clock::GroupClock;
use super::floor::Floor;

const NO_DEADLINE: u64 = u64::MAX;

/// Feeds the group's clock and wakes whoever waits for a change of the map.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) clock: GroupClock,
    deadline: AtomicU64,
    /// The map's version: it counts changes.
    version: AtomicU64,
    /// The version that the snapshot covers at least.
    covered: AtomicU64,
    /// Wakes the ticker: the earliest deadline came closer.
    pub(crate) deadline_closer: Notify,
    /// Wakes whoever follows the map's content.
    pub(crate) content_changed: Notify,
}

impl Applied {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: GroupClock::new(),
            deadline: AtomicU64::new(NO_DEADLINE),
            version: AtomicU64::new(0),
            covered: AtomicU64::new(0),
            deadline_closer: Notify::new(),
            content_changed: Notify::new(),
        })
    }

    /// The earliest deadline of any key held, in group time.
    pub(crate) fn deadline(&self) -> Option<u64> {
        Some(self.deadline.load(Ordering::Acquire)).filter(|&deadline| deadline != NO_DEADLINE)
    }

    /// The version of the map: it grows by one with each change.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Notes that the snapshot covers everything up to `version`.
    pub(super) fn cover(&self, version: u64) {
        self.covered.fetch_max(version, Ordering::AcqRel);
    }

    /// Changes behind the snapshot; a few more when it was taken while changes were applied.
    pub(super) fn changes_behind_snapshot(&self) -> u64 {
        self.version().saturating_sub(self.covered.load(Ordering::Acquire))
    }

    fn note_deadline(&self, map: &TtlMap) {
        let deadline = map.next_deadline().unwrap_or(NO_DEADLINE);
        if deadline < self.deadline.swap(deadline, Ordering::AcqRel) {
            self.deadline_closer.notify_one();
        }
    }
}

impl ApplyObserver for Applied {
    fn applied(&self, log_id: &LogId, map: &TtlMap) {
        self.clock.hear(&log_id.leader_id, map.time_ms());
        self.version.store(map.version(), Ordering::Release);
        self.note_deadline(map);
        self.content_changed.notify_one();
    }

    fn restored(&self, map: &TtlMap) {
        self.version.store(map.version(), Ordering::Release);
        self.cover(map.version());
    }
}

/// How far the state machine is.
#[derive(Debug, Clone)]
pub(crate) struct Progress(pub(crate) watch::Receiver<Option<LogId>>);

impl Progress {
    /// Last entry applied.
    pub(crate) fn last(&self) -> Option<LogId> {
        *self.0.borrow()
    }

    /// Last index applied.
    pub(crate) fn index(&self) -> Option<u64> {
        self.last().map(|id| id.index)
    }

    /// Who led when the last entry applied was made.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.0.borrow().map(|id| id.leader_id.node_id)
    }

    /// Waits until `index` is applied here; `false`: the group stopped before.
    pub(crate) async fn reached(&self, index: u64) -> bool {
        self.until(|last| last.index >= index).await
    }

    /// Waits until an entry of this or a later leadership is applied here; `false`: the group stopped before.
    pub(crate) async fn reached_leadership(&self, leader: &LeaderId) -> bool {
        self.until(|last| last.leader_id >= *leader).await
    }

    /// Whether the last entry applied is at `floor` or behind it.
    pub(crate) fn is_at(&self, floor: Floor) -> bool {
        self.0.borrow().is_some_and(|last| Floor::from(last) >= floor)
    }

    /// Waits for [`Self::is_at`]; `false`: the group stopped before.
    pub(crate) async fn reached_floor(&self, floor: Floor) -> bool {
        self.until(|last| Floor::from(*last) >= floor).await
    }

    async fn until(&self, holds: impl Fn(&LogId) -> bool) -> bool {
        let mut last = self.0.clone();
        last.wait_for(|last| last.as_ref().is_some_and(&holds)).await.is_ok()
    }
}
