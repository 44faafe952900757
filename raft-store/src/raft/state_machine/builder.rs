//! Builds a snapshot of one group from a frozen map, while the map moves on.

use std::fmt;
use std::io;

use openraft::storage::RaftSnapshotBuilder;

use super::{GroupSnapshot, SnapshotMeta, TypeConfig, blocking, whole};
use crate::GroupId;
use crate::limits::SNAPSHOT_DAMAGE_TRIES_MAX;
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
    /// Whether openraft cannot go on without this snapshot.
    forced: bool,
}

impl fmt::Debug for GroupSnapshotBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupSnapshotBuilder(group {}, {})", self.group, self.meta)
    }
}

impl GroupSnapshotBuilder {
    pub(super) fn new(
        group: GroupId,
        frozen: Frozen,
        meta: SnapshotMeta,
        snapshots: SnapshotStore,
        forced: bool,
    ) -> Self {
        Self { group, frozen: Some(frozen), meta, snapshots, forced }
    }
}

impl RaftSnapshotBuilder<TypeConfig> for GroupSnapshotBuilder {
    type SnapshotData = StoredSnapshot;

    async fn build_snapshot(&mut self) -> io::Result<GroupSnapshot> {
        let built = || io::Error::other("this builder's snapshot was built already");
        let frozen = self.frozen.take().ok_or_else(built)?;
        let (group, meta, snapshots) = (self.group, self.meta.clone(), self.snapshots.clone());
        let forced = self.forced;
        let stored = blocking(move || match try_build(group, &snapshots, &frozen, &meta) {
            Err(error) if (error.may_pass() || error.is_damage()) && !forced => {
                put_off(group, &snapshots, &error)
            }
            result => Ok(result?),
        });
        whole(stored.await?)
    }
}

/// Writes the snapshot; if damage that others left was in its way, once more when that is left behind.
fn try_build(
    group: GroupId,
    store: &SnapshotStore,
    frozen: &Frozen,
    meta: &SnapshotMeta,
) -> Result<StoredSnapshot, SnapshotError> {
    for _ in 1..SNAPSHOT_DAMAGE_TRIES_MAX {
        match build(group, store, frozen.clone(), meta) {
            Err(error) if error.is_damage() => {
                tracing::error!(group, %error, "damage is in the way of a snapshot; it is begun again");
            }
            result => return result,
        }
    }
    build(group, store, frozen.clone(), meta)
}

/// What is answered when the disk was full or damaged: an error would stop the group for good, but a snapshot that is not
/// newer than the one openraft knows changes nothing (`Engine::on_building_snapshot_done`). So that is the
/// group's current one, or else one of nothing.
fn put_off(group: GroupId, store: &SnapshotStore, error: &SnapshotError) -> io::Result<StoredSnapshot> {
    tracing::warn!(group, %error, "the snapshot is put off");
    if let Err(error) = store.sweep() {
        tracing::debug!(group, %error, "what was written of it stays for now");
    }
    Ok(store.current(group)?.unwrap_or_else(|| store.nothing(group)))
}

/// Writes and commits the snapshot. If the group got one meanwhile that covers more, that one stays; what was
/// built is returned all the same, since openraft ignores a snapshot older than the one it knows.
fn build(
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
