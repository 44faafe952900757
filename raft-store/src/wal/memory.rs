//! All the log knows, behind one lock: what callers see, what the disk holds, what waits for the writer.
//!
//! A change becomes visible and joins the queue in one step, so the queue's order is the order callers
//! saw. Nothing here touches the disk.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::disk::DiskFile;
use super::entries::Entries;
use super::error::Failure;
use super::found::Found;
use super::index::Index;
use super::options::{APPEND_BYTES_MAX, OPERATION_COST};
use super::record::{Effect, Entry, EntryId, Position, RECORD_BYTES_MAX};
use super::room::Waiting;
use super::segment::Retired;
use super::stats::WalStats;
use super::view::View;
use crate::GroupId;

/// Called once when an operation is durable, or when it has failed. Runs on the writer's thread: it must
/// not block.
pub type Done = Box<dyn FnOnce(io::Result<()>) + Send>;

/// A [`Done`] that is called whatever happens: on the way out of a panic it says so.
pub(super) struct Callback(Option<Done>);

impl Callback {
    /// Calls `done` once, if there is one to call.
    pub(super) fn new(done: Option<Done>) -> Self {
        Self(done)
    }

    /// Tells the caller.
    pub(super) fn tell(mut self, result: io::Result<()>) {
        if let Some(done) = self.0.take() {
            done(result);
        }
    }

    /// Whether somebody wants to be told.
    #[cfg(test)]
    pub(super) fn is_awaited(&self) -> bool {
        self.0.is_some()
    }

    /// The caller is told in another way.
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        if let Some(done) = self.0.take() {
            done(Err(io::Error::other(
                "the log's thread has panicked: nobody knows whether this is on disk",
            )));
        }
    }
}

/// The answer to operations that come after [`super::SharedLog::close`].
pub(super) fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the log is closed")
}

/// A change a caller asks for.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Append { group: GroupId, entries: Vec<Entry> },
    Vote { group: GroupId, vote: Bytes },
    Truncate { group: GroupId, from: u64 },
    Purge { group: GroupId, upto: EntryId },
    Clear { group: GroupId },
}

impl Change {
    /// Upper bound of the bytes it takes in a batch.
    pub(super) fn stored_bytes(&self) -> usize {
        match self {
            Self::Append { entries, .. } => entries.iter().map(Entry::stored_bytes).sum(),
            Self::Vote { vote, .. } => RECORD_BYTES_MAX + vote.len(),
            Self::Truncate { .. } | Self::Purge { .. } | Self::Clear { .. } => RECORD_BYTES_MAX,
        }
    }

    /// What it is charged in the queue.
    pub(super) fn cost(&self) -> usize {
        OPERATION_COST + self.stored_bytes()
    }

    /// The group it is of.
    pub(super) fn group(&self) -> GroupId {
        match self {
            Self::Append { group, .. }
            | Self::Vote { group, .. }
            | Self::Truncate { group, .. }
            | Self::Purge { group, .. }
            | Self::Clear { group } => *group,
        }
    }
}

/// A change that waits for the writer.
pub(super) struct Operation {
    pub(super) change: Change,
    pub(super) done: Callback,
    /// What it took of the queue's space, to be given back.
    pub(super) charged: usize,
    /// Its place among all operations, from 1 on; given by [`Memory::enqueue`].
    pub(super) number: u64,
    /// When it was enqueued, by the log's clock.
    pub(super) enqueued_ns: u64,
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
    /// The last operation enqueued, and the last one of those that are durable without a gap.
    pub(super) enqueued: u64,
    durable: u64,
    /// What the writer found no room for; all of it came before the queue.
    pub(super) waiting: Waiting,
    /// There may be room now.
    pub(super) retry: bool,
    /// Why what waited at the end was not written.
    pub(super) unwritten: Option<String>,
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

    /// Makes a change visible and hands it to the writer. On error nothing changed, and nobody is told but by it.
    pub(super) fn enqueue(&mut self, mut operation: Operation) -> io::Result<()> {
        match self.admit(&operation.change) {
            Ok(()) => {
                self.enqueued += 1;
                operation.number = self.enqueued;
                self.queue.push_back(operation);
                Ok(())
            }
            Err(error) => {
                operation.done.disarm();
                Err(error)
            }
        }
    }

