//! What callers see of the entries: everything appended, durable or not, and recent payloads.
//!
//! ```text
//!   purged │ first … … … … … … last │
//!          │ on disk   │ on disk and │ waiting for the writer:
//!          │ only      │ in memory   │ in memory only, never evicted
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::io;

use super::index::Index;
use super::record::{Entry, EntryId};
use super::stats::GroupStats;
use crate::GroupId;

/// Slack of the eviction queue before entries that are gone are swept from it.
const EVICTION_SLACK: usize = 64;

/// One entry as seen.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: EntryId,
    /// The operation that appended it; what tells it from a truncated one of the same index.
    operation: u64,
    stored_bytes: u64,
    /// `None`: on disk only.
    pub(super) cached: Option<Entry>,
}

/// One group as seen.
#[derive(Debug, Default)]
pub(super) struct GroupView {
    pub(super) purged: Option<EntryId>,
    /// Consecutive indexes.
    pub(super) entries: VecDeque<Slot>,
    bytes: u64,
}

impl GroupView {
    /// The last entry, or the last purged one.
    pub(super) fn last(&self) -> Option<EntryId> {
        self.entries.back().map(|slot| slot.id).or(self.purged)
    }

    fn first_index(&self) -> Option<u64> {
        self.entries.front().map(|slot| slot.id.index)
    }

    /// Entries with an index below `index`.
    fn count_below(&self, index: u64) -> usize {
        let below = self.first_index().map_or(0, |first| index.saturating_sub(first));
        usize::try_from(below).unwrap_or(usize::MAX).min(self.entries.len())
    }

    /// The entries in `start..end` that there are.
    pub(super) fn range(&self, start: u64, end: u64) -> impl Iterator<Item = &Slot> {
        let from = self.count_below(start);
        self.entries.range(from..self.count_below(end).max(from))
    }

    /// Entries, bytes, bounds.
    pub(super) fn stats(&self) -> GroupStats {
        GroupStats {
            entries: self.entries.len() as u64,
            bytes: self.bytes,
            first_index: self.first_index(),
            last_index: self.entries.back().map(|slot| slot.id.index),
        }
    }
}

/// All groups as seen, with the cache of payloads.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) groups: BTreeMap<GroupId, GroupView>,
    /// Payloads in memory, oldest first; some may be gone already.
    eviction: VecDeque<(u64, GroupId, u64)>,
    cached: usize,
    cached_bytes: u64,
}

impl View {
    /// What is seen right after recovery: nothing in memory.
    pub(super) fn new(index: &Index) -> Self {
        let mut view = Self::default();
        for (&group, state) in index.groups() {
            let slots = state.entries.values().map(|(id, at)| Slot {
                id: *id,
                operation: 0,
                stored_bytes: at.len.into(),
                cached: None,
            });
            let entries: VecDeque<Slot> = slots.collect();
            let bytes = entries.iter().map(|slot| slot.stored_bytes).sum();
            view.groups.insert(group, GroupView { purged: state.purged, entries, bytes });
        }
        view
    }

    /// Bytes of payloads in memory.
    pub(super) fn cached_bytes(&self) -> u64 {
        self.cached_bytes
    }

