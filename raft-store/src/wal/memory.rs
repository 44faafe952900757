//! All the log knows, behind one lock: what callers see, what the disk holds, what waits for the writer.
//!
//! A change becomes visible and joins the queue in one step, so the queue's order is the order callers
//! saw. Nothing here touches the disk.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::disk::DiskFile;
use super::error::Failure;
use super::index::Index;
use super::options::{APPEND_BYTES_MAX, OPERATION_COST};
use super::record::{Effect, Entry, EntryId, Position, read_entry};
use super::stats::WalStats;
use super::view::View;
use crate::GroupId;

/// Called once when an operation is durable, or when it has failed. Runs on the writer's thread: it must
/// not block.
pub type Done = Box<dyn FnOnce(io::Result<()>) + Send>;

/// The answer to operations that come after [`super::SharedLog::close`].
pub(super) fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the log is closed")
}

/// A change a caller asks for.
#[derive(Debug)]
pub(super) enum Change {
    Append { group: GroupId, entries: Vec<Entry> },
    Vote { group: GroupId, vote: Bytes },
    Truncate { group: GroupId, from: u64 },
    Purge { group: GroupId, upto: EntryId },
}

impl Change {
    /// Upper bound of the bytes it takes in a batch, and what it is charged in the queue.
    pub(super) fn cost(&self) -> usize {
        OPERATION_COST
            + match self {
                Self::Append { entries, .. } => entries.iter().map(Entry::stored_bytes).sum(),
                Self::Vote { vote, .. } => vote.len(),
                Self::Truncate { .. } | Self::Purge { .. } => 0,
            }
    }
}

/// A change that waits for the writer.
pub(super) struct Operation {
    pub(super) change: Change,
    pub(super) done: Option<Done>,
    /// What it took of the queue's space, to be given back.
    pub(super) charged: usize,
}

/// An entry to be read: from memory, or from where it is on disk.
#[derive(Debug)]
pub(super) enum Found {
    Cached(Entry),
    Stored { group: GroupId, id: EntryId, at: Position, file: Arc<dyn DiskFile> },
}

impl Found {
    /// The entry; reads the disk if it must, and verifies what it read.
    pub(super) fn load(self) -> io::Result<Entry> {
        match self {
            Self::Cached(entry) => Ok(entry),
            Self::Stored { group, id, at, file } => {
                let mut record = vec![0; at.len as usize];
                file.read_at(at.offset, &mut record)?;
                Ok(read_entry(record.into(), group, id)?)
            }
        }
    }

    fn stored_bytes(&self) -> u64 {
        match self {
            Self::Cached(entry) => entry.stored_bytes() as u64,
            Self::Stored { at, .. } => at.len.into(),
        }
    }
}

/// All the log knows.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) view: View,
    pub(super) index: Index,
    /// Open segments, oldest first.
    pub(super) files: BTreeMap<u64, Arc<dyn DiskFile>>,
    pub(super) queue: VecDeque<Operation>,
    pub(super) stats: WalStats,
    /// Set by the first failure, for ever.
    pub(super) failure: Option<Failure>,
    /// Nothing is taken any more; what waits is still written.
    pub(super) closing: bool,
    /// Operations enqueued, and how many of them are durable.
    enqueued: u64,
    durable: u64,
}

impl Memory {
    /// What is known right after recovery.
    pub(super) fn new(index: Index, files: BTreeMap<u64, Arc<dyn DiskFile>>) -> Self {
        Self { view: View::new(&index), index, files, ..Self::default() }
    }

    /// Fails with the first failure, if there was one.
    pub(super) fn check(&self) -> io::Result<()> {
        self.failure.as_ref().map_or(Ok(()), |failure| Err(failure.to_io()))
    }

    /// Makes a change visible and hands it to the writer. On error nothing changed.
    pub(super) fn enqueue(&mut self, operation: Operation) -> io::Result<()> {
        self.check()?;
        if self.closing {
            return Err(closed());
        }
        match &operation.change {
            change if change.cost() > APPEND_BYTES_MAX => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "one append of more than 1 GiB"));
            }
            Change::Append { group, entries } => self.view.append(*group, entries, self.enqueued + 1)?,
            Change::Truncate { group, from } => self.view.truncate(*group, *from),
            Change::Purge { group, upto } => self.view.purge(*group, *upto),
            // A vote is seen once it is durable.
            Change::Vote { .. } => {}
        }
        self.enqueued += 1;
        self.queue.push_back(operation);
        Ok(())
    }

    /// The first entries of `start..end`: at least one, but no more once `bytes_max` is reached.
    pub(super) fn find(
        &self,
        group: GroupId,
        start: u64,
        end: u64,
        bytes_max: u64,
    ) -> io::Result<Vec<Found>> {
        self.check()?;
        let Some(view) = self.view.groups.get(&group) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let mut bytes = 0;
        for slot in view.range(start, end) {
            let next = match &slot.cached {
                Some(entry) => Found::Cached(entry.clone()),
                None => self.stored(group, slot.id)?,
            };
            bytes += next.stored_bytes();
            if !found.is_empty() && bytes > bytes_max {
                break;
            }
            found.push(next);
        }
        Ok(found)
    }

    fn stored(&self, group: GroupId, id: EntryId) -> io::Result<Found> {
        let place = self.index.groups().get(&group).and_then(|state| state.entries.get(&id.index));
        place
            .filter(|(found, _)| *found == id)
            .and_then(|&(_, at)| self.locate(group, id, at))
            .ok_or_else(|| io::Error::other(format!("group {group}: entry {} is not on disk", id.index)))
    }

    /// The record at a position, to be read without the lock.
    pub(super) fn locate(&self, group: GroupId, id: EntryId, at: Position) -> Option<Found> {
        self.files.get(&at.segment).map(|file| Found::Stored { group, id, at, file: file.clone() })
    }

    /// Takes note that a batch of `operations` is durable. Returns the segments nobody needs any more:
    /// the oldest ones, never the `head`.
    pub(super) fn settle(
        &mut self,
        operations: u64,
        effects: Vec<Effect>,
        head: u64,
        cache_bytes: u64,
    ) -> Vec<u64> {
        self.durable += operations;
        effects.into_iter().for_each(|effect| self.index.apply(effect));
        self.view.evict(cache_bytes, self.durable);
        // Only a prefix may go: a truncation in a later segment must not vanish before the entries it
        // removes, or they would be back after a restart.
        let index = &self.index;
        let oldest = self.files.keys().copied();
        let dead: Vec<u64> = oldest.take_while(|&s| s < head && index.live_bytes(s) == 0).collect();
        dead.iter().for_each(|segment| drop(self.files.remove(segment)));
        dead
    }

    /// Ends the log. Returns what was still waiting.
    pub(super) fn fail(&mut self, error: &io::Error) -> VecDeque<Operation> {
        if self.failure.is_none() {
            tracing::error!(%error, "the log has failed: this node takes no more writes");
            self.failure = Some(Failure::new(error));
        }
        std::mem::take(&mut self.queue)
    }
}
