//! Maps built ahead of the install of their snapshot.
//!
//! While openraft installs a snapshot, its task for the group answers no append and gives no vote. To read and
//! decode millions of entries takes seconds; so whoever receives a snapshot has it done before.

use std::fmt;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::install::load;
use crate::map::TtlMap;
use crate::snapshot_store::{SnapshotId, StoredSnapshot};

/// Holds at most one map until its snapshot is installed. Clones share it.
#[derive(Clone, Default)]
pub struct Prepared(Arc<Mutex<Option<(SnapshotId, TtlMap)>>>);

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prepared").field(&self.0.lock().as_ref().map(|(id, _)| id)).finish()
    }
}

impl Prepared {
    /// Builds the map of a snapshot of this replica's own store, in the place of any other. Blocks on the disk.
    ///
    /// # Errors
    /// When the snapshot cannot be read or is not one.
    pub fn prepare(&self, snapshot: &StoredSnapshot) -> io::Result<()> {
        let map = load(snapshot)?;
        *self.0.lock() = Some((snapshot.id(), map));
        Ok(())
    }

    /// Frees the map, if there is one. That of a large one takes a while.
    pub fn clear(&self) {
        let unused = self.0.lock().take();
        drop(unused);
    }

    /// The map of the snapshot `id`, if that is the one prepared.
    pub(super) fn take(&self, id: SnapshotId) -> Option<TtlMap> {
        self.0.lock().take_if(|(prepared, _)| *prepared == id).map(|(_, map)| map)
    }
}
