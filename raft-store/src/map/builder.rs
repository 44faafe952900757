//! Entries in order to a whole map, without looking for the place of any: for snapshots that are loaded.

use bytes::Bytes;

use super::cost;
use super::hash::KeyHash;
use super::leaf::Leaf;
use super::page::{LOADED_EXTRA_BYTES_MAX, PAGE_BYTES_MAX, PageBuilder};
use super::record::Record;
use super::slots::Slots;
use super::table::SlotTable;
use super::tally::Tally;
use crate::slot::Slot;

/// A page is closed before it grows past this: the first writes to a loaded map do not have to split it.
const FILL_BYTES: usize = PAGE_BYTES_MAX / 16 * if cfg!(test) { 11 } else { 13 };
const _: () = assert!(FILL_BYTES + LOADED_EXTRA_BYTES_MAX <= PAGE_BYTES_MAX);

/// Memory asked for at a time. Less than what glibc, when it is freed, takes as a reason to tidy up.
const ROOM_BYTES: usize = 60 << 10;

/// Takes entries in order of slot, hash and key.
#[derive(Debug, Default)]
pub(crate) struct SlotsBuilder {
    slots: Slots,
    /// The slot whose entries come.
    slot: Slot,
    leaves: Vec<(KeyHash, Leaf)>,
    page: PageBuilder,
    large: Vec<Bytes>,
    tally: Tally,
    bytes: u64,
    room: Room,
}

/// Memory that the allocator has at hand, as far as is known here.
///
/// A thread's memory grows, with glibc's, by no more than what is asked for: by a call to the system for each page, which
/// holds up all other threads that touch new memory. Asking for a larger piece and giving it back makes it one for many.
#[derive(Debug, Default)]
struct Room {
    bytes: usize,
}

impl Room {
    /// Sees to it that `bytes` are at hand, most likely.
    fn take(&mut self, bytes: usize) {
        if self.bytes < bytes {
            drop(std::hint::black_box(Vec::<u8>::with_capacity(ROOM_BYTES)));
            self.bytes = ROOM_BYTES;
        }
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

impl SlotsBuilder {
    /// Number of entries so far.
    pub(crate) fn items(&self) -> u64 {
        self.slots.items() + self.tally.items()
    }

    /// Adds the next entry: its record, and its value.
    pub(crate) fn push(&mut self, slot: Slot, hash: KeyHash, record: &Record<'_>, value: &[u8]) {
        if slot != self.slot {
            self.end_slot();
            self.slot = slot;
        }
        let inline = if record.is_large() { 0 } else { value.len() };
        if self.page.len() + record.head.len() + inline > FILL_BYTES {
            self.end_leaf();
        }
        self.page.push(hash, &[record.head, &value[..inline]]);
        if record.is_large() {
            self.room.take(value.len());
            self.large.push(Bytes::copy_from_slice(value));
        }
        self.tally.add(record.key.namespace);
        self.bytes += cost::of(record);
    }

    /// Everything that was added.
    pub(crate) fn finish(mut self) -> Slots {
        self.end_slot();
        self.slots
    }

    fn end_leaf(&mut self) {
        self.room.take(self.page.len());
        if let Some((hash, page)) = self.page.finish() {
            self.leaves.push((hash, Leaf::new(page, std::mem::take(&mut self.large))));
        }
    }

    fn end_slot(&mut self) {
        self.end_leaf();
        if !self.leaves.is_empty() {
            let leaves = std::mem::take(&mut self.leaves);
            let (tally, bytes) = (std::mem::take(&mut self.tally), std::mem::take(&mut self.bytes));
            self.slots.put_table(self.slot, SlotTable::of(leaves, tally, bytes));
        }
    }
}
