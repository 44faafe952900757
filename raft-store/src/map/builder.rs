//! Entries in order to a whole map, without looking for the place of any: for snapshots that are loaded.

use bytes::Bytes;

use super::cost;
use super::hash::KeyHash;
use super::leaf::Leaf;
use super::page::{PAGE_BYTES_MAX, PageBuilder};
use super::record::Record;
use super::slots::Slots;
use super::table::SlotTable;
use super::tally::Tally;
use crate::slot::Slot;

/// A page is closed before it grows past this: the first writes to a loaded map do not have to split it.
const FILL_BYTES: usize = PAGE_BYTES_MAX / 16 * 13;

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
