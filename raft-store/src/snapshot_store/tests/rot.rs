//! Damage of one leaf costs only what is in it: the store goes on, and moves what is whole to a fresh database.

use std::io::ErrorKind::StorageFull;

use super::super::faulty::FlushFault::Before;
use super::*;
use crate::limits::{SNAPSHOT_ABANDONED_MAX, SNAPSHOT_CHUNK_BYTES, SNAPSHOT_ROOM_KEPT_BYTES};

fn memory() -> (Home, FaultySnapshots, SnapshotStore) {
    let faulty = FaultySnapshots::default();
    let home = Home::Memory(faulty.clone());
    let store = home.open();
    (home, faulty, store)
}

fn damage(faulty: &FaultySnapshots, id: SnapshotId, chunk: u32) {
    faulty.0.lock().damaged.insert(key::chunk(id, chunk));
}

#[test]
fn damage_under_a_superseded_snapshot_goes_with_it() {
    let (home, faulty, store) = memory();
    let other = write_current(&store, 2, 10, &[b"other"]);
    for index in 1..=2 * u64::from(SNAPSHOT_ABANDONED_MAX) {
        let old = write_current(&store, 1, index, &[b"a", b"b", b"c"]);
        // Behind its last chunk the next one's first would stand in the same leaf.
        damage(&faulty, old.id(), 1);
    }
    let last = write_current(&store, 1, 100, &[b"last"]);
    assert_eq!(store.full(), None);
    assert_eq!(stored(&store), [last.id(), other.id()]);
    let crashed = home.crashed().open();
    assert_eq!(stored(&crashed), [last.id(), other.id()]);
    assert_eq!(crashed.0.table.scan(key::BEGUN).unwrap().len(), 2);
}

#[test]
fn damage_met_by_one_costs_the_others_nothing_of_what_they_write() {
    let (home, faulty, store) = memory();
    let rotten = write_current(&store, 1, 10, &[b"rotten"]);
    let finished = write(&store, 2, 10, &[b"finished"]);
    let mut writer = store.begin(3).unwrap();
    writer.put(b"before").unwrap();
    damage(&faulty, rotten.id(), 0);
    assert!(rotten.read_chunk(0).unwrap_err().is_damage());
    writer.put(b"between").unwrap();
    store.sweep().unwrap();
    writer.put(b"after").unwrap();
    let written = writer.finish(covers(10)).unwrap();
    assert!(store.commit(&written).unwrap() && store.commit(&finished).unwrap());
    for store in [&store, &home.crashed().open()] {
        assert_eq!(chunks(&current(store, 3)), [&b"before"[..], b"between", b"after"]);
        assert_eq!(chunks(&current(store, 2)), [b"finished"]);
    }
}

#[test]
fn what_a_rescue_finds_damaged_is_known_and_replaced() {
    let (home, faulty, store) = memory();
    let rotten = write_current(&store, 1, 10, &[b"0", b"1", b"2", b"3"]);
    write_current(&store, 2, 10, &[b"other"]);
    damage(&faulty, rotten.id(), 1);
    assert!(!store.is_damaged(1), "nobody knows yet");
    let opened = faulty.0.lock().opened;
    for _ in 0..2 * SNAPSHOT_ABANDONED_MAX {
        assert!(rotten.read_raw(1).unwrap_err().is_damage());
    }
    assert_eq!(chunks(&current(&store, 2)), [b"other"]);
    assert_eq!(faulty.0.lock().opened, opened + 1, "it was read once");
    assert!(store.is_damaged(1) && !store.is_damaged(2));
    store.sweep().unwrap();
    assert_eq!(rotten.read_chunk(0).unwrap(), b"0");
    assert!((1..4).all(|index| rotten.read_chunk(index).unwrap_err().is_damage()), "it has no holes");
    assert!(home.crashed().open().check(1).unwrap_err().is_damage(), "a start sees it too");
    write_current(&store, 1, 10, &[b"the same again"]);
    assert!(!store.is_damaged(1));
    drop(rotten);
    assert_eq!(stored(&store).len(), 2);
}

#[test]
fn a_damaged_snapshot_that_is_not_current_yet_never_gets_it() {
    let (_home, faulty, store) = memory();
    let old = write_current(&store, 1, 10, &[b"old"]);
    let finished = write(&store, 1, 20, &[b"0", b"1", b"2"]);
    damage(&faulty, finished.id(), 0);
    damage(&faulty, old.id(), 0);
    assert!(old.read_chunk(0).is_err());
    store.sweep().unwrap();
    assert!(matches!(store.commit(&finished), Err(SnapshotError::Lost(_))));
    assert_eq!(current(&store, 1).id(), old.id());
}

#[test]
fn a_snapshot_damaged_while_it_is_written_never_becomes_current() {
    let (_home, faulty, store) = memory();
    let mut writer = store.begin(1).unwrap();
    writer.put(b"0").unwrap();
    writer.put(b"1").unwrap();
    store.0.table.flush().unwrap();
    let id = writer.id();
    damage(&faulty, id, 0);
    assert!(store.0.table.get(&key::chunk(id, 0)).is_err());
    store.sweep().unwrap();
    writer.put(b"2").unwrap();
    let finished = writer.finish(covers(10)).unwrap();
    assert!(matches!(store.commit(&finished), Err(SnapshotError::Lost(_))));
    drop(finished);
    assert_eq!(stored(&store), []);
}

