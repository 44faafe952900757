//! Writing a snapshot, from this node's map or from another node's frames.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::covers::Covers;
use super::frame::Frame;
use super::lease::Lease;
use super::{CorruptReason, Record, Result, Shared, SnapshotError, SnapshotId, StoredSnapshot, key};
use crate::limits::SNAPSHOT_CHUNK_BYTES_MAX;

/// A snapshot being written. Dropped before [`SnapshotWriter::finish`], it is removed again.
pub struct SnapshotWriter {
    shared: Arc<Shared>,
    lease: Lease,
    /// How often the database had lost writes when this began.
    losses: u64,
    chunks: u32,
    bytes: u64,
    /// The snapshot the received frames are of, at the node that sends them.
    source: Option<SnapshotId>,
}

impl fmt::Debug for SnapshotWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SnapshotWriter({}, {} chunks)", self.id(), self.chunks)
    }
}

impl SnapshotWriter {
    pub(super) fn new(shared: Arc<Shared>, lease: Lease, losses: u64) -> Self {
        Self { shared, lease, losses, chunks: 0, bytes: 0, source: None }
    }

    /// Which snapshot this is going to be.
    pub fn id(&self) -> SnapshotId {
        self.lease.id()
    }

    /// Chunks written so far: the index of the next one.
    pub fn chunks(&self) -> u32 {
        self.chunks
    }

    /// Appends a chunk of at most `SNAPSHOT_CHUNK_BYTES_MAX` bytes. Blocks on the disk.
    pub fn put(&mut self, chunk: &[u8]) -> Result<()> {
        if chunk.len() > SNAPSHOT_CHUNK_BYTES_MAX {
            return Err(SnapshotError::TooLarge(chunk.len()));
        }
        self.append(Frame::compress(self.id(), self.chunks, chunk))
    }

    /// Appends a frame that [`StoredSnapshot::read_raw`] gave at another node, once it is verified: frames
    /// must all be of one snapshot of this group, and come in order. Blocks on the disk.
    pub fn put_raw(&mut self, frame: &Bytes) -> Result<()> {
        if frame.len() > SNAPSHOT_CHUNK_BYTES_MAX {
            return Err(SnapshotError::TooLarge(frame.len()));
        }
        let (group, chunk) = (self.id().group, self.chunks);
        let bad = |reason| SnapshotError::BadFrame { group, chunk, reason };
        let frame = Frame::decode(frame).map_err(bad)?;
        let source = *self.source.get_or_insert(frame.id);
        if frame.id != source || source.group != group || frame.index != chunk {
            return Err(bad(CorruptReason::Misplaced));
        }
        self.append(frame.readdress(self.id(), chunk))
    }

    fn append(&mut self, frame: Frame) -> Result<()> {
        let sealed = frame.encode();
        let next = self.chunks.checked_add(1).ok_or(SnapshotError::TooLarge(sealed.len()))?;
        let (id, bytes) = (self.id(), sealed.len() as u64);
        // Counted first: a part of it may be stored even if this fails.
        self.shared.grow(&self.lease, bytes);
        let stored = self.shared.table.append(id, self.losses, &key::chunk(id, self.chunks), &sealed);
        stored.map_err(|error| error.within(format_args!("chunk {} of {id}", self.chunks)))?;
        self.chunks = next;
        self.lease.has(next);
        self.bytes += bytes;
        Ok(())
    }

    /// Makes the snapshot durable and complete, covering `covers`; [`super::SnapshotStore::commit`] makes it
    /// current. Blocks on the disk.
    pub fn finish(self, covers: impl Into<Covers>) -> Result<StoredSnapshot> {
        let id = self.id();
        let flushed = self.shared.table.finish(id, self.losses);
        flushed.map_err(|error| error.within(format_args!("finishing {id}")))?;
        let record = Record { id, chunks: self.chunks, bytes: self.bytes, covers: covers.into() };
        Ok(StoredSnapshot::new(self.shared, Arc::new(record), Arc::new(self.lease)))
    }
}
