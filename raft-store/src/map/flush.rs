//! Removal of a whole namespace at once.
//!
//! A slot that holds nothing else is swapped out and freed outside the map's lock ([`TtlMap::take_dropped`]), so that a flush
//! of millions of keys takes one step for each slot. Only in slots that namespaces share do entries go one by one.

use super::due::Due;
use super::{KeyRef, SlotSet, TtlMap, hash_of};
use crate::key::NamespaceId;
use crate::slot::Slot;

impl TtlMap {
    /// Removes every entry of a namespace, due ones included. The version grows if there were any, so that no watched
    /// key and no tag of an older state matches again.
    pub(crate) fn flush(&mut self, namespace: NamespaceId) {
        let tallies = self.state.slots.tables().map(|(slot, table)| (slot, table.tally()));
        let held = tallies.filter(|(_, tally)| tally.of(namespace) > 0);
        let (whole, shared): (Vec<_>, Vec<_>) = held
            .map(|(slot, tally)| (slot, tally.of(namespace) == tally.items()))
            .partition(|(_, only)| *only);
        if whole.is_empty() && shared.is_empty() {
            return;
        }
        self.next_version();
        let shared: Vec<Slot> = shared.into_iter().map(|(slot, _)| slot).collect();
        self.drop_slots(&whole.into_iter().map(|(slot, _)| slot).collect::<SlotSet>());
        shared.into_iter().for_each(|slot| self.flush_shared(slot, namespace));
    }

    /// Removes the entries of one namespace from a slot.
    fn flush_shared(&mut self, slot: Slot, namespace: NamespaceId) {
        let entries = self.state.slots.table(slot).into_iter().flat_map(|table| table.iter());
        let gone = entries.map(|found| found.record).filter(|record| record.key.namespace == namespace);
        let gone: Vec<_> = gone.map(|record| (record.key.user_key.to_vec(), record.stamp.deadline)).collect();
        for (user_key, deadline) in gone {
            let key = KeyRef { namespace, user_key: &user_key };
            let hash = hash_of(key);
            self.state.slots.remove(slot, hash, key);
            deadline.into_iter().for_each(|deadline| self.due.remove(Due::new(deadline, slot, hash)));
        }
    }
}
