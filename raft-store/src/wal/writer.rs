//! Makes batches of what waits, and puts them on disk. Has no thread: whoever calls [`Writer::flush`]
//! drives it, be it the log's own thread, a test or a simulation.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::disk::DiskFile;
use super::error::Failure;
use super::frame::{self, ALIGN, FRAME_BYTES, HEADER_BYTES};
use super::memory::{Change, Done, Found, Memory, Operation};
use super::options::{BUFFER_KEPT_BYTES, RELOCATED_BYTES_PER_BATCH, WalOptions};
use super::record::{Batch, Effect, Entry};
use super::recover::Recovered;
use super::segment::SegmentSource;
use crate::GroupId;

/// An old segment is emptied once less than one part in so many of it is live.
const SPARSE_PARTS: u64 = 4;

/// The segment being written.
#[derive(Debug)]
struct Head {
    segment: u64,
    file: Arc<dyn DiskFile>,
    offset: u64,
}

/// The one writer of a log.
#[derive(Debug)]
pub(super) struct Writer {
    options: WalOptions,
    source: Box<dyn SegmentSource>,
    head: Head,
    next_batch: u64,
    buffer: Vec<u8>,
}

/// What became of the operations of a flush; to be told once no lock is held.
#[derive(Default)]
pub(super) struct Flushed {
    /// What they were charged in the queue.
    pub(super) charged: usize,
    done: Vec<Done>,
    failure: Option<Failure>,
}

impl Flushed {
    /// The end of `operations`, durable unless there was a `failure`.
    pub(super) fn new(operations: VecDeque<Operation>, failure: Option<Failure>) -> Self {
        let charged = operations.iter().map(|operation| operation.charged).sum();
        let done = operations.into_iter().filter_map(|operation| operation.done).collect();
        Self { charged, done, failure }
    }

    /// Tells everyone, in the order they came.
    pub(super) fn complete(self) {
        for done in self.done {
            done(self.failure.as_ref().map_or(Ok(()), |failure| Err(failure.to_io())));
        }
    }
}

impl Writer {
    /// Continues a recovered log, and hands over what memory starts with.
    pub(super) fn new(
        recovered: Recovered,
        source: Box<dyn SegmentSource>,
        options: WalOptions,
    ) -> io::Result<(Self, Memory)> {
        let Recovered { index, files, segment, offset, next_batch } = recovered;
        let file = files.get(&segment).cloned().ok_or(io::ErrorKind::NotFound)?;
        let head = Head { segment, file, offset };
        let writer = Self { options, source, head, next_batch, buffer: Vec::new() };
        Ok((writer, Memory::new(index, files)))
    }

    /// Writes and syncs everything that waits, as one batch. A failure ends the log.
    pub(super) fn flush(&mut self, memory: &Mutex<Memory>) -> Flushed {
        let mut operations = std::mem::take(&mut memory.lock().queue);
        if operations.is_empty() {
            return Flushed::default();
        }
        match self.write(memory, &operations) {
            Ok(dead) => {
                self.remove(dead);
                Flushed::new(operations, None)
            }
            Err(error) => {
                let mut memory = memory.lock();
                operations.append(&mut memory.fail(&error));
                Flushed::new(operations, memory.failure.clone())
            }
        }
    }

    /// A segment that stays although it could go is no danger: the next start finds it dead again.
    fn remove(&mut self, dead: Vec<u64>) {
        let removed = dead.into_iter().try_for_each(|segment| self.source.remove(segment));
        if let Err(error) = removed {
            tracing::warn!(%error, "cannot remove log segments");
        }
    }

    /// Returns the segments that nobody needs any more.
    fn write(&mut self, memory: &Mutex<Memory>, operations: &VecDeque<Operation>) -> io::Result<Vec<u64>> {
        let moved = self.movable(memory)?;
        let moved_bytes: usize = moved.iter().map(|(_, entry)| entry.stored_bytes()).sum();
        let costs: usize = operations.iter().map(|operation| operation.change.cost()).sum();
        self.make_room(FRAME_BYTES + moved_bytes + costs + ALIGN, memory)?;
        let mut batch = self.begin(memory);
        for (group, entry) in &moved {
            batch.entry(*group, entry)?;
        }
        for operation in operations {
            encode(&operation.change, &mut batch)?;
        }
        let (effects, bytes, sync_ns) = self.commit(batch)?;
        let mut memory = memory.lock();
        memory.stats.count_batch(operations.len(), bytes, moved_bytes as u64, sync_ns);
        Ok(memory.settle(operations.len() as u64, effects, self.head.segment, self.options.cache_bytes))
    }

