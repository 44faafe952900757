//! Makes batches of what waits, and puts them on disk. Has no thread: whoever calls [`Writer::flush`]
//! drives it, be it the log's own thread, a test or a simulation.
//!
//! It never makes a file longer: a batch is begun only where all of it fits into blocks that are there. When there
//! is no such place, what waits goes on waiting, but for what a node needs to stay a voter and to free space
//! ([`room::Waiting`]).

use std::collections::VecDeque;
use std::io;

use parking_lot::Mutex;

use super::error::while_doing;
use super::flushed::Flushed;
use super::found::Found;
use super::frame::{self, ALIGN, FRAME_BYTES, HEADER_BYTES, Home, segment_name};
use super::head::Head;
use super::memory::{Change, Memory, Operation};
use super::moving::{self, Cursor, Movable};
use super::options::{BUFFER_KEPT_BYTES, SEGMENT_NUMBER_MAX, WalOptions};
use super::record::{Batch, Effect, Entry};
use super::recover::Recovered;
use super::room;
use super::stats::BatchStats;
use super::supply::SegmentSource;
use crate::GroupId;

/// An old segment is emptied once less than one part in so many of it is live.
const SPARSE_PARTS: u64 = 4;

/// The one writer of a log.
#[derive(Debug)]
pub(super) struct Writer {
    options: WalOptions,
    source: Box<dyn SegmentSource>,
    head: Head,
    next_batch: u64,
    /// The last batch is an empty one, or there is none.
    sealed: bool,
    /// The last flush found no room.
    stalled: bool,
    /// How far the oldest segment was emptied.
    moved: Cursor,
    buffer: Vec<u8>,
}

impl Writer {
    /// Continues a recovered log, and hands over what memory starts with.
    pub(super) fn new(
        recovered: Recovered,
        source: Box<dyn SegmentSource>,
        options: WalOptions,
    ) -> io::Result<(Self, Memory)> {
        let Recovered { index, files, home, offset, next_batch, sealed, .. } = recovered;
        let file = files.get(&home.segment).cloned().ok_or(io::ErrorKind::NotFound)?;
        let head = Head::new(home, file, offset)?;
        let (moved, buffer) = (Cursor::default(), Vec::new());
        let writer = Self { options, source, head, next_batch, sealed, stalled: false, moved, buffer };
        Ok((writer, Memory::new(index, files)))
    }

    /// Writes and syncs everything that waits, as one batch; as much as may go ahead while there is no room for all
    /// of it. A failure ends the log.
    pub(super) fn flush(&mut self, memory: &Mutex<Memory>) -> Flushed {
        let mut locked = memory.lock();
        locked.retry = false;
        if locked.queue.is_empty() && locked.waiting.is_empty() {
            return Flushed::default();
        }
        let mut operations = std::mem::take(&mut locked.queue);
        drop(locked);
        match self.write(memory, &mut operations) {
            Ok(()) => Flushed::new(operations, None),
            Err(error) => {
                let mut memory = memory.lock();
                let mut all = memory.waiting.take();
                all.append(&mut operations);
                all.append(&mut memory.fail(&error));
                Flushed::new(all, memory.failure.clone())
            }
        }
    }

    /// Leaves in `operations` what it wrote; the rest waits.
    fn write(&mut self, memory: &Mutex<Memory>, operations: &mut VecDeque<Operation>) -> io::Result<()> {
        let (moved, cursor) = self.movable(memory)?;
        let moved_bytes: usize = moved.iter().map(|(_, entry)| entry.stored_bytes()).sum();
        let waiting_bytes = memory.lock().waiting.bytes();
        self.stalled = !self.make_room(moved_bytes + waiting_bytes + stored_bytes(operations), memory)?;
        let new = std::mem::take(operations);
        if self.stalled {
            let room = self.head.room(self.batch_bytes(0, memory));
            *operations = memory.lock().waiting.ahead(new, room);
            if operations.is_empty() { Ok(()) } else { self.write_batch(memory, &[], operations, None) }
        } else {
            *operations = memory.lock().waiting.take();
            operations.extend(new);
            let upto = operations.back().map(|operation| operation.number);
            self.write_batch(memory, &moved, operations, upto)?;
            self.moved = cursor;
            Ok(())
        }
    }

