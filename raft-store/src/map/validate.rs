//! What must hold of a map between two entries, all of it checked at once: for tests, which call it after
//! every step. It visits every entry.

use super::TtlMap;
use super::record::Record;

impl TtlMap {
    /// Checks that tables, expiry index, sums and head agree; names the first rule that is broken.
    pub fn validate(&self) -> Result<(), &'static str> {
        self.validate_tables()?;
        let records = || self.state.slots.iter();
        let head = &self.state.head;
        let rules = [
            (records().count() as u64 == self.state.slots.items(), "items are miscounted"),
            (
                records().map(Record::accounted_bytes).sum::<u64>() == self.state.slots.bytes(),
                "bytes are off",
            ),
            (records().all(|r| head.owned.contains(r.slot())), "an entry stands in a slot of another group"),
            (records().all(|r| r.version() <= head.version), "an entry is newer than the version counter"),
            (records().all(|r| r.modified_ms() <= head.time_ms), "an entry is newer than group time"),
            (
                records().filter(|r| r.deadline().is_some()).count() == self.due.len(),
                "the expiry index holds entries that are gone",
            ),
            (
                records().filter(|r| r.deadline().is_some()).all(|r| self.due.contains(r)),
                "an entry's deadline is not in the expiry index",
            ),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, broken)| Err(broken))
    }

    fn validate_tables(&self) -> Result<(), &'static str> {
        for table in self.state.slots.tables() {
            table.validate()?;
            if table.is_empty() {
                return Err("an empty table was kept");
            }
        }
        let found = |record: &Record| self.state.slots.get(record.slot(), record.key()) == Some(record);
        if self.state.slots.iter().all(found) { Ok(()) } else { Err("an entry stands in the wrong slot") }
    }
}
