//! All slot tables of a map, with their sums.
//!
//! Pages of 64 slots come into being with their first entry: an idle group takes almost no memory, and a
//! look-up still finds its table in two steps. Pages and tables are shared with frozen copies: cloning copies
//! 256 addresses at most, and the first write to a page after it 64.

use std::sync::Arc;

use super::cost::SLOT_OVERHEAD_BYTES;
use super::hash::{KeyHash, KeyRef};
use super::leaf::{Draft, Found, Gone};
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
    pages: Vec<Option<Arc<Page>>>,
    items: u64,
    bytes: u64,
}

impl Slots {
    /// Number of entries.
    pub(crate) fn items(&self) -> u64 {
        self.items
    }

    /// Bytes of all entries and of the slots that have any, by the map's accounting.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The entries of `slot`; `None` when it has none.
    pub(crate) fn table(&self, slot: Slot) -> Option<&SlotTable> {
        let (page, place) = address(slot);
        self.pages.get(page)?.as_ref()?[place].as_deref()
    }

    pub(crate) fn get(&self, slot: Slot, hash: KeyHash, key: KeyRef<'_>) -> Option<Found<'_>> {
        self.table(slot)?.get(hash, key)
    }

    /// Puts an entry, which takes `bytes`, in its place; says what was there before.
    pub(crate) fn put(&mut self, slot: Slot, draft: Draft<'_>, bytes: u64) -> Option<Gone> {
        if self.table(slot).is_none() {
            self.put_table(slot, SlotTable::default());
        }
        self.items += 1;
        self.bytes += bytes;
        let gone = self.place_of(slot).as_mut().and_then(|table| Arc::make_mut(table).put(draft, bytes));
        self.forget(gone);
        gone
    }

    pub(crate) fn remove(&mut self, slot: Slot, hash: KeyHash, key: KeyRef<'_>) -> Option<Gone> {
        self.get(slot, hash, key)?;
        let table = Arc::make_mut(self.place_of(slot).as_mut()?);
        let gone = table.remove(hash, key);
        let is_empty = table.items() == 0;
        self.forget(gone);
        if is_empty {
            drop(self.take(slot));
        }
        gone
    }

    /// Puts a whole table in the place of a slot that has no entries.
    pub(crate) fn put_table(&mut self, slot: Slot, table: SlotTable) {
        self.items += table.items();
        self.bytes += table.bytes() + SLOT_OVERHEAD_BYTES;
        *self.place_of(slot) = Some(Arc::new(table));
    }

    /// Takes all entries of `slot` out.
    pub(crate) fn take(&mut self, slot: Slot) -> Option<Arc<SlotTable>> {
        self.table(slot)?;
        let table = self.place_of(slot).take()?;
        self.items -= table.items();
        self.bytes -= table.bytes() + SLOT_OVERHEAD_BYTES;
        Some(table)
    }

    /// All tables with entries, in order of their slots.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (Slot, &SlotTable)> {
        let places = self.pages.iter().zip(0..).filter_map(|(page, number)| Some((page.as_deref()?, number)));
        places.flat_map(|(page, number)| {
            let first = number * PAGE_SLOTS as Slot;
            page.iter().zip(first..).filter_map(|(table, slot)| Some((slot, table.as_deref()?)))
        })
    }

    /// The same tables one by one, each let go of when it was taken: what the map has copied since the freeze
    /// is freed on the way.
    pub(crate) fn into_tables(self) -> impl Iterator<Item = Arc<SlotTable>> + Send + use<> {
        self.pages.into_iter().flatten().flat_map(Arc::unwrap_or_clone).flatten()
    }

    fn forget(&mut self, gone: Option<Gone>) {
        if let Some(gone) = gone {
            self.items -= 1;
            self.bytes -= gone.bytes;
        }
    }

    fn place_of(&mut self, slot: Slot) -> &mut Option<Arc<SlotTable>> {
        if self.pages.is_empty() {
            self.pages.resize_with(PAGES, || None);
        }
        let (page, place) = address(slot);
        let page = self.pages[page].get_or_insert_with(|| Arc::new([const { None }; PAGE_SLOTS]));
        &mut Arc::make_mut(page)[place]
    }
}

fn address(slot: Slot) -> (usize, usize) {
    (usize::from(slot) / PAGE_SLOTS, usize::from(slot) % PAGE_SLOTS)
}
