//! Handles to complete snapshots, and what keeps them on disk.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use super::covers::Covers;
use super::{Current, Record, Result, Shared, SnapshotError, SnapshotId};
use crate::GroupId;

/// Snapshots nobody holds any more, to be removed, with their stored bytes.
#[derive(Debug, Default)]
pub(super) struct Garbage(Mutex<Vec<(SnapshotId, u64)>>);

impl Garbage {
    pub(super) fn add(&self, id: SnapshotId, bytes: u64) {
        self.0.lock().push((id, bytes));
    }

    pub(super) fn take(&self) -> Vec<(SnapshotId, u64)> {
        std::mem::take(&mut self.0.lock())
    }
}

/// Keeps a snapshot's chunks: they become garbage when its last holder drops it.
#[derive(Debug)]
pub(super) struct Lease {
    id: SnapshotId,
    /// Stored bytes of the chunks so far.
    bytes: AtomicU64,
    /// `None` if there is nothing to remove.
    garbage: Option<Arc<Garbage>>,
}

impl Lease {
    pub(super) fn new(id: SnapshotId, bytes: u64, garbage: Arc<Garbage>) -> Self {
        Self { id, bytes: AtomicU64::new(bytes), garbage: Some(garbage) }
    }

    pub(super) fn id(&self) -> SnapshotId {
        self.id
    }

    pub(super) fn grow(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(garbage) = &self.garbage {
            garbage.add(self.id, self.bytes.load(Ordering::Relaxed));
        }
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

    /// A snapshot of `group` that covers nothing and holds nothing: what stands for one that is not there.
    pub(super) fn nothing(shared: Arc<Shared>, group: GroupId) -> Self {
        let id = SnapshotId { group, sequence: 0 };
        let record = Record { id, chunks: 0, bytes: 0, covers: Covers::default() };
        let lease = Lease { id, bytes: AtomicU64::new(0), garbage: None };
        Self::new(shared, Arc::new(record), Arc::new(lease))
    }

    /// What it covers.
    pub fn covers(&self) -> &Covers {
        &self.record.covers
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
