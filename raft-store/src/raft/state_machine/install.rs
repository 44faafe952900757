//! Installs a stored snapshot: reads it whole, then makes it the group's current one.
//!
//! But in a simulated world one helper thread reads and decompresses the chunks while this one builds the map from them.

use std::io;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use openraft::type_config::TypeConfigExt as _;

use super::{CommitGate, TypeConfig, blocking};
use crate::GroupId;
use crate::blocking::in_place;
use crate::limits::SNAPSHOT_INSTALL_TRIES_MAX;
use crate::map::{Frozen, TtlMap};
use crate::snapshot::{ChunkReader, ChunkWriter};
use crate::snapshot_store::{Covers, SnapshotError, SnapshotStore, StoredSnapshot};

/// Chunks read ahead of the map.
const READ_AHEAD_MAX: usize = 4;
/// Between two tries to make a snapshot current on a full disk.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Builds the map `snapshot` holds, unless it was `prepared`, and, only when that worked, makes the snapshot
/// `group`'s current one. On a full disk that is tried again: the group can go on neither without the snapshot nor,
/// after an error, at all. One that was lost meanwhile is written again from the map.
pub(super) async fn load_and_commit(
    group: GroupId,
    store: SnapshotStore,
    gate: CommitGate,
    snapshot: StoredSnapshot,
    prepared: Option<TtlMap>,
) -> io::Result<TtlMap> {
    let theirs = snapshot.clone();
    let map = blocking(move || prepared.map_or_else(|| load(&theirs), Ok)).await?;
    let mut lost = false;
    for tried in 1.. {
        let (store, gate, snapshot) = (store.clone(), gate.clone(), snapshot.clone());
        let frozen = lost.then(|| map.freeze());
        let commit = move || {
            let own = match frozen {
                Some(frozen) => write(group, &store, frozen, snapshot.covers().clone())?,
                None => own(group, &store, snapshot)?,
            };
            gate.pass(group, || store.commit(&own))
        };
        match blocking(move || Ok(commit())).await? {
            Ok(true) => break,
            Ok(false) => return Err(io::Error::other("the group has a snapshot that covers more")),
            Err(error) if (error.may_pass() || error.is_damage()) && tried < SNAPSHOT_INSTALL_TRIES_MAX => {
                tracing::warn!(group, %error, "the received snapshot is not stored yet; trying again");
                lost |= error.is_damage() || matches!(error, SnapshotError::Lost(_));
                TypeConfig::sleep(TRY_AGAIN).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(map)
}

/// `snapshot` itself if it stands in this store and under this group, else a copy that does.
fn own(
    group: GroupId,
    store: &SnapshotStore,
    snapshot: StoredSnapshot,
) -> Result<StoredSnapshot, SnapshotError> {
    if store.owns(&snapshot) && snapshot.group() == group {
        Ok(snapshot)
    } else {
        copy(group, store, &snapshot)
    }
}

/// Writes a snapshot of a map. Blocks on the disk.
pub(super) fn write(
    group: GroupId,
    store: &SnapshotStore,
    frozen: Frozen,
    covers: impl Into<Covers>,
) -> Result<StoredSnapshot, SnapshotError> {
    #[cfg(feature = "mutants")]
    let frozen = frozen.mutated();
    let mut writer = store.begin(group)?;
    for chunk in ChunkWriter::new(frozen) {
        writer.put(&chunk)?;
    }
    writer.finish(covers)
}

/// Builds the map `snapshot` holds. Blocks on the disk.
pub(super) fn load(snapshot: &StoredSnapshot) -> io::Result<TtlMap> {
    let chunks = (0..snapshot.chunks()).map(|index| snapshot.read_chunk(index));
    if in_place() {
        return build(snapshot, chunks);
    }
    std::thread::scope(|scope| {
        let (read_ahead, read) = sync_channel(READ_AHEAD_MAX);
        scope.spawn(move || {
            // The other end hangs up when it has found the map broken.
            let mut chunks = chunks;
            let _ = chunks.try_for_each(|chunk| read_ahead.send(chunk).map_err(drop));
        });
        build(snapshot, read.into_iter())
    })
}

fn build(
    snapshot: &StoredSnapshot,
    mut chunks: impl Iterator<Item = Result<Vec<u8>, SnapshotError>>,
) -> io::Result<TtlMap> {
    let undecodable =
        |error| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", snapshot.id()));
    let mut reader = ChunkReader::new();
    for _ in 0..snapshot.chunks() {
        let chunk = chunks.next().ok_or_else(|| io::Error::other("the thread that reads chunks is gone"))?;
        reader.push(&chunk?).map_err(undecodable)?;
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
    writer.finish(snapshot.covers().clone())
}
