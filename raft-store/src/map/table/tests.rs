//! A slot's table is a sorted map, whatever hashes and sizes come, and its parts are shared with clones.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::hash::hash_of;
use super::super::record::{Stamp, Value, put_head};
use super::super::{Record, cost};
use super::*;
use crate::command::Content;
use crate::command::arbitrary::cases;
use crate::key::Key;

fn key(number: u16) -> Key {
    Key::new(number % 2, &number.to_be_bytes()).unwrap()
}

/// Puts an entry whose value is `value_len` times the version's last byte.
fn put(table: &mut SlotTable, number: u16, version: u64, value_len: usize) -> Option<Gone> {
    let stamp = Stamp { version, deadline: Some(version % 3), created_ms: 0, modified_ms: 0 };
    let (key, value) = (key(number), vec![version as u8; value_len]);
    let key = KeyRef::from(&key);
    let mut record = Vec::new();
    put_head(&mut record, &stamp, key, &Content::Octets, value_len);
    let bytes = cost::of(&Record::checked(&record));
    let large = Value::Own(Bytes::from(value.clone())).into_large();
    if large.is_none() {
        record.extend_from_slice(&value);
    }
    table.put(Draft { hash: hash_of(key), key, record: &record, large }, bytes)
}

fn remove(table: &mut SlotTable, number: u16) -> Option<Gone> {
    let key = key(number);
    table.remove(hash_of((&key).into()), (&key).into())
}

fn version(table: &SlotTable, number: u16) -> Option<u64> {
    let key = key(number);
    let found = table.get(hash_of((&key).into()), (&key).into())?;
    let version = found.record.stamp.version;
    assert!(found.value().iter().all(|byte| *byte == version as u8), "another entry's value");
    Some(version)
}

fn filled(numbers: impl Iterator<Item = u16>) -> SlotTable {
    let mut table = SlotTable::default();
    for number in numbers {
        put(&mut table, number, 1, 3);
    }
    table
}

type Model = BTreeMap<(KeyHash, Key), (u64, usize)>;

fn place(key: Key) -> (KeyHash, Key) {
    (hash_of((&key).into()), key)
}

fn agree(table: &SlotTable, model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(table.validate(), Ok(()));
    prop_assert_eq!(table.items(), model.len() as u64);
    let entries = table.iter().map(|found| {
        let record = found.record;
        (
            place(Key::new(record.key.namespace, record.key.user_key).unwrap()),
            (record.stamp.version, found.value().len()),
        )
    });
    prop_assert!(entries.eq(model.clone()));
    Ok(())
}

proptest! {
    #![proptest_config(cases(64))]

    /// Inline and large values, equal tags and equal hashes, enough of them for branches to split and join.
    #[test]
    fn is_a_sorted_map(steps in prop::collection::vec((0..5u8, 0..300u16, 0..30usize), 0..1500)) {
        let (mut table, mut model) = (SlotTable::default(), Model::new());
        for (version, (what, number, len)) in (1..).zip(steps) {
            let place = place(key(number));
            // First more is put than removed, then the other way round.
            let insert = if version < 900 { what > 0 } else { what > 3 };
            let (gone, expected) = if insert {
                (put(&mut table, number, version, len), model.insert(place, (version, len)))
            } else {
                (remove(&mut table, number), model.remove(&place))
            };
            prop_assert_eq!(gone.map(|gone| gone.deadline), expected.map(|(version, _)| Some(version % 3)));
            if version % 50 == 0 {
                agree(&table, &model)?;
            }
        }
        agree(&table, &model)?;
        for number in 0..300 {
            let expected = model.get(&place(key(number))).map(|(version, _)| *version);
            prop_assert_eq!(version(&table, number), expected);
        }
        for (hash, deadline) in model.keys().map(|(hash, _)| *hash).zip([0, 1, 2].into_iter().cycle()) {
            let expected = model.iter().find(|((h, _), (version, _))| *h == hash && version % 3 == deadline);
            prop_assert_eq!(table.key_due(hash, deadline), expected.map(|((_, key), _)| key.into()));
        }
    }
}

#[test]
fn a_clone_does_not_see_later_writes() {
    let mut table = filled(0..200);
    let frozen = table.clone();
    for number in (0..200).step_by(2) {
        remove(&mut table, number);
    }
    // As long as what they replace, a little longer, a little shorter: that must not happen in place.
    for (number, len) in [(1, 3), (3, 4), (5, 2)] {
        put(&mut table, number, 2, len);
        assert_eq!(version(&table, number), Some(2));
    }
    assert_eq!(frozen.iter().filter(|found| found.record.stamp.version == 1).count(), 200);
    assert!(frozen.iter().all(|found| *found.value() == [1; 3]));
    assert_eq!(table.iter().count(), 100);
}

#[test]
fn deletes_leave_no_crumbs() {
    let mut table = filled(0..2000);
    assert!(table.leaves().count() <= 2000 / 3, "{} leaves", table.leaves().count());
    for number in (0..2000).filter(|number| number % 64 != 0) {
        remove(&mut table, number);
    }
    assert_eq!(table.validate(), Ok(()));
    assert!(table.leaves().count() <= 2 * 32 / 3, "{} leaves", table.leaves().count());
    for number in 0..2000 {
        remove(&mut table, number);
    }
    assert_eq!((table.leaves().count(), table.bytes()), (0, 0));
}
