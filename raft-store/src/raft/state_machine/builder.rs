//! Builds a snapshot of one group from a frozen map, while the map moves on.

use std::fmt;
use std::io;

use openraft::storage::RaftSnapshotBuilder;

use super::{GroupSnapshot, SnapshotMeta, TypeConfig, blocking, whole};
use crate::GroupId;
use crate::map::Frozen;
use crate::snapshot::ChunkWriter;
use crate::snapshot_store::{SnapshotError, SnapshotStore, StoredSnapshot};

/// A view of the state at one log id, and the store its snapshot goes to.
pub struct GroupSnapshotBuilder {
    group: GroupId,
    /// Taken by the one build, which also frees it.
    frozen: Option<Frozen>,
    meta: SnapshotMeta,
    snapshots: SnapshotStore,
}

impl fmt::Debug for GroupSnapshotBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupSnapshotBuilder(group {}, {})", self.group, self.meta)
    }
}

impl GroupSnapshotBuilder {
    pub(super) fn new(group: GroupId, frozen: Frozen, meta: SnapshotMeta, snapshots: SnapshotStore) -> Self {
        Self { group, frozen: Some(frozen), meta, snapshots }
    }
}

impl RaftSnapshotBuilder<TypeConfig> for GroupSnapshotBuilder {
    type SnapshotData = StoredSnapshot;

    async fn build_snapshot(&mut self) -> io::Result<GroupSnapshot> {
        let built = || io::Error::other("this builder's snapshot was built already");
        let frozen = self.frozen.take().ok_or_else(built)?;
        let (group, meta, snapshots) = (self.group, self.meta.clone(), self.snapshots.clone());
        let stored = blocking(move || Ok(write(group, &snapshots, frozen, &meta)?)).await?;
        Ok(whole(stored))
    }
}

/// Writes and commits the snapshot. If the group got one meanwhile that covers more, that one stays; what was
/// built is returned all the same, since openraft ignores a snapshot older than the one it knows.
fn write(
    group: GroupId,
    store: &SnapshotStore,
    frozen: Frozen,
    meta: &SnapshotMeta,
) -> Result<StoredSnapshot, SnapshotError> {
    let mut writer = store.begin(group)?;
    for chunk in ChunkWriter::new(frozen) {
        writer.put(&chunk)?;
    }
    let stored = writer.finish(meta)?;
    if !store.commit(&stored)? {
        tracing::debug!(snapshot = %stored.id(), "a newer snapshot was committed meanwhile");
    }
    Ok(stored)
}
