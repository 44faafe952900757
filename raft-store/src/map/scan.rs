//! Walks over a map's keys, page by page, in an order no change moves: by slot, then by the keys' fixed hash.
//!
//! A walk holds nothing between two pages: it goes on from a position, on whichever replica. A key that is there
//! from the first page to the last is seen exactly once, whatever is written, deleted or expires meanwhile; one that
//! comes or goes is seen at most once; one that never was is not seen. That rests on two rules: a key's position
//! never changes, and keys that share a position come in one page, however small it was to be.

use super::leaf::Found;
use super::{Entry, KeyHash, TtlMap, hash_of};
use crate::key::{Key, NamespaceId};
use crate::limits::{SCAN_BYTES_MAX, SCAN_KEYS_MAX, SCAN_VISITED_MAX};
use crate::slot::{SLOTS, Slot};

/// Some slots in a row: the first and the last one.
pub type SlotSpan = (Slot, Slot);

/// Where a walk stands: before the keys of `slot` with this hash, behind all with smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    slot: Slot,
    hash: KeyHash,
}

/// What one page of a walk is to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// Keys of this namespace only.
    pub namespace: NamespaceId,
    /// The slots, in order and without overlap. The group has to own them all.
    pub slots: Vec<SlotSpan>,
    /// Where to go on; what is before it is left out.
    pub from: Position,
    /// Only keys that begin with this.
    pub prefix: Vec<u8>,
    /// How many keys, up to [`SCAN_KEYS_MAX`]; more when they share a position.
    pub limit: usize,
    /// How many bytes of keys and values, up to [`SCAN_BYTES_MAX`]; the first value comes whatever its size.
    pub bytes: usize,
    /// Whether to bring the entries as well.
    pub values: bool,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Keys that are there and not expired, by position. The entry is missing when it was not asked for, and when it
    /// would make the page too large and shares its position with a key before it.
    pub found: Vec<(Key, Option<Entry>)>,
    /// Where to go on; `None`: at the end of the slots. A page may be empty and the walk not at its end.
    pub next: Option<Position>,
    /// The earliest deadline of the keys found.
    pub deadline: Option<u64>,
}

impl Position {
    /// Before the first key of a slot.
    pub fn start_of(slot: Slot) -> Self {
        Self::within(slot, 0)
    }

    /// Before the keys of a slot with this hash, be there any or not.
    pub fn within(slot: Slot, hash: u32) -> Self {
        Self { slot, hash }
    }

    /// The position of a key.
    pub fn of(key: &Key) -> Self {
        Self { slot: key.slot(), hash: hash_of(key.into()) }
    }

    /// The slot.
    pub fn slot(self) -> Slot {
        self.slot
    }

    /// As a number of 46 bits that grows with the position; 0 is before everything.
    pub fn to_number(self) -> u64 {
        u64::from(self.slot) << 32 | u64::from(self.hash)
    }

    /// Reads what [`Self::to_number`] gave; `None` for a number that is no position.
    pub fn from_number(number: u64) -> Option<Self> {
        let slot = Slot::try_from(number >> 32).ok().filter(|&slot| slot < SLOTS)?;
        Some(Self { slot, hash: number as u32 })
    }
}

impl TtlMap {
    /// The next page of a walk, as of group time; `None`: the group does not own all of its slots.
    pub fn scan(&self, walk: &Walk) -> Option<Page> {
        if !self.owns(&walk.slots) {
            return None;
        }
        let mut sheet = Sheet::default();
        let places = self.entries_of(&walk.slots, walk.from);
        for (position, found) in places {
            if sheet.is_full_before(position, walk, &found) {
                sheet.page.next = Some(position);
                break;
            }
            sheet.visit(position);
            if walk.shows(&found) && !found.record.stamp.is_due(self.time_ms()) {
                sheet.show(walk, found);
            }
        }
        Some(sheet.page)
    }

    /// Keys of a namespace held in these slots, expired ones that are not removed yet included; `None`: the group does
    /// not own all of the slots. Looks at each slot, not at keys.
    pub fn count(&self, namespace: NamespaceId, slots: &[SlotSpan]) -> Option<u64> {
        if !self.owns(slots) {
            return None;
        }
        let tables = slots.iter().flat_map(|&(first, last)| first..=last);
        Some(tables.filter_map(|slot| Some(self.state.slots.table(slot)?.tally().of(namespace))).sum())
    }

    fn owns(&self, slots: &[SlotSpan]) -> bool {
        let (_, owned) = self.owned();
        slots.iter().all(|&(first, last)| last < SLOTS && (first..=last).all(|slot| owned.contains(slot)))
    }

    /// What is held in these slots, from a position on.
    fn entries_of(&self, slots: &[SlotSpan], from: Position) -> impl Iterator<Item = (Position, Found<'_>)> {
        let slots = slots.iter().flat_map(move |&(first, last)| first.max(from.slot)..=last);
        slots.filter_map(|slot| Some((slot, self.state.slots.table(slot)?))).flat_map(move |(slot, table)| {
            let hash = if slot == from.slot { from.hash } else { 0 };
            table
                .iter_from(hash)
                .map(move |found| (Position { slot, hash: hash_of(found.record.key) }, found))
        })
    }
}

impl Walk {
    fn shows(&self, found: &Found<'_>) -> bool {
        let key = found.record.key;
        key.namespace == self.namespace && key.user_key.starts_with(&self.prefix)
    }
}

/// A page while it is filled.
#[derive(Debug, Default)]
struct Sheet {
    page: Page,
    /// The position of the entry last looked at.
    last: Option<Position>,
    visited: usize,
    bytes: usize,
}

impl Sheet {
    /// Whether the page ends before this entry: it is full, and no entry it has looked at shares the position.
    fn is_full_before(&self, position: Position, walk: &Walk, next: &Found<'_>) -> bool {
        let full = self.page.found.len() >= walk.limit.clamp(1, SCAN_KEYS_MAX)
            || self.visited >= SCAN_VISITED_MAX
            || !self.has_room(walk, next);
        full && self.last.is_some_and(|last| last != position)
    }

    fn has_room(&self, walk: &Walk, found: &Found<'_>) -> bool {
        let value = if walk.values { found.record.value_len } else { 0 };
        let bytes = found.record.key.user_key.len() + value;
        self.bytes == 0 || self.bytes + bytes <= walk.bytes.min(SCAN_BYTES_MAX)
    }

    fn visit(&mut self, position: Position) {
        self.last = Some(position);
        self.visited += 1;
    }

    fn show(&mut self, walk: &Walk, found: Found<'_>) {
        let entry = (walk.values && self.has_room(walk, &found)).then(|| found.to_entry());
        let key = found.record.key;
        self.bytes += key.user_key.len() + entry.as_ref().map_or(0, |entry| entry.value.len());
        self.page.deadline = self.page.deadline.into_iter().chain(found.record.stamp.deadline).min();
        self.page.found.push((key.to_key(), entry));
    }
}

#[cfg(test)]
mod tests;
