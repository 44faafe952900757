//! What callers see of the entries: everything appended, durable or not, and recent payloads.
//!
//! ```text
//!   purged │ first … … … … … … last │
//!          │ stored    │ cached: on disk and in memory, or waiting for the writer,
//!          │           │ which are in memory only and never evicted
//! ```
//! Payloads are evicted in the order they came, so those of a group that are in memory are its last ones. Of the others
//! only the indexes are kept here: the rest is in the [`Index`], which has them all, because what was evicted is durable,
//! and a truncation or purge that waits for the writer is already done here.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::Range;

use super::entries::Entries;
use super::index::Index;
use super::record::{Entry, EntryId};
use super::stats::GroupStats;
use crate::GroupId;

/// Slack of the eviction queue before operations that are gone are swept from it.
const EVICTION_SLACK: usize = 64;

/// An entry in memory.
#[derive(Debug)]
pub(super) struct Cached {
    /// The operation that appended it; what tells it from a truncated one of the same index.
    operation: u64,
    pub(super) entry: Entry,
}

/// One group as seen.
#[derive(Debug, Default)]
pub(super) struct GroupView {
    pub(super) purged: Option<EntryId>,
    /// Indexes of the entries on disk only.
    stored: Range<u64>,
    /// Those that follow.
    cached: VecDeque<Cached>,
    bytes: u64,
}

impl GroupView {
    fn new(purged: Option<EntryId>, entries: &Entries) -> Self {
        let first = entries.first().unwrap_or(0);
        let stored = first..entries.last().map_or(first, |last| last.saturating_add(1));
        let bytes = stored_bytes(entries, stored.clone());
        Self { purged, stored, cached: VecDeque::new(), bytes }
    }

    fn first_index(&self) -> Option<u64> {
        let first = (!self.stored.is_empty()).then_some(self.stored.start);
        first.or(self.cached.front().map(|cached| cached.entry.id.index))
    }

    fn last_index(&self) -> Option<u64> {
        let last = self.cached.back().map(|cached| cached.entry.id.index);
        last.or((!self.stored.is_empty()).then(|| self.stored.end - 1))
    }

    /// The last entry, or the last purged one. `entries` are the group's on disk.
    pub(super) fn last(&self, entries: Option<&Entries>) -> Option<EntryId> {
        if let Some(cached) = self.cached.back() {
            return Some(cached.entry.id);
        }
        if self.stored.is_empty() {
            return self.purged;
        }
        entries.and_then(|entries| entries.get(self.stored.end - 1)).map(|(id, _)| id)
    }

    /// Cached entries with an index below `index`.
    fn cached_below(&self, index: u64) -> usize {
        let first = self.cached.front().map_or(index, |cached| cached.entry.id.index);
        usize::try_from(index.saturating_sub(first)).unwrap_or(usize::MAX).min(self.cached.len())
    }

    /// The indexes in `start..end` that are on disk only.
    pub(super) fn stored(&self, start: u64, end: u64) -> Range<u64> {
        start.max(self.stored.start)..end.min(self.stored.end)
    }

    /// The entries in `start..end` that are in memory; they follow those on disk only.
    pub(super) fn cached(&self, start: u64, end: u64) -> impl Iterator<Item = &Cached> {
        let from = self.cached_below(start);
        self.cached.range(from..self.cached_below(end).max(from))
    }

    /// Entries, bytes, bounds.
    pub(super) fn stats(&self) -> GroupStats {
        let stored = self.stored.end - self.stored.start;
        GroupStats {
            entries: stored + self.cached.len() as u64,
            bytes: self.bytes,
            first_index: self.first_index(),
            last_index: self.last_index(),
        }
    }

    /// Removes the first entry from memory if `operation` appended it. Returns the bytes of its payload.
    fn evict(&mut self, operation: u64) -> Option<usize> {
        self.cached.front().filter(|first| first.operation == operation)?;
        let entry = self.cached.pop_front()?.entry;
        if self.stored.is_empty() {
            self.stored.start = entry.id.index;
        }
        self.stored.end = entry.id.index + 1;
        Some(entry.payload.len())
    }

    fn caches(&self, operation: u64) -> bool {
        self.cached.binary_search_by_key(&operation, |cached| cached.operation).is_ok()
    }
}

fn stored_bytes(entries: &Entries, stored: Range<u64>) -> u64 {
    entries.positions(stored.start, stored.end).map(|(_, at)| u64::from(at.len)).sum()
}

