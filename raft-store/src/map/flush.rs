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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::command::arbitrary::packed;
    use crate::command::{Command, Condition, Content, Expiry, Flush, Reply, Set};
    use crate::key::Key;
    use crate::map::Lookup;
    use crate::snapshot::ChunkWriter;

    const KEYS: u64 = 600;

    /// Every third key in a namespace of its own; every second one expires, and some large values.
    fn key(number: u64) -> Key {
        let namespace = if number.is_multiple_of(3) { 7 } else { 0 };
        Key::new(namespace, format!("{{{}}}{number}", number / 10 % 40).as_bytes()).unwrap()
    }

    fn set(number: u64) -> Command {
        let expiry = if number.is_multiple_of(2) { Expiry::AfterMs(1 + number) } else { Expiry::Never };
        let (value, content) = (Bytes::from(vec![b'v'; number as usize % 20]), Content::Octets);
        Command::Set(Set { key: key(number), value, content, expiry, condition: Condition::None })
    }

    fn apply(map: &mut TtlMap, time_ms: u64, commands: &[Command]) -> Vec<Reply> {
        let replies = map.apply(&packed(time_ms, 0, commands)).unwrap().replies;
        assert_eq!(map.validate(), Ok(()));
        replies
    }

    fn filled(numbers: impl Iterator<Item = u64>) -> TtlMap {
        let mut map = TtlMap::owning_all();
        apply(&mut map, 1_000, &numbers.map(set).collect::<Vec<_>>());
        map
    }

    fn flush(namespace: u16) -> [Command; 1] {
        [Command::Flush(Flush { namespace })]
    }

    #[test]
    fn one_namespace_goes_and_the_others_stay() {
        for namespace in [0, 7] {
            let mut map = filled(0..KEYS);
            let version = map.version();
            let stays = |number: &u64| key(*number).namespace() != namespace;
            assert_eq!(apply(&mut map, 1_000, &flush(namespace)), [Reply::Done]);
            assert_eq!(map.version(), version + 1);
            assert_eq!(map.stats().items, (0..KEYS).filter(stays).count() as u64);
            let first_left = (0..KEYS).filter(stays).find(|number| number.is_multiple_of(2));
            assert_eq!(map.next_deadline(), first_left.map(|number| 1_001 + number));
            for number in 0..KEYS {
                assert_eq!(matches!(map.get(&key(number)), Lookup::Hit(_)), stays(&number), "{number}");
            }
        }
    }

    #[test]
    fn the_only_namespace_goes_in_whole_slots() {
        let mut map = filled((0..KEYS).filter(|number| !number.is_multiple_of(3)));
        let frozen = map.freeze();
        let before: Vec<Vec<u8>> = ChunkWriter::new(map.freeze()).collect();
        let slots = map.state.slots.tables().count();
        apply(&mut map, 1_000, &flush(0));
        assert_eq!((map.stats().items, map.stats().bytes, map.next_deadline()), (0, 0, None));
        assert_eq!(map.dropped.len(), slots, "nothing is freed under the map's lock");
        assert!(map.take_dropped().is_some());
        assert!(ChunkWriter::new(frozen).eq(before), "a snapshot that was begun is what it was");
        apply(&mut map, 1_000, &[set(1)]);
        assert!(matches!(map.get(&key(1)), Lookup::Hit(entry) if entry.version == map.version()));
    }

    #[test]
    fn a_flush_of_nothing_changes_nothing() {
        let mut map = filled(0..KEYS);
        let digest = map.digest();
        assert_eq!(apply(&mut map, 1_000, &flush(9)), [Reply::Done]);
        assert_eq!(map.digest(), digest);
    }
}
