//! All slot tables of a map, with their sums.
//!
//! Pages of 64 slots come into being with their first entry: an idle group takes almost no memory, and a
//! look-up still finds its table in two steps. Cloning copies pointers only, at most 16,384 of them.

use std::sync::Arc;

use super::record::Record;
use super::table::SlotTable;
use crate::slot::{SLOTS, Slot};

const PAGE_SLOTS: usize = 64;
const PAGES: usize = SLOTS as usize / PAGE_SLOTS;
const _: () = assert!(PAGES * PAGE_SLOTS == SLOTS as usize);

type Page = [Option<Arc<SlotTable>>; PAGE_SLOTS];

/// All entries of a map.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots {
    /// Empty until the first entry comes, then [`PAGES`] long.
    pages: Vec<Option<Box<Page>>>,
    items: u64,
    bytes: u64,
}

impl Slots {
    /// Number of entries.
    pub(crate) fn items(&self) -> u64 {
        self.items
    }

    /// Bytes of all entries by [`Record::accounted_bytes`].
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The entries of `slot`; `None` when it has none.
    pub(crate) fn table(&self, slot: Slot) -> Option<&SlotTable> {
        let (page, place) = address(slot);
        self.pages.get(page)?.as_ref()?[place].as_deref()
    }

    pub(crate) fn get(&self, slot: Slot, key: &[u8]) -> Option<&Record> {
        self.table(slot)?.get(key)
    }

    /// Puts a record in its place and returns the one that had its key.
    pub(crate) fn insert(&mut self, record: Record) -> Option<Record> {
        self.items += 1;
        self.bytes += record.accounted_bytes();
        let table = self.place_of(record.slot()).get_or_insert_default();
        let old = Arc::make_mut(table).insert(record);
        self.forget(old.as_ref());
        old
    }

    pub(crate) fn remove(&mut self, slot: Slot, key: &[u8]) -> Option<Record> {
        self.get(slot, key)?;
        let place = self.place_of(slot);
        let table = Arc::make_mut(place.as_mut()?);
        let removed = table.remove(key);
        if table.is_empty() {
            *place = None;
        }
        self.forget(removed.as_ref());
        removed
    }

    /// Takes all entries of `slot` out.
    pub(crate) fn take(&mut self, slot: Slot) -> Option<Arc<SlotTable>> {
        self.table(slot)?;
        let table = self.place_of(slot).take()?;
        table.iter().for_each(|record| self.forget(Some(record)));
        Some(table)
    }

    /// All tables with entries, in order of their slots.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &SlotTable> {
        self.pages.iter().flatten().flat_map(|page| page.iter().flatten()).map(|table| &**table)
    }

    /// All entries, in order of slot and key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.tables().flat_map(SlotTable::iter)
    }

    fn forget(&mut self, record: Option<&Record>) {
        if let Some(record) = record {
            self.items -= 1;
            self.bytes -= record.accounted_bytes();
        }
    }

    fn place_of(&mut self, slot: Slot) -> &mut Option<Arc<SlotTable>> {
        if self.pages.is_empty() {
            self.pages.resize_with(PAGES, || None);
        }
        let (page, place) = address(slot);
        let page = self.pages[page].get_or_insert_with(|| Box::new([const { None }; PAGE_SLOTS]));
        &mut page[place]
    }
}

fn address(slot: Slot) -> (usize, usize) {
    (usize::from(slot) / PAGE_SLOTS, usize::from(slot) % PAGE_SLOTS)
}
