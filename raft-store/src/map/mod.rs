//! The TTL map: what one group's state machine holds.
//!
//! Entries stand in copy-on-write tables, one for each slot, so that [`TtlMap::freeze`] is a cheap clone
//! and later writes copy only the slots they touch. Group time alone decides what is expired: it moves
//! by [`TtlMap::apply`] only, and a key whose deadline is at or before it is invisible, removed or not.
//!
//! ```text
//! TtlMap ── state: Frozen ── head     time, wall, version, epoch, owned slots
//!    │                    └─ slots    slot ── table ── leaf ── page: records, packed
//!    │                                                    └─── large values, each for itself
//!    ├───── due           (deadline, slot, hash) of every entry with a deadline
//!    └───── dropped       tables of slots that were given away or flushed, until somebody frees them
//! ```

mod apply;
mod builder;
mod cost;
mod due;
mod entry;
mod expire;
mod flush;
mod frozen;
mod hash;
mod leaf;
#[cfg(test)]
mod model;
#[cfg(feature = "mutants")]
mod mutants;
mod page;
mod record;
mod scan;
mod slot_set;
mod slots;
mod table;
mod tally;
#[cfg(test)]
mod tests;
mod validate;
mod warm;

use std::sync::Arc;

pub use entry::{Entry, Lookup, entry, lookup, put_entry, put_lookup};
pub use frozen::Frozen;
pub use scan::{Page, Position, SlotSpan, Walk};
pub use slot_set::{SlotSet, put_slot_set, slot_set};

pub(crate) use apply::Change;
pub(crate) use builder::SlotsBuilder;
pub(crate) use due::{Due, DueIndex};
pub(crate) use frozen::Head;
pub(crate) use hash::{At, KeyHash, KeyRef, hash_of};
pub(crate) use leaf::{Found, Leaf};
pub(crate) use record::{Record, Value};
pub(crate) use slots::Slots;
pub(crate) use table::SlotTable;
pub(crate) use tally::Tally;

use crate::key::Key;

/// One group's whole replicated state.
#[derive(Debug)]
pub struct TtlMap {
    state: Frozen,
    due: DueIndex,
    dropped: Vec<Arc<SlotTable>>,
    /// Memory to put a record together in.
    scratch: Vec<u8>,
}

/// Entries the map holds no more, to be freed by dropping this.
#[derive(Debug)]
pub struct Dropped {
    _tables: Vec<Arc<SlotTable>>,
}

/// Sums the map keeps up to date, for metrics, quotas and policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MapStats {
    /// Entries held, expired ones that are not removed yet included.
    pub items: u64,
    /// Bytes they hold by the map's own accounting: key, value and overhead of each, and of each slot in use.
    pub bytes: u64,
    /// Of `items`, those whose deadline has passed.
    pub expired_pending: u64,
    /// Of `bytes`, what those hold, as if they were of the average size.
    pub expired_pending_bytes: u64,
    /// Keys that expired and were removed, or written anew before that, since the group began.
    pub expired_total: u64,
}

impl TtlMap {
    /// An empty map that owns no slot.
    pub fn new() -> Self {
        Self::from_frozen(Frozen { head: Head::owning(SlotSet::none()), slots: Slots::default() })
    }

    /// An empty map that owns every slot (the meta group's).
    pub fn owning_all() -> Self {
        Self::from_frozen(Frozen { head: Head::owning(SlotSet::all()), slots: Slots::default() })
    }

    /// The map a frozen copy was taken of, as it was then.
    pub fn from_frozen(state: Frozen) -> Self {
        let due =
            state.slots.tables().flat_map(|(slot, table)| table.iter().filter_map(move |e| e.due(slot)));
        let due = DueIndex::of(due.collect());
        Self::from_parts(state, due)
    }

    pub(crate) fn from_parts(state: Frozen, due: DueIndex) -> Self {
        Self { state, due, dropped: Vec::new(), scratch: Vec::new() }
    }

    /// The entry of `key` as of group time. Its value is a copy, or shared when it is large.
    pub fn get(&self, key: &Key) -> Lookup {
        let at = At::of(key);
        if !self.state.head.owned.contains(at.slot) && !mutant!(ServeUnownedSlot) {
            return Lookup::NotOwner;
        }
        self.visible(at).map_or(Lookup::Miss, |found| Lookup::Hit(found.to_entry()))
    }

    /// Group time, ms: the largest leader time of all applied entries.
    pub fn time_ms(&self) -> u64 {
        self.state.head.time_ms
    }

    /// The leader's wall clock recorded with the entry that last moved group time.
    pub fn wall_ms(&self) -> u64 {
        self.state.head.wall_ms
    }

    /// The group's mutation counter.
    pub fn version(&self) -> u64 {
        self.state.head.version
    }

    /// The earliest deadline of any entry held, expired or not.
    pub fn next_deadline(&self) -> Option<u64> {
        self.due.next_deadline()
    }

    /// The slots this group owns and the epoch of that assignment.
    pub fn owned(&self) -> (u64, &SlotSet) {
        (self.state.head.epoch, &self.state.head.owned)
    }

    /// Sums for metrics and quotas. Cheap: expired entries that are not removed yet are counted 256 at a time.
    pub fn stats(&self) -> MapStats {
        let (items, bytes) = (self.state.slots.items(), self.state.slots.bytes());
        let expired_pending = self.due.count_due(self.time_ms()) as u64;
        let share = u128::from(bytes) * u128::from(expired_pending) / u128::from(items.max(1));
        MapStats {
            items,
            bytes,
            expired_pending,
            expired_pending_bytes: share as u64,
            expired_total: self.state.head.expired_total,
        }
    }

    /// A cheap copy for a snapshot: pointers only, at most 256 of them.
    pub fn freeze(&self) -> Frozen {
        self.state.clone()
    }

    /// The entries of slots the group gave away or flushed, if there are any. Freeing millions takes a while: whoever
    /// applies entries asks afterwards, and drops what comes where it holds nobody up.
    pub fn take_dropped(&mut self) -> Option<Dropped> {
        let tables = std::mem::take(&mut self.dropped);
        (!tables.is_empty()).then_some(Dropped { _tables: tables })
    }

    fn visible(&self, at: At<'_>) -> Option<Found<'_>> {
        let found = self.state.slots.get(at.slot, at.hash, at.key)?;
        Some(found).filter(|found| !found.record.stamp.is_due(self.time_ms()))
    }
}

impl Default for TtlMap {
    fn default() -> Self {
        Self::new()
    }
}
