//! Handles to complete snapshots, and what keeps them on disk.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::{Current, Record, Result, Shared, SnapshotError, SnapshotId};
use crate::GroupId;
use crate::raft::SnapshotMeta;

/// Snapshots nobody holds any more, to be removed.
#[derive(Debug, Default)]
pub(super) struct Garbage(Mutex<Vec<SnapshotId>>);

impl Garbage {
    pub(super) fn add(&self, id: SnapshotId) {
        self.0.lock().push(id);
    }

    pub(super) fn next(&self) -> Option<SnapshotId> {
        self.0.lock().pop()
    }
}

/// Keeps a snapshot's chunks: they become garbage when its last holder drops it.
#[derive(Debug)]
pub(super) struct Lease {
    id: SnapshotId,
    garbage: Arc<Garbage>,
}

impl Lease {
    pub(super) fn new(id: SnapshotId, garbage: Arc<Garbage>) -> Self {
        Self { id, garbage }
    }

    pub(super) fn id(&self) -> SnapshotId {
        self.id
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.garbage.add(self.id);
    }
}

/// A complete, durable snapshot, current or not. Its chunks stay while any clone of this handle lives.
#[derive(Clone)]
pub struct StoredSnapshot {
    shared: Arc<Shared>,
    record: Arc<Record>,
    lease: Arc<Lease>,
}

impl fmt::Debug for StoredSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredSnapshot").field(&self.record).finish()
    }
}

impl StoredSnapshot {
    pub(super) fn new(shared: Arc<Shared>, record: Arc<Record>, lease: Arc<Lease>) -> Self {
        Self { shared, record, lease }
    }

    /// Which snapshot this is.
    pub fn id(&self) -> SnapshotId {
        self.record.id
    }

    /// The group it is of.
    pub fn group(&self) -> GroupId {
        self.record.id.group
    }

    /// What it covers.
    pub fn meta(&self) -> &SnapshotMeta {
        &self.record.meta
    }

    /// Number of chunks.
    pub fn chunks(&self) -> u32 {
        self.record.chunks
    }

    /// Stored bytes of all chunks: compressed, with framing.
    pub fn bytes(&self) -> u64 {
        self.record.bytes
    }

    /// Chunk `index`, from 0, as it was written. Blocks on the disk.
    pub fn read_chunk(&self, index: u32) -> Result<Vec<u8>> {
        let (_, frame) = self.shared.chunk(self.id(), index)?;
        frame.decompress().map_err(|reason| SnapshotError::CorruptChunk {
            id: self.id(),
            chunk: index,
            reason,
        })
    }

    /// The frame of chunk `index`, verified and still compressed, for [`super::SnapshotWriter::put_raw`] at
    /// another node. Blocks on the disk.
    pub fn read_raw(&self, index: u32) -> Result<Bytes> {
        Ok(self.shared.chunk(self.id(), index)?.0)
    }

    pub(super) fn is_in(&self, shared: &Arc<Shared>) -> bool {
        Arc::ptr_eq(&self.shared, shared)
    }

    pub(super) fn as_current(&self) -> Current {
        Current { record: self.record.clone(), lease: self.lease.clone() }
    }
}
