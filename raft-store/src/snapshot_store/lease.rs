//! What keeps snapshots on disk while somebody holds them, and what is to be removed afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::SnapshotId;

/// A snapshot nobody holds any more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Debris {
    pub(super) id: SnapshotId,
    /// Stored bytes.
    pub(super) bytes: u64,
    /// More chunks than this it has not; `None`: not known, but it has no holes.
    pub(super) chunks: Option<u32>,
}

/// Snapshots nobody holds any more, to be removed, and those that somebody does.
#[derive(Debug, Default)]
pub(super) struct Garbage {
    due: Mutex<Vec<Debris>>,
    /// Those whose removal met damage: they go with the database they are in.
    stuck: Mutex<Vec<Debris>>,
    /// Held ones, with the number of chunks stored.
    held: Mutex<BTreeMap<SnapshotId, u32>>,
}

impl Garbage {
    pub(super) fn add(&self, debris: Debris) {
        self.due.lock().push(debris);
    }

    pub(super) fn take(&self) -> Vec<Debris> {
        std::mem::take(&mut self.due.lock())
    }

    pub(super) fn keep_stuck(&self, debris: impl IntoIterator<Item = Debris>) {
        self.stuck.lock().extend(debris);
    }

    pub(super) fn take_stuck(&self) -> Vec<Debris> {
        std::mem::take(&mut self.stuck.lock())
    }

    /// The snapshots that somebody holds, with the number of chunks stored, and those only begun.
    pub(super) fn held(&self) -> BTreeMap<SnapshotId, u32> {
        self.held.lock().clone()
    }
}

/// Keeps a snapshot's chunks: they become garbage when its last holder drops it.
#[derive(Debug)]
pub(super) struct Lease {
    id: SnapshotId,
    /// Stored bytes of the chunks so far.
    bytes: AtomicU64,
    /// `None` if there is nothing to remove.
    garbage: Option<Arc<Garbage>>,
}

impl Lease {
    /// For a snapshot with so many chunks of so many bytes.
    pub(super) fn new(id: SnapshotId, chunks: u32, bytes: u64, garbage: Arc<Garbage>) -> Self {
        garbage.held.lock().insert(id, chunks);
        Self { id, bytes: AtomicU64::new(bytes), garbage: Some(garbage) }
    }

    /// For a snapshot of which nothing is stored.
    pub(super) fn of_nothing(id: SnapshotId) -> Self {
        Self { id, bytes: AtomicU64::new(0), garbage: None }
    }

    pub(super) fn id(&self) -> SnapshotId {
        self.id
    }

    /// A chunk of so many bytes is going to be stored.
    pub(super) fn grow(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many chunks are stored.
    pub(super) fn has(&self, chunks: u32) {
        if let Some(garbage) = &self.garbage {
            garbage.held.lock().insert(self.id, chunks);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(garbage) = &self.garbage else { return };
        // One more may be stored in part.
        let chunks = garbage.held.lock().remove(&self.id).map(|chunks| chunks.saturating_add(1));
        garbage.add(Debris { id: self.id, bytes: self.bytes.load(Ordering::Relaxed), chunks });
    }
}
