//! Ends what an instance may do to its group's snapshots.
//!
//! openraft's tasks that build or install one outlive its shutdown, and so do the threads they wait for. The snapshot
//! of a closed instance holds nothing wrong, but it would come back where the group's was removed, and take the
//! place of what the next instance believes current.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::GroupId;
use crate::snapshot_store::SnapshotError;

/// Open until it is closed for good. Clones share it.
#[derive(Clone, Default)]
pub struct CommitGate(Arc<Mutex<bool>>);

impl fmt::Debug for CommitGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CommitGate").finish_non_exhaustive()
    }
}

impl CommitGate {
    /// Once this returns no snapshot of the instance becomes current any more. Waits for one that is becoming so, which
    /// blocks on the disk.
    pub fn close(&self) {
        *self.0.lock() = true;
    }

    /// Whether it was closed. Waits as [`Self::close`] does.
    pub fn is_closed(&self) -> bool {
        *self.0.lock()
    }

    /// Runs `commit` while the gate is open.
    pub(super) fn pass<T>(
        &self,
        group: GroupId,
        commit: impl FnOnce() -> Result<T, SnapshotError>,
    ) -> Result<T, SnapshotError> {
        let closed = self.0.lock();
        if *closed { Err(SnapshotError::GroupClosed(group)) } else { commit() }
    }
}