    /// Begins the next segment unless `bytes` fit into this one. More than a whole segment makes a fresh
    /// one grow.
    fn make_room(&mut self, bytes: usize, memory: &Mutex<Memory>) -> io::Result<()> {
        let fresh = self.head.offset == HEADER_BYTES as u64;
        if fresh || self.head.offset + bytes as u64 <= self.options.segment_bytes {
            return Ok(());
        }
        let segment = self.head.segment + 1;
        let file = self.source.take(segment)?;
        memory.lock().files.insert(segment, file.clone());
        self.head = Head { segment, file, offset: HEADER_BYTES as u64 };
        Ok(())
    }

    /// A batch at the head. The first one of a segment repeats every vote and purge, so that the segments
    /// before it can go.
    fn begin(&mut self, memory: &Mutex<Memory>) -> Batch {
        let buffer = std::mem::take(&mut self.buffer);
        let mut batch = Batch::begin(self.head.segment, self.head.offset, buffer);
        if self.head.offset == HEADER_BYTES as u64 {
            memory.lock().index.checkpoint().into_iter().for_each(|effect| batch.push(effect));
        }
        batch
    }

    /// One write, one sync. Returns what is durable now, bytes written, and ns of the sync.
    fn commit(&mut self, mut batch: Batch) -> io::Result<(Vec<Effect>, usize, u64)> {
        frame::seal(&mut batch.bytes, self.head.segment, self.next_batch)?;
        self.head.file.write_at(self.head.offset, &batch.bytes)?;
        let started = (self.options.clock)();
        self.head.file.sync_data()?;
        let sync_ns = (self.options.clock)().saturating_sub(started);
        let bytes = batch.bytes.len();
        self.head.offset += bytes as u64;
        self.next_batch += 1;
        self.buffer = batch.bytes;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_KEPT_BYTES);
        Ok((batch.effects, bytes, sync_ns))
    }

    /// Entries that hold the oldest segment although the log is long and that segment, or the whole log,
    /// is mostly dead. They go to the head, a bounded part with each batch, before anything that waits: a
    /// purge or truncation of them may be among it.
    fn movable(&self, memory: &Mutex<Memory>) -> io::Result<Vec<(GroupId, Entry)>> {
        let memory = memory.lock();
        let Some((&oldest, _)) = memory.files.first_key_value() else { return Ok(Vec::new()) };
        let sparse = memory.index.live_bytes(oldest) < self.options.segment_bytes / SPARSE_PARTS;
        let all_bytes = self.options.segment_bytes * memory.files.len() as u64;
        if memory.files.len() <= self.options.segments_max
            || oldest >= self.head.segment
            || !(sparse || memory.index.live_total() < all_bytes / 2)
        {
            return Ok(Vec::new());
        }
        let entries = memory.index.live_entries(oldest, RELOCATED_BYTES_PER_BATCH);
        let found: Vec<_> =
            entries.into_iter().map(|(group, id, at)| (group, memory.locate(group, id, at))).collect();
        drop(memory);
        let load = |(group, found): (GroupId, Option<Found>)| {
            Ok((group, found.ok_or(io::ErrorKind::NotFound)?.load()?))
        };
        found.into_iter().map(load).collect()
    }
}

fn encode(change: &Change, batch: &mut Batch) -> io::Result<()> {
    match change {
        Change::Append { group, entries } => {
            entries.iter().try_for_each(|entry| batch.entry(*group, entry))?;
        }
        Change::Vote { group, vote } => batch.push(Effect::Vote { group: *group, vote: vote.clone() }),
        Change::Truncate { group, from } => batch.push(Effect::Truncate { group: *group, from: *from }),
        Change::Purge { group, upto } => batch.push(Effect::Purge { group: *group, upto: *upto }),
    }
    Ok(())
}
