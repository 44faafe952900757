//! Which snapshot openraft is shown while one is on its way to a follower.
//!
//! openraft asks for the current snapshot before each attempt to send one. If a newer one were taken between two
//! attempts, the second could not go on where the first broke off, and a slow follower would never have a whole
//! one. Which snapshot a follower is sent matters to openraft only in that it reports what that one covers.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::snapshot_store::StoredSnapshot;

/// Shows one snapshot in the place of the current one while it is set. Clones share it.
#[derive(Clone, Default)]
pub struct SnapshotPin(Arc<Mutex<Option<StoredSnapshot>>>);

impl fmt::Debug for SnapshotPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SnapshotPin").field(&*self.0.lock()).finish()
    }
}

impl SnapshotPin {
    /// Shows `snapshot`, which must have been its group's current one, from now on.
    pub fn set(&self, snapshot: StoredSnapshot) {
        *self.0.lock() = Some(snapshot);
    }

    /// Shows the current one again.
    pub fn clear(&self) {
        *self.0.lock() = None;
    }

    /// The snapshot set.
    pub fn get(&self) -> Option<StoredSnapshot> {
        self.0.lock().clone()
    }
}
