//! Damage is named, never served, and can be left behind.

use super::*;

#[test]
fn a_damaged_chunk_is_named_and_never_served() {
    let (_dir, store) = open();
    let snapshot = write_current(&store, 4, 10, &[b"zero", b"one", b"two"]);
    let id = snapshot.id();
    let mut sealed = snapshot.read_raw(1).unwrap().to_vec();
    *sealed.last_mut().unwrap() ^= 1;
    store.0.table.insert(&key::chunk(id, 1), &sealed).unwrap();
    store.0.table.insert(&key::chunk(id, 2), &snapshot.read_raw(0).unwrap()).unwrap();
    let error = |index| snapshot.read_chunk(index).unwrap_err().to_string();
    assert_eq!(
        error(1),
        format!("chunk 1 of snapshot {} of group 4 is corrupt: wrong checksum", id.sequence)
    );
    assert!(error(2).ends_with("it belongs elsewhere"));
    assert!(snapshot.read_raw(1).is_err());
    assert_eq!(snapshot.read_chunk(0).unwrap(), b"zero");
    assert!(store.0.table.change(&key::chunk(id, 0), None).is_ok());
    assert!(error(0).ends_with("it is missing"));
}

#[test]
fn a_damaged_record_stops_the_start_and_names_its_group() {
    let (home, store) = open();
    write_current(&store, 9, 10, &[b"x"]);
    let (key, sealed) = store.0.table.scan(key::CURRENT).unwrap().remove(0);
    let mut sealed = sealed.to_vec();
    sealed[12] ^= 0x10;
    store.0.table.insert(&key, &sealed).unwrap();
    drop(store);
    let error = home.try_open().unwrap_err();
    assert!(matches!(error, SnapshotError::CorruptRecord { group: 9, reason: CorruptReason::Checksum }));
}
