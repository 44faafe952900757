//! Builds a snapshot of one group from a frozen map, while the map moves on.

use std::fmt;
use std::io;

use openraft::storage::RaftSnapshotBuilder;

use super::install::write;
use super::{CommitGate, GroupSnapshot, SnapshotMeta, TypeConfig, blocking, whole};
use crate::GroupId;
use crate::map::Frozen;
use crate::snapshot_store::{SnapshotError, SnapshotStore, StoredSnapshot};

/// A view of the state at one log id, and the store its snapshot goes to.
pub struct GroupSnapshotBuilder {
    group: GroupId,
    /// Taken by the one build, which also frees it.
    frozen: Option<Frozen>,
    meta: SnapshotMeta,
    snapshots: SnapshotStore,
    gate: CommitGate,
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
        gate: CommitGate,
        forced: bool,
    ) -> Self {
        Self { group, frozen: Some(frozen), meta, snapshots, gate, forced }
    }
}

impl RaftSnapshotBuilder<TypeConfig> for GroupSnapshotBuilder {
    type SnapshotData = StoredSnapshot;

    async fn build_snapshot(&mut self) -> io::Result<GroupSnapshot> {
        let built = || io::Error::other("this builder's snapshot was built already");
        let frozen = self.frozen.take().ok_or_else(built)?;
        let (group, meta, snapshots) = (self.group, self.meta.clone(), self.snapshots.clone());
        let (gate, forced) = (self.gate.clone(), self.forced);
        let stored = blocking(move || match build(group, &snapshots, &gate, frozen, &meta) {
            Err(error) if (error.may_pass() || error.is_damage()) && !forced => {
                put_off(group, &snapshots, &error)
            }
            result => Ok(result?),
        });
        whole(stored.await?)
    }
}

/// What is answered when the disk was full or damaged: an error would stop the group for good, but a snapshot that is not
/// newer than the one openraft knows changes nothing (`Engine::on_building_snapshot_done`). So that is the
/// group's current one, or else one of nothing. The frozen map is gone by then, since holding it would keep a copy of every
/// page written meanwhile; the next attempt takes another, and leaves the damage behind.
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
    gate: &CommitGate,
    frozen: Frozen,
    meta: &SnapshotMeta,
) -> Result<StoredSnapshot, SnapshotError> {
    let stored = write(group, store, frozen, meta)?;
    if !gate.pass(group, || store.commit(&stored))? {
        tracing::debug!(snapshot = %stored.id(), "a newer snapshot was committed meanwhile");
    }
    Ok(stored)
}
