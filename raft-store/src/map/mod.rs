//! The TTL map: what one group's state machine holds.
//!
//! Entries stand in copy-on-write tables, one for each slot, so that [`TtlMap::freeze`] is a cheap clone
//! and later writes copy only the slots they touch. Group time alone decides what is expired: it moves
//! by [`TtlMap::apply`] only, and a key whose deadline is at or before it is invisible, removed or not.
//!
//! ```text
//! TtlMap ── state: Frozen ── head     time, wall, version, epoch, owned slots
//!    │                    └─ slots    slot ── table ── leaf ── Record (one allocation each)
//!    └───── due ────────────────────────────────────────────────┘  every record with a deadline, by deadline
//! ```

mod apply;
mod due;
mod entry;
mod frozen;
#[cfg(test)]
mod model;
mod record;
mod slot_set;
mod slots;
mod table;
#[cfg(test)]
mod tests;
mod validate;

pub use entry::{Entry, Lookup, entry, lookup, put_entry, put_lookup};
pub use frozen::Frozen;
pub use slot_set::{SlotSet, put_slot_set, slot_set};

pub(crate) use apply::Change;
pub(crate) use frozen::Head;
pub(crate) use record::Record;
pub(crate) use slots::Slots;
pub(crate) use table::Position;

use crate::key::Key;
use crate::limits::EXPIRED_PENDING_COUNT_MAX;
use crate::slot::Slot;
use due::DueIndex;

/// One group's whole replicated state.
#[derive(Debug)]
pub struct TtlMap {
    state: Frozen,
    due: DueIndex,
}

/// Sums the map keeps up to date, for metrics, quotas and policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MapStats {
    /// Entries held, expired ones that are not removed yet included.
    pub items: u64,
    /// Bytes they hold by the map's own accounting: key, value and overhead of each.
    pub bytes: u64,
    /// Of `items`, those whose deadline has passed; counted up to `EXPIRED_PENDING_COUNT_MAX`.
    pub expired_pending: u64,
    /// Bytes those hold.
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
        let due = state.slots.iter().collect();
        Self { state, due }
    }

    /// The entry of `key` as of group time.
    pub fn get(&self, key: &Key) -> Lookup {
        let slot = key.slot();
        if !self.state.head.owned.contains(slot) {
            return Lookup::NotOwner;
        }
        self.visible(slot, key).map_or(Lookup::Miss, |record| Lookup::Hit(record.to_entry()))
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

    /// Sums for metrics and quotas. Cheap, except that expired entries not removed yet are counted.
    pub fn stats(&self) -> MapStats {
        MapStats {
            items: self.state.slots.items(),
            bytes: self.state.slots.bytes(),
            expired_pending: self.due.count_due(self.time_ms(), EXPIRED_PENDING_COUNT_MAX) as u64,
            expired_pending_bytes: 0,
            expired_total: self.state.head.expired_total,
        }
    }

    /// A cheap copy for a snapshot: pointers only, one for each slot that has entries.
    pub fn freeze(&self) -> Frozen {
        self.state.clone()
    }

    fn visible(&self, slot: Slot, key: &Key) -> Option<&Record> {
        let record = self.state.slots.get(slot, key.as_bytes())?;
        Some(record).filter(|record| !record.is_due(self.time_ms()))
    }
}

impl Default for TtlMap {
    fn default() -> Self {
        Self::new()
    }
}