/// All groups as seen, with the cache of payloads.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) groups: BTreeMap<GroupId, GroupView>,
    /// Operations that have payloads in memory, oldest first; some may have none any more.
    eviction: VecDeque<(u64, GroupId)>,
    cached: usize,
    cached_bytes: u64,
}

impl View {
    /// What is seen right after recovery: nothing in memory.
    pub(super) fn new(index: &Index) -> Self {
        let groups = index.groups().iter();
        let groups = groups.map(|(&group, state)| (group, GroupView::new(state.purged, &state.entries)));
        Self { groups: groups.collect(), ..Self::default() }
    }

    /// Bytes of payloads in memory.
    pub(super) fn cached_bytes(&self) -> u64 {
        self.cached_bytes
    }

    /// Makes entries visible. Fails, changing nothing, when they would leave a hole.
    pub(super) fn append(&mut self, group: GroupId, entries: &[Entry], operation: u64) -> io::Result<()> {
        let view = self.groups.entry(group).or_default();
        let last = view.last_index().or(view.purged.map(|purged| purged.index));
        let mut next = last.map(|last| last.saturating_add(1));
        for entry in entries {
            if next.is_some_and(|next| next != entry.id.index) {
                let what = format!("group {group}: entry {} does not follow {next:?}", entry.id.index);
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
            next = Some(entry.id.index + 1);
        }
        if !entries.is_empty() {
            self.eviction.push_back((operation, group));
        }
        for entry in entries {
            view.bytes += entry.stored_bytes() as u64;
            view.cached.push_back(Cached { operation, entry: entry.clone() });
            self.cached += 1;
            self.cached_bytes += entry.payload.len() as u64;
        }
        Ok(())
    }

    /// Removes entries from `from` on. `entries` are the group's on disk.
    pub(super) fn truncate(&mut self, group: GroupId, from: u64, entries: Option<&Entries>) {
        let view = self.groups.entry(group).or_default();
        let removed = view.cached.split_off(view.cached_below(from));
        let kept = from.clamp(view.stored.start, view.stored.end);
        let stored = kept..std::mem::replace(&mut view.stored.end, kept);
        view.bytes -= entries.map_or(0, |entries| stored_bytes(entries, stored));
        self.forget(group, removed);
    }

    /// Removes entries up to `upto`, which may lie behind the last one. `entries` are the group's on disk.
    pub(super) fn purge(&mut self, group: GroupId, upto: EntryId, entries: Option<&Entries>) {
        let view = self.groups.entry(group).or_default();
        if view.purged.is_some_and(|purged| purged.index >= upto.index) {
            return;
        }
        view.purged = Some(upto);
        let first = upto.index.saturating_add(1);
        let kept = view.cached.split_off(view.cached_below(first));
        let removed = std::mem::replace(&mut view.cached, kept);
        let kept = first.clamp(view.stored.start, view.stored.end);
        let stored = std::mem::replace(&mut view.stored.start, kept)..kept;
        view.bytes -= entries.map_or(0, |entries| stored_bytes(entries, stored));
        self.forget(group, removed);
    }

    /// Removes everything of a group.
    pub(super) fn clear(&mut self, group: GroupId) {
        let removed = self.groups.remove(&group).unwrap_or_default();
        self.forget(group, removed.cached);
    }

    fn forget(&mut self, group: GroupId, removed: VecDeque<Cached>) {
        for Cached { entry, .. } in removed {
            if let Some(view) = self.groups.get_mut(&group) {
                view.bytes -= entry.stored_bytes() as u64;
            }
            self.cached -= 1;
            self.cached_bytes -= entry.payload.len() as u64;
        }
    }

    /// Drops the oldest payloads past `bytes_max`, of operations up to `durable` only.
    pub(super) fn evict(&mut self, bytes_max: u64, durable: u64) {
        while self.cached_bytes > bytes_max
            && let Some(&(operation, group)) = self.eviction.front()
            && operation <= durable
        {
            match self.groups.get_mut(&group).and_then(|view| view.evict(operation)) {
                Some(bytes) => {
                    self.cached -= 1;
                    self.cached_bytes -= bytes as u64;
                }
                None => drop(self.eviction.pop_front()),
            }
        }
        if self.eviction.len() > 2 * self.cached + EVICTION_SLACK {
            self.sweep();
        }
    }

    /// Takes operations whose entries truncation or purge removed out of the queue.
    fn sweep(&mut self) {
        let groups = &self.groups;
        self.eviction
            .retain(|(operation, group)| groups.get(group).is_some_and(|view| view.caches(*operation)));
    }
}

#[cfg(test)]
mod tests;
