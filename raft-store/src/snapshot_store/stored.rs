//! Handles to complete snapshots.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::covers::Covers;
use super::lease::Lease;
use super::{Current, Record, Result, Shared, SnapshotError, SnapshotId};
use crate::GroupId;

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
        Self::new(shared, Arc::new(record), Arc::new(Lease::of_nothing(id)))
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