#[test]
fn without_room_for_a_rescue_the_damage_stays_and_snapshots_wait() {
    let (_home, faulty, store) = memory();
    let held = write_current(&store, 1, 10, &[&noise(SNAPSHOT_CHUNK_BYTES)]);
    let old = write_current(&store, 2, 10, &[b"0", b"1"]);
    write_current(&store, 3, 10, &[b"goes"]);
    damage(&faulty, old.id(), 1);
    // Room for what a record takes, and no more.
    let taken = store.disk_bytes().unwrap();
    (faulty.0.lock().capacity, faulty.0.lock().tells_room) =
        (Some(taken + SNAPSHOT_ROOM_KEPT_BYTES + 5000), true);
    let id = old.id();
    drop(old);
    store.remove(2).unwrap();
    store.remove(3).unwrap();
    assert_eq!(store.full(), None, "what is put off refuses nobody");
    assert!(store.begin(2).unwrap_err().may_pass());
    let opened = faulty.0.lock().opened;
    assert!(store.sweep().unwrap_err().may_pass());
    assert_eq!(faulty.0.lock().opened, opened, "the damage is left alone");
    assert!(faulty.0.lock().durable.contains_key(&key::begun(id)));
    assert!(!faulty.0.lock().durable.values().any(|value| value.ends_with(b"goes")));
    assert_eq!(chunks(&held)[0].len(), SNAPSHOT_CHUNK_BYTES);
    faulty.0.lock().capacity = None;
    let new = write_current(&store, 2, 20, &[b"new"]);
    assert_eq!(stored(&store), [held.id(), new.id()]);
}

#[test]
fn a_commit_that_meets_damage_works_the_next_time() {
    let (home, faulty, store) = memory();
    write_current(&store, 1, 10, &[b"other"]);
    let finished = write(&store, 2, 10, &[b"finished"]);
    // In the leaf of group 1's record that of group 2 has to go.
    faulty.0.lock().damaged.insert(key::current(1));
    assert!(store.commit(&finished).unwrap_err().is_damage());
    assert!(store.commit(&finished).unwrap());
    let store = home.crashed().open();
    assert_eq!(chunks(&current(&store, 2)), [b"finished"]);
    assert_eq!(chunks(&current(&store, 1)), [b"other"]);
}

/// Its record may be durable or not; the room is no one else's business.
#[test]
fn setting_one_group_aside_on_a_full_disk_keeps_what_another_is_unsure_of() {
    let (home, faulty, store) = memory();
    write_current(&store, 1, 10, &[b"damaged"]);
    write_current(&store, 3, 10, &[b"has to be copied"]);
    let unsure = write(&store, 2, 10, &[b"unsure"]);
    faulty.0.lock().flush_fault = Some((0, super::super::faulty::FlushFault::After(StorageFull)));
    assert!(store.commit(&unsure).is_err());
    drop(unsure);
    faulty.0.lock().write_fault = Some((0, StorageFull));
    assert!(store.set_aside(1).unwrap());
    store.sweep().unwrap();
    assert_eq!(chunks(&current(&home.crashed().open(), 2)), [b"unsure"]);
}

#[test]
fn writes_lost_on_a_full_disk_are_not_written_again_for_damage_later() {
    let (_home, faulty, store) = memory();
    let rotten = write_current(&store, 1, 10, &[b"rotten"]);
    let mut writer = store.begin(2).unwrap();
    writer.put(b"lost").unwrap();
    faulty.0.lock().flush_fault = Some((0, Before(StorageFull)));
    assert!(writer.finish(covers(1)).unwrap_err().may_pass());
    damage(&faulty, rotten.id(), 0);
    assert!(rotten.read_chunk(0).is_err());
    assert_eq!(faulty.0.lock().durable.len(), 3, "a record, a note and a chunk");
    store.sweep().unwrap();
    assert!(store.commit(&write(&store, 2, 2, &[b"new"])).unwrap());
    assert_eq!(chunks(&current(&store, 2)), [b"new"]);
}

/// One rotten leaf of a real database, met by a read, then by a removal and by a write behind it.
#[test]
fn a_real_database_survives_a_rotten_leaf() {
    let home = Home::folder();
    let store = home.open();
    // The records stand in leaves of their own.
    (2..5).for_each(|group| drop(write_current(&store, group, 10, &[b"a", b"b", b"c"])));
    write_current(&store, 1, 10, &[b"0", b"1", b"2", b"3", b"4", b"5", &noise(300_000)]);
    drop(store);
    let Home::Folder(dir) = &home else { unreachable!() };
    super::damage::damage_a_chunk(dir);
    let store = home.open();
    let mut written = 0;
    let snapshot = loop {
        written += 1;
        match try_write(&store, 1, 20, &[b"new", b"newer"]) {
            Ok(snapshot) => break snapshot,
            Err(error) => assert!(error.is_damage() && written < 3, "{error}"),
        }
    };
    assert!(store.commit(&snapshot).unwrap());
    assert!(written > 1, "nothing met the damage");
    assert_eq!(stored(&store).len(), 4);
    for store in [&store, &home.crashed().open()] {
        assert_eq!(chunks(&current(store, 1)), [&b"new"[..], b"newer"]);
        assert_eq!(chunks(&current(store, 4)), [b"a", b"b", b"c"]);
    }
}
