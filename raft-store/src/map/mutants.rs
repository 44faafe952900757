//! Seeded bugs of snapshots: frozen maps that are not what was frozen.

use super::frozen::Frozen;
use super::record::{Record, Stamp, put_head};
use super::{KeyRef, SlotsBuilder, hash_of};

impl Frozen {
    /// What a snapshot with the active bug holds in the place of this.
    pub(crate) fn mutated(mut self) -> Self {
        mutant!(SnapshotMissesLast => self.forget_newest());
        mutant!(SnapshotForgetsDeadlines => self.forget_deadlines());
        self
    }

    /// Takes out the entry the last write left, if it left one.
    fn forget_newest(&mut self) {
        let newest = self.slots.tables().find_map(|(slot, table)| {
            let found = table.iter().find(|found| found.record.stamp.version == self.head.version)?;
            Some((slot, found.record.key.namespace, found.record.key.user_key.to_vec()))
        });
        if let Some((slot, namespace, user_key)) = newest {
            let key = KeyRef { namespace, user_key: &user_key };
            self.slots.remove(slot, hash_of(key), key);
        }
    }

    fn forget_deadlines(&mut self) {
        let mut kept = SlotsBuilder::default();
        for (slot, table) in self.slots.tables() {
            for found in table.iter() {
                let record = found.record;
                let stamp = Stamp { deadline: None, ..record.stamp };
                let mut head = Vec::new();
                put_head(&mut head, &stamp, record.key, &record.content(), record.value_len);
                kept.push(slot, hash_of(record.key), &Record::checked(&head), found.value());
            }
        }
        self.slots = kept.finish();
    }
}