    fn write_batch(
        &mut self,
        memory: &Mutex<Memory>,
        moved: &[(GroupId, Entry)],
        operations: &VecDeque<Operation>,
        upto: Option<u64>,
    ) -> io::Result<()> {
        let begun = (self.options.clock)();
        let mut batch = self.begin(memory);
        for (group, entry) in moved {
            batch.entry(*group, entry)?;
        }
        for operation in operations {
            encode(&operation.change, &mut batch)?;
        }
        let relocated = moved.iter().map(|(_, entry)| entry.stored_bytes()).sum();
        let (effects, bytes, sync_ns) = self.commit(batch)?;
        self.sealed = false;
        let mut memory = memory.lock();
        for operation in operations {
            memory.stats.wait.record(begun.saturating_sub(operation.enqueued_ns));
        }
        memory.stats.count_batch(BatchStats { operations: operations.len(), bytes, relocated, sync_ns });
        let retired = memory.settle(upto, effects, self.head.home.segment, self.options.cache_bytes);
        drop(memory);
        retired.into_iter().for_each(|retired| self.source.retire(retired));
        Ok(())
    }

    /// Writes an empty batch: it proves that the one before it was whole on disk, so that damage to that is known from
    /// a torn write. Does nothing if that is done, or if there is no room for it. A failure ends the log, and with it
    /// what was enqueued meanwhile.
    pub(super) fn seal(&mut self, memory: &Mutex<Memory>) -> Flushed {
        if self.is_sealed() || memory.lock().failure.is_some() {
            return Flushed::default();
        }
        self.sealed = true;
        let batch = self.begin(memory);
        let committed = self.commit(batch);
        let mut memory = memory.lock();
        match committed {
            Ok((_, bytes, sync_ns)) => {
                memory.stats.count_batch(BatchStats { operations: 0, bytes, relocated: 0, sync_ns });
                Flushed::default()
            }
            Err(error) => Flushed::new(memory.fail(&error), memory.failure.clone()),
        }
    }

