//! What must hold of a map between two entries, all of it checked at once: for tests, which call it after
//! every step. It visits every entry.

use super::cost::{self, SLOT_OVERHEAD_BYTES};
use super::due::Due;
use super::leaf::Found;
use super::{SlotTable, Tally, TtlMap, hash_of};
use crate::slot::slot_of;

impl TtlMap {
    /// Checks that tables, expiry index, sums and head agree; names the first rule that is broken.
    pub fn validate(&self) -> Result<(), &'static str> {
        self.validate_tables()?;
        self.due.validate()?;
        let head = &self.state.head;
        let stamps = || self.entries().map(|found| found.record.stamp);
        let bytes: u64 =
            self.state.slots.tables().map(|(_, table)| table.bytes() + SLOT_OVERHEAD_BYTES).sum();
        let mut due: Vec<Due> = self
            .state
            .slots
            .tables()
            .flat_map(|(slot, t)| t.iter().filter_map(move |e| e.due(slot)))
            .collect();
        due.sort_unstable();
        let rules = [
            (self.entries().count() as u64 == self.state.slots.items(), "items are miscounted"),
            (bytes == self.state.slots.bytes(), "bytes are off"),
            (stamps().all(|s| s.version <= head.version), "an entry is newer than the version counter"),
            (stamps().all(|s| s.modified_ms <= head.time_ms), "an entry is newer than group time"),
            (self.due.len() == due.len(), "the expiry index has another number of entries"),
            (self.due.iter().eq(due), "the expiry index holds other entries"),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, broken)| Err(broken))
    }

    fn validate_tables(&self) -> Result<(), &'static str> {
        for (slot, table) in self.state.slots.tables() {
            table.validate()?;
            let in_place = |found: Found<'_>| slot_of(found.record.key.user_key) == slot;
            let found = |found: Found<'_>| {
                let key = found.record.key;
                self.state.slots.get(slot, hash_of(key), key).is_some_and(|again| again.record.key == key)
            };
            let rules = [
                (table.items() > 0, "an empty table was kept"),
                (*table.tally() == tally_of(table), "a table's items are miscounted"),
                (
                    table.iter().map(|e| cost::of(&e.record)).sum::<u64>() == table.bytes(),
                    "a table's bytes are off",
                ),
                (table.iter().all(in_place), "an entry stands in the wrong slot"),
                (table.iter().all(found), "an entry cannot be found"),
                (self.state.head.owned.contains(slot), "an entry stands in a slot of another group"),
            ];
            if let Some((_, broken)) = rules.iter().find(|(holds, _)| !holds) {
                return Err(broken);
            }
        }
        Ok(())
    }

    fn entries(&self) -> impl Iterator<Item = Found<'_>> {
        self.state.slots.tables().flat_map(|(_, table)| table.iter())
    }
}

fn tally_of(table: &SlotTable) -> Tally {
    let mut tally = Tally::default();
    table.iter().for_each(|found| tally.add(found.record.key.namespace));
    tally
}
