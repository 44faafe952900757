//! The entries of one slot, in order of their keys: a sorted array in two levels.
//!
//! Both levels are shared between a map and its frozen copies, and copied when written to: a write after a
//! freeze copies the list of leaves and one leaf, however many entries share the slot by a hash tag.
//!
//! ```text
//! SlotTable ── leaf ── leaf ── leaf        no leaf is empty, none holds more than LEAF_RECORDS_MAX,
//!               │                          two neighbours hold more than half of that together,
//!               └─ Record, Record, …       keys grow strictly within and across leaves
//! ```

use std::sync::Arc;

use super::record::Record;

/// Most records of one leaf. A write after a freeze copies as many pointers; a look-up halves this.
const LEAF_RECORDS_MAX: usize = 32;

type Leaf = Vec<Record>;

/// The entries of one slot.
#[derive(Debug, Clone, Default)]
pub(crate) struct SlotTable {
    leaves: Vec<Arc<Leaf>>,
}

/// Where a table's entries were left off; good for the table it came from, unchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    leaf: usize,
    record: usize,
}

impl SlotTable {
    pub(crate) fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&Record> {
        let leaf = &self.leaves.get(self.leaf_of(key))?;
        find(leaf, key).ok().map(|at| &leaf[at])
    }

    /// Puts a record in its place and returns the one that had its key.
    pub(crate) fn insert(&mut self, record: Record) -> Option<Record> {
        let at = self.leaf_of(record.key());
        let Some(leaf) = self.leaves.get_mut(at).map(Arc::make_mut) else {
            self.leaves.push(Arc::new(vec![record]));
            return None;
        };
        match find(leaf, record.key()) {
            Ok(place) => return Some(std::mem::replace(&mut leaf[place], record)),
            Err(place) => leaf.insert(place, record),
        }
        if leaf.len() > LEAF_RECORDS_MAX {
            self.split(at);
        }
        None
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<Record> {
        let at = self.leaf_of(key);
        let place = find(self.leaves.get(at)?, key).ok()?;
        let leaf = Arc::make_mut(&mut self.leaves[at]);
        let removed = leaf.remove(place);
        if leaf.is_empty() {
            self.leaves.remove(at);
        }
        self.join(at);
        if at > 0 {
            self.join(at - 1);
        }
        Some(removed)
    }

    /// The records in order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.leaves.iter().flat_map(|leaf| leaf.iter())
    }

    /// The record at `position`, which moves on to the next.
    pub(crate) fn next(&self, position: &mut Position) -> Option<&Record> {
        let leaf = self.leaves.get(position.leaf)?;
        let record = &leaf[position.record];
        position.record += 1;
        if position.record == leaf.len() {
            *position = Position { leaf: position.leaf + 1, record: 0 };
        }
        Some(record)
    }

    /// The last leaf that starts at or before `key`; the first if none does.
    fn leaf_of(&self, key: &[u8]) -> usize {
        self.leaves.partition_point(|leaf| leaf[0].key() <= key).saturating_sub(1)
    }

    fn split(&mut self, at: usize) {
        // Keys that come in order leave full leaves behind, others two halves.
        let keep = if at + 1 == self.leaves.len() { LEAF_RECORDS_MAX * 3 / 4 } else { LEAF_RECORDS_MAX / 2 };
        let upper = Arc::make_mut(&mut self.leaves[at]).split_off(keep);
        self.leaves.insert(at + 1, Arc::new(upper));
    }

    /// Joins a leaf with the next when half a leaf holds both, so that deletes leave no crumbs.
    fn join(&mut self, at: usize) {
        if let Some([left, right, ..]) = self.leaves.get_mut(at..)
            && left.len() + right.len() <= LEAF_RECORDS_MAX / 2
        {
            Arc::make_mut(left).extend_from_slice(right);
            self.leaves.remove(at + 1);
        }
    }

    /// Checks the drawing above.
    pub(crate) fn validate(&self) -> Result<(), &'static str> {
        if self.leaves.iter().any(|leaf| leaf.is_empty() || leaf.len() > LEAF_RECORDS_MAX) {
            return Err("a leaf is empty or too full");
        }
        if self.leaves.windows(2).any(|pair| pair[0].len() + pair[1].len() <= LEAF_RECORDS_MAX / 2) {
            return Err("two neighbours would fit into half a leaf");
        }
        let ordered = self.iter().zip(self.iter().skip(1)).all(|(a, b)| a.key() < b.key());
        if ordered { Ok(()) } else { Err("keys are out of order") }
    }
}

fn find(leaf: &Leaf, key: &[u8]) -> Result<usize, usize> {
    leaf.binary_search_by(|record| record.key().cmp(key))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::record::Stamp;
    use super::*;
    use crate::command::Content;
    use crate::key::Key;

    fn record(number: u16, version: u64) -> Record {
        let stamp = Stamp { version, deadline: None, created_ms: 0, modified_ms: 0 };
        Record::build(stamp, &key(number), &Content::Octets, &[])
    }

    fn key(number: u16) -> Key {
        Key::new(0, &number.to_be_bytes()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Enough keys for many splits and merges.
        #[test]
        fn is_a_sorted_map(steps in prop::collection::vec((any::<bool>(), 0..600u16), 0..2000)) {
            let (mut table, mut model) = (SlotTable::default(), BTreeMap::new());
            for (version, (insert, number)) in steps.into_iter().enumerate() {
                let old = if insert {
                    table.insert(record(number, version as u64)).map(|r| r.version())
                } else {
                    table.remove(key(number).as_bytes()).map(|r| r.version())
                };
                let expected =
                    if insert { model.insert(number, version as u64) } else { model.remove(&number) };
                prop_assert_eq!(old, expected);
            }
            prop_assert_eq!(table.validate(), Ok(()));
            prop_assert!(table.iter().map(Record::version).eq(model.values().copied()));
            let mut position = Position::default();
            let by_position: Vec<u64> =
                std::iter::from_fn(|| table.next(&mut position).map(Record::version)).collect();
            prop_assert!(by_position.into_iter().eq(model.values().copied()));
            for number in 0..600 {
                let found = table.get(key(number).as_bytes()).map(Record::version);
                prop_assert_eq!(found, model.get(&number).copied());
            }
        }
    }

    #[test]
    fn a_clone_does_not_see_later_writes() {
        let mut table = SlotTable::default();
        (0..200).for_each(|number| drop(table.insert(record(number, 1))));
        let frozen = table.clone();
        (0..200).step_by(2).for_each(|number| drop(table.remove(key(number).as_bytes())));
        table.insert(record(1, 2));
        assert_eq!(frozen.iter().filter(|r| r.version() == 1).count(), 200);
        assert_eq!(table.iter().count(), 100);
    }

    #[test]
    fn leaves_stay_filled() {
        let mut table = SlotTable::default();
        (0..6400).for_each(|number| drop(table.insert(record(number, 1))));
        let most = 6400 / (LEAF_RECORDS_MAX * 3 / 4) + 1;
        assert!(table.leaves.len() <= most, "keys in order leave {} leaves", table.leaves.len());
        (0..6400).filter(|n| n % 64 != 0).for_each(|number| drop(table.remove(key(number).as_bytes())));
        assert_eq!(table.iter().count(), 100);
        let most = 100 / (LEAF_RECORDS_MAX / 4) + 1;
        assert!(table.leaves.len() <= most, "deletes leave {} leaves", table.leaves.len());
    }
}
