//! Where things stand in the database.
//!
//! A key is its kind, then group, sequence and chunk in network order. The few small records stand before
//! the chunks, so that a start reads none of those. Records say themselves which key they belong to.

use bytes::Bytes;

use super::error::{CorruptReason, SnapshotError};
use super::{Record, Result, SnapshotId, frame};
use crate::GroupId;

/// A key of no meaning, written when something has to be.
pub(super) const SETTLING: &[u8] = b"b";
/// Begins the keys of the groups' records of their current snapshots.
pub(super) const CURRENT: &[u8] = b"c";
/// Begins the keys of the notes that a snapshot was begun and its chunks may exist.
pub(super) const BEGUN: &[u8] = b"d";
/// Begins the keys of chunks.
pub(super) const CHUNK: &[u8] = b"e";

/// The key of `group`'s record.
pub(super) fn current(group: GroupId) -> Vec<u8> {
    [CURRENT, &group.to_be_bytes()].concat()
}

/// The key of the note that snapshot `id` was begun.
pub(super) fn begun(id: SnapshotId) -> Vec<u8> {
    [BEGUN, &id.group.to_be_bytes(), &id.sequence.to_be_bytes()].concat()
}

/// What the keys of all chunks of snapshot `id` begin with.
pub(super) fn chunks(id: SnapshotId) -> Vec<u8> {
    [CHUNK, &id.group.to_be_bytes(), &id.sequence.to_be_bytes()].concat()
}

/// The key of one chunk.
pub(super) fn chunk(id: SnapshotId, index: u32) -> Vec<u8> {
    [chunks(id).as_slice(), &index.to_be_bytes()].concat()
}

/// Reads the record at `key`.
pub(super) fn read_record(key: &[u8], value: &Bytes) -> Result<Record> {
    let group = group_of(key)?;
    let corrupt = |reason| SnapshotError::CorruptRecord { group, reason };
    let record = frame::decode_record(value).map_err(corrupt)?;
    if current(record.id.group) == key { Ok(record) } else { Err(corrupt(CorruptReason::Misplaced)) }
}

/// Reads the note at `key`.
pub(super) fn read_begun(key: &[u8], value: &Bytes) -> Result<SnapshotId> {
    let group = group_of(key)?;
    let corrupt = |reason| SnapshotError::CorruptRecord { group, reason };
    let id = frame::decode_begun(value).map_err(corrupt)?;
    if begun(id) == key { Ok(id) } else { Err(corrupt(CorruptReason::Misplaced)) }
}

fn group_of(key: &[u8]) -> Result<GroupId> {
    let group = key.get(1..5).and_then(|group| group.try_into().ok());
    group.map(GroupId::from_be_bytes).ok_or(SnapshotError::UnknownKey(key.len()))
}