    /// Makes entries visible. Fails, changing nothing, when they would leave a hole.
    pub(super) fn append(&mut self, group: GroupId, entries: &[Entry], operation: u64) -> io::Result<()> {
        let view = self.groups.entry(group).or_default();
        let mut next = view.last().map(|last| last.index + 1);
        for entry in entries {
            if next.is_some_and(|next| next != entry.id.index) {
                let what = format!("group {group}: entry {} does not follow {next:?}", entry.id.index);
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
            next = Some(entry.id.index + 1);
        }
        for entry in entries {
            let stored_bytes = entry.stored_bytes() as u64;
            view.bytes += stored_bytes;
            let cached = Some(entry.clone());
            view.entries.push_back(Slot { id: entry.id, operation, stored_bytes, cached });
            self.eviction.push_back((operation, group, entry.id.index));
            self.cached += 1;
            self.cached_bytes += entry.payload.len() as u64;
        }
        Ok(())
    }

    /// Removes entries from `from` on.
    pub(super) fn truncate(&mut self, group: GroupId, from: u64) {
        let view = self.groups.entry(group).or_default();
        let removed = view.entries.split_off(view.count_below(from));
        self.forget(group, removed);
    }

    /// Removes entries up to `upto`, which may lie behind the last one.
    pub(super) fn purge(&mut self, group: GroupId, upto: EntryId) {
        let view = self.groups.entry(group).or_default();
        if view.purged.is_some_and(|purged| purged.index >= upto.index) {
            return;
        }
        view.purged = Some(upto);
        let kept = view.entries.split_off(view.count_below(upto.index + 1));
        let removed = std::mem::replace(&mut view.entries, kept);
        self.forget(group, removed);
    }

    /// Removes everything of a group.
    pub(super) fn clear(&mut self, group: GroupId) {
        let removed = self.groups.remove(&group).unwrap_or_default();
        self.forget(group, removed.entries);
    }

    fn forget(&mut self, group: GroupId, removed: VecDeque<Slot>) {
        for slot in removed {
            if let Some(view) = self.groups.get_mut(&group) {
                view.bytes -= slot.stored_bytes;
            }
            if let Some(entry) = slot.cached {
                self.cached -= 1;
                self.cached_bytes -= entry.payload.len() as u64;
            }
        }
    }

    /// Drops the oldest payloads past `bytes_max`, of operations up to `durable` only.
    pub(super) fn evict(&mut self, bytes_max: u64, durable: u64) {
        while self.cached_bytes > bytes_max
            && let Some(&(operation, group, index)) = self.eviction.front()
            && operation <= durable
        {
            self.eviction.pop_front();
            if let Some(entry) = self.slot(operation, group, index).and_then(|slot| slot.cached.take()) {
                self.cached -= 1;
                self.cached_bytes -= entry.payload.len() as u64;
            }
        }
        if self.eviction.len() > 2 * self.cached + EVICTION_SLACK {
            self.sweep();
        }
    }

    /// Takes payloads that truncation or purge removed out of the queue.
    fn sweep(&mut self) {
        let mut queue = std::mem::take(&mut self.eviction);
        queue.retain(|&(operation, group, index)| self.slot(operation, group, index).is_some());
        self.eviction = queue;
    }

    fn slot(&mut self, operation: u64, group: GroupId, index: u64) -> Option<&mut Slot> {
        let view = self.groups.get_mut(&group)?;
        let nth = usize::try_from(index.checked_sub(view.first_index()?)?).ok()?;
        view.entries.get_mut(nth).filter(|slot| slot.operation == operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(indexes: std::ops::Range<u64>) -> Vec<Entry> {
        let id = |index| EntryId { term: 1, node: 1, index };
        indexes.map(|index| Entry { id: id(index), kind: 0, payload: vec![7; 10].into() }).collect()
    }

    fn indexes(view: &View, start: u64, end: u64) -> Vec<u64> {
        view.groups[&1].range(start, end).map(|slot| slot.id.index).collect()
    }

    #[test]
    fn a_hole_is_refused_and_changes_nothing() {
        let mut view = View::default();
        view.append(1, &entries(5..7), 1).unwrap();
        assert!(view.append(1, &entries(8..9), 2).is_err());
        assert!(view.append(1, &entries(6..8), 2).is_err());
        assert_eq!(indexes(&view, 0, 99), [5, 6]);
        view.purge(1, EntryId { term: 1, node: 1, index: 20 });
        assert!(view.append(1, &entries(22..23), 3).is_err());
        view.append(1, &entries(21..22), 4).unwrap();
    }

    #[test]
    fn only_durable_payloads_are_evicted_oldest_first() {
        let mut view = View::default();
        view.append(1, &entries(0..4), 1).unwrap();
        view.append(1, &entries(4..8), 2).unwrap();
        view.evict(0, 1);
        let cached = |view: &View| view.groups[&1].range(0, 99).filter(|s| s.cached.is_some()).count();
        assert_eq!((cached(&view), view.cached_bytes()), (4, 40));
        view.evict(25, 2);
        assert_eq!((cached(&view), view.cached_bytes()), (2, 20));
    }

    #[test]
    fn the_eviction_queue_does_not_grow_behind_an_old_payload() {
        let mut view = View::default();
        view.append(2, &entries(0..1), 1).unwrap();
        for round in 0..1000 {
            view.append(1, &entries(round..round + 1), round + 2).unwrap();
            view.purge(1, EntryId { term: 1, node: 1, index: round });
            view.evict(1 << 20, round + 2);
        }
        assert!(view.eviction.len() <= 2 + EVICTION_SLACK + 1, "{}", view.eviction.len());
        assert_eq!(view.cached_bytes(), 10);
    }

    #[test]
    fn a_truncated_payload_is_not_mistaken_for_its_successor() {
        let mut view = View::default();
        view.append(1, &entries(0..2), 1).unwrap();
        view.truncate(1, 1);
        view.append(1, &entries(1..2), 2).unwrap();
        view.evict(0, 1);
        let cached: Vec<bool> = view.groups[&1].range(0, 9).map(|slot| slot.cached.is_some()).collect();
        assert_eq!(cached, [false, true]);
    }
}