    /// Tries again to make the next segment, and lets the next flush look again whether there is room.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn retry(&mut self, memory: &Mutex<Memory>) {
        self.source.retry();
        memory.lock().retry = true;
    }

    /// Whether [`Self::seal`] has nothing to do.
    pub(super) fn is_sealed(&self) -> bool {
        self.sealed || self.head.is_fresh() || !self.head.fits(FRAME_BYTES, 0)
    }

    /// Begins the next segment unless records of `bytes` fit into this one; `false` while neither has room.
    fn make_room(&mut self, bytes: usize, memory: &Mutex<Memory>) -> io::Result<bool> {
        if self.head.fits(self.batch_bytes(bytes, memory), room::reserve(self.options.segment_bytes)) {
            return Ok(true);
        }
        let segment = self.head.home.segment + 1;
        if segment > SEGMENT_NUMBER_MAX {
            return Err(io::Error::other("the log has used up all numbers of segments"));
        }
        let needed = HEADER_BYTES + FRAME_BYTES + checkpoint_bytes(memory) + bytes + ALIGN;
        let needed = needed as u64 + room::reserve(self.options.segment_bytes);
        let Some(file) = self.source.take(segment, needed)? else { return Ok(false) };
        if self.head.is_fresh() {
            self.write_batch(memory, &[], &VecDeque::new(), None)?;
        }
        memory.lock().files.insert(segment, file.clone());
        self.head = Head::new(Home { segment, ..self.head.home }, file, HEADER_BYTES as u64)?;
        Ok(true)
    }

    /// Bytes of a batch with records of `bytes`, at the most.
    fn batch_bytes(&self, bytes: usize, memory: &Mutex<Memory>) -> usize {
        let checkpoint = if self.head.is_fresh() { checkpoint_bytes(memory) } else { 0 };
        FRAME_BYTES + checkpoint + bytes + ALIGN
    }

    /// A batch at the head. The first one of a segment repeats every vote and purge, so that the segments
    /// before it can go.
    fn begin(&mut self, memory: &Mutex<Memory>) -> Batch {
        let buffer = std::mem::take(&mut self.buffer);
        let mut batch = Batch::begin(self.head.home.segment, self.head.offset, buffer);
        if self.head.is_fresh() {
            memory.lock().index.checkpoint().into_iter().for_each(|effect| batch.push(effect));
        }
        batch
    }

    /// One write, one sync. Returns what is durable now, bytes written, and ns of the sync.
    fn commit(&mut self, mut batch: Batch) -> io::Result<(Vec<Effect>, usize, u64)> {
        frame::seal(&mut batch.bytes, self.head.home, self.next_batch)?;
        let (bytes, offset) = (batch.bytes.len(), self.head.offset);
        let place = |what| {
            format!("{what} {bytes} bytes at byte {offset} of {}", segment_name(self.head.home.segment))
        };
        mutant!(FlushedBeforeFsync => self.head.file.sync_data()?);
        let written = self.head.file.write_at(offset, &batch.bytes);
        written.map_err(|error| while_doing(place("writing"))(error))?;
        let started = (self.options.clock)();
        if !mutant!(FlushedBeforeFsync) {
            self.head.file.sync_data().map_err(|error| while_doing(place("syncing"))(error))?;
        }
        let sync_ns = (self.options.clock)().saturating_sub(started);
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
    ///
    /// None while the log waits for room, and while the disk is full only where it frees more than it takes.
    fn movable(&self, memory: &Mutex<Memory>) -> io::Result<(Vec<(GroupId, Entry)>, Cursor)> {
        let memory = memory.lock();
        let nothing = Ok((Vec::new(), self.moved));
        let Some((&oldest, _)) = memory.files.first_key_value() else { return nothing };
        let segments = memory.files.len();
        if segments <= self.options.segments_max || oldest >= self.head.home.segment || self.stalled {
            return nothing;
        }
        let all_bytes = self.options.segment_bytes * segments as u64;
        let sparse = memory.index.live().of(oldest) < self.options.segment_bytes / SPARSE_PARTS;
        let dead = !self.source.is_full() && memory.index.live().total() < all_bytes / 2;
        if !(sparse || dead) {
            return nothing;
        }
        let Movable { entries, after, .. } = moving::next(&memory.index, oldest, self.moved);
        let found: Vec<_> =
            entries.into_iter().map(|(group, id, at)| (group, memory.locate(group, id, at))).collect();
        drop(memory);
        let load = |(group, found): (GroupId, Option<Found>)| {
            Ok((group, found.ok_or(io::ErrorKind::NotFound)?.load()?))
        };
        Ok((found.into_iter().map(load).collect::<io::Result<_>>()?, after))
    }
}

fn stored_bytes(operations: &VecDeque<Operation>) -> usize {
    operations.iter().map(|operation| operation.change.stored_bytes()).sum()
}

fn checkpoint_bytes(memory: &Mutex<Memory>) -> usize {
    memory.lock().index.checkpoint_bytes()
}

fn encode(change: &Change, batch: &mut Batch) -> io::Result<()> {
    match change {
        Change::Append { group, entries } => {
            entries.iter().try_for_each(|entry| batch.entry(*group, entry))?;
        }
        Change::Vote { group, vote } => batch.push(Effect::Vote { group: *group, vote: vote.clone() }),
        Change::Truncate { group, from } => batch.push(Effect::Truncate { group: *group, from: *from }),
        Change::Purge { group, upto } => batch.push(Effect::Purge { group: *group, upto: *upto }),
        Change::Clear { group } => batch.push(Effect::Clear { group: *group }),
    }
    Ok(())
}
