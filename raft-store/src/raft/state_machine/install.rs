//! Installs a stored snapshot: reads it whole, then makes it the group's current one.

use std::io;

use crate::GroupId;
use crate::map::TtlMap;
use crate::snapshot::ChunkReader;
use crate::snapshot_store::{SnapshotError, SnapshotStore, StoredSnapshot};

/// Builds the map `snapshot` holds, unless it was `prepared`, and, only when that worked, makes the snapshot
/// `group`'s current one.
pub(super) fn load_and_commit(
    group: GroupId,
    store: &SnapshotStore,
    snapshot: StoredSnapshot,
    prepared: Option<TtlMap>,
) -> io::Result<TtlMap> {
    let map = prepared.map_or_else(|| load(&snapshot), Ok)?;
    let snapshot = if store.owns(&snapshot) && snapshot.group() == group {
        snapshot
    } else {
        copy(group, store, &snapshot)?
    };
    if store.commit(&snapshot)? {
        return Ok(map);
    }
    Err(io::Error::other(format!("{} covers less than the group's current one", snapshot.id())))
}

/// Builds the map `snapshot` holds. Blocks on the disk.
pub(super) fn load(snapshot: &StoredSnapshot) -> io::Result<TtlMap> {
    let undecodable =
        |error| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", snapshot.id()));
    let mut reader = ChunkReader::new();
    for index in 0..snapshot.chunks() {
        reader.push(&snapshot.read_chunk(index)?).map_err(undecodable)?;
    }
    reader.finish().map_err(undecodable)
}

/// Copies a snapshot that stands in another store, or under another group.
fn copy(
    group: GroupId,
    store: &SnapshotStore,
    snapshot: &StoredSnapshot,
) -> Result<StoredSnapshot, SnapshotError> {
    let mut writer = store.begin(group)?;
    for index in 0..snapshot.chunks() {
        writer.put(&snapshot.read_chunk(index)?)?;
    }
    writer.finish(snapshot.meta())
}