    fn admit(&mut self, change: &Change) -> io::Result<()> {
        self.check()?;
        if self.closing {
            return Err(closed());
        }
        if change.cost() > APPEND_BYTES_MAX {
            let what = format!("group {}: one append of more than 1 GiB", change.group());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let stored = self.index.groups().get(&change.group()).map(|state| &state.entries);
        match change {
            Change::Append { group, entries } => self.view.append(*group, entries, self.enqueued + 1)?,
            Change::Truncate { group, from } => self.view.truncate(*group, *from, stored),
            Change::Purge { group, upto } => self.view.purge(*group, *upto, stored),
            Change::Clear { group } => self.view.clear(*group),
            // A vote is seen once it is durable.
            Change::Vote { .. } => {}
        }
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
        let stored = view.stored(start, end).map(|index| self.stored(group, index));
        let cached = view.cached(start, end).map(|cached| Ok(Found::Cached(cached.entry.clone())));
        let mut found = Vec::new();
        let mut bytes = 0;
        for next in stored.chain(cached) {
            let next = next?;
            bytes += next.stored_bytes();
            if !found.is_empty() && bytes > bytes_max {
                break;
            }
            found.push(next);
        }
        Ok(found)
    }

    fn stored(&self, group: GroupId, index: u64) -> io::Result<Found> {
        self.entries(group)
            .and_then(|entries| entries.get(index))
            .and_then(|(id, at)| self.locate(group, id, at))
            .ok_or_else(|| io::Error::other(format!("group {group}: entry {index} is not on disk")))
    }

    fn entries(&self, group: GroupId) -> Option<&Entries> {
        self.index.groups().get(&group).map(|state| &state.entries)
    }

    /// A group's last purged entry, and its last entry (the purged one if there is no other).
    pub(super) fn bounds(&self, group: GroupId) -> (Option<EntryId>, Option<EntryId>) {
        let view = self.view.groups.get(&group);
        (view.and_then(|view| view.purged), view.and_then(|view| view.last(self.entries(group))))
    }

    /// The record at a position, to be read without the lock.
    pub(super) fn locate(&self, group: GroupId, id: EntryId, at: Position) -> Option<Found> {
        self.files.get(&at.segment).map(|file| Found::Stored { group, id, at, file: file.clone() })
    }

    /// Takes note that a batch is durable, and with it all operations up to number `upto` if that is known.
    /// Returns the segments nobody needs any more: the oldest ones, never the `head`.
    pub(super) fn settle(
        &mut self,
        upto: Option<u64>,
        effects: Vec<Effect>,
        head: u64,
        cache_bytes: u64,
    ) -> Vec<Retired> {
        self.durable = upto.unwrap_or(self.durable);
        effects.into_iter().for_each(|effect| self.index.apply(effect));
        self.view.evict(cache_bytes, self.durable);
        // Only a prefix may go: a truncation in a later segment must not vanish before the entries it
        // removes, or they would be back after a restart.
        let index = &self.index;
        let oldest = self.files.keys().copied();
        let dead: Vec<u64> = oldest.take_while(|&s| s < head && index.live().is_dead(s)).collect();
        let retire = |segment| {
            let file = self.files.remove(&segment)?;
            Some(Retired { segment, file, in_use: self.files.len() })
        };
        dead.into_iter().filter_map(retire).collect()
    }

    /// Whether the writer has something to look at: something new, or room for what waits.
    pub(super) fn has_work(&self) -> bool {
        !self.queue.is_empty() || (!self.waiting.is_empty() && self.retry)
    }

    /// Everything that is to be written, in order.
    pub(super) fn take_all(&mut self) -> VecDeque<Operation> {
        let mut all = self.waiting.take();
        all.append(&mut self.queue);
        all
    }

    /// Ends the log. Returns what was still waiting.
    pub(super) fn fail(&mut self, error: &io::Error) -> VecDeque<Operation> {
        if self.failure.is_none() {
            tracing::error!(%error, "the log has failed: this node takes no more writes");
            self.failure = Some(Failure::new(error));
        }
        self.take_all()
    }
}
