//! The TTL map: what one group's state machine holds.
//!
//! Entries stand in copy-on-write tables, one for each slot, so that [`TtlMap::freeze`] is a cheap clone
//! and later writes copy only the slots they touch. Group time alone decides what is expired: it moves
//! by [`TtlMap::apply`] only, and a key whose deadline is at or before it is invisible, removed or not.

use bytes::Bytes;

use crate::command::{Content, PackedEntry, Replies};
use crate::key::Key;
use crate::slot::Slot;

/// A set of slots: one bit for each.
#[derive(Clone, PartialEq, Eq)]
pub struct SlotSet(Box<[u64; 256]>);

impl SlotSet {
    /// No slot.
    pub fn none() -> Self {
        Self(Box::new([0; 256]))
    }

    /// Every slot.
    pub fn all() -> Self {
        Self(Box::new([u64::MAX; 256]))
    }

    /// Whether `slot` is in the set.
    pub fn contains(&self, slot: Slot) -> bool {
        self.0[usize::from(slot) / 64] & (1 << (slot % 64)) != 0
    }

    /// Adds `slot`.
    pub fn insert(&mut self, slot: Slot) {
        self.0[usize::from(slot) / 64] |= 1 << (slot % 64);
    }

    /// Number of slots in the set.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slots in order.
    pub fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        (0..crate::slot::SLOTS).filter(|&slot| self.contains(slot))
    }
}

impl FromIterator<Slot> for SlotSet {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Self {
        let mut set = Self::none();
        slots.into_iter().for_each(|slot| set.insert(slot));
        set
    }
}

impl std::fmt::Debug for SlotSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SlotSet({} slots)", self.len())
    }
}

/// One visible entry, as a read returns it. Cloning shares the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Bytes,
    /// What the value is.
    pub content: Content,
    /// The group's version when it last changed.
    pub version: u64,
    /// When it expires, in group time (ms); `None`: never.
    pub deadline: Option<u64>,
    /// Group time when the key was created, ms.
    pub created_ms: u64,
    /// Group time when it last changed, ms.
    pub modified_ms: u64,
}

/// What a look-up finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The key is there.
    Hit(Entry),
    /// The key is absent or expired.
    Miss,
    /// The slot is not this group's.
    NotOwner,
}

/// One group's whole replicated state.
#[derive(Debug)]
pub struct TtlMap {}

/// Sums the map keeps up to date, for metrics, quotas and policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MapStats {
    /// Entries held, expired ones that are not removed yet included.
    pub items: u64,
    /// Bytes they hold by the map's own accounting: key, value and overhead of each.
    pub bytes: u64,
    /// Of `items`, those whose deadline has passed.
    pub expired_pending: u64,
    /// Keys removed by expiry since the group began.
    pub expired_total: u64,
}

/// A frozen copy of a map, which shares its memory until the map moves on.
#[derive(Debug, Clone)]
pub struct Frozen {}

impl TtlMap {
    /// An empty map that owns no slot.
    pub fn new() -> Self {
        Self {}
    }

    /// An empty map that owns every slot (the meta group's).
    pub fn owning_all() -> Self {
        Self {}
    }

    /// Applies one entry: moves group time, carries out its commands in order, removes some due keys.
    ///
    /// An entry that does not decode is a bug or corruption; nothing of it is applied then.
    pub fn apply(&mut self, _entry: &PackedEntry) -> Result<Replies, crate::codec::DecodeError> {
        unimplemented!()
    }

    /// The entry of `key` as of group time.
    pub fn get(&self, _key: &Key) -> Lookup {
        unimplemented!()
    }

    /// Group time, ms: the largest leader time of all applied entries.
    pub fn time_ms(&self) -> u64 {
        unimplemented!()
    }

    /// The leader's wall clock recorded with the entry that last moved group time.
    pub fn wall_ms(&self) -> u64 {
        unimplemented!()
    }

    /// The group's mutation counter.
    pub fn version(&self) -> u64 {
        unimplemented!()
    }

    /// The earliest deadline of any entry held, expired or not.
    pub fn next_deadline(&self) -> Option<u64> {
        unimplemented!()
    }

    /// The slots this group owns and the epoch of that assignment.
    pub fn owned(&self) -> (u64, &SlotSet) {
        unimplemented!()
    }

    /// Sums for metrics and quotas.
    pub fn stats(&self) -> MapStats {
        unimplemented!()
    }

    /// A cheap copy for a snapshot.
    pub fn freeze(&self) -> Frozen {
        unimplemented!()
    }
}

impl Default for TtlMap {
    fn default() -> Self {
        Self::new()
    }
}
