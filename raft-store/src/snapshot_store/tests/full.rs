//! A full disk is outlived: nothing durable is lost, what was being written is, and it ends with the room.

use std::io::ErrorKind::{Other, QuotaExceeded, StorageFull};

use super::super::faulty::FlushFault::{self, After, Before};
use super::*;
use crate::limits::{SNAPSHOT_ABANDONED_MAX, SNAPSHOT_CHUNK_BYTES, SNAPSHOT_RESIDENT_BYTES_MAX};

fn memory() -> (Home, FaultySnapshots, SnapshotStore) {
    let faulty = FaultySnapshots::default();
    let home = Home::Memory(faulty.clone());
    let store = home.open();
    (home, faulty, store)
}

fn fail_flush(faulty: &FaultySnapshots, fault: FlushFault) {
    faulty.0.lock().flush_fault = Some((0, fault));
}

#[test]
fn a_foreseen_full_disk_refuses_before_anything_is_written() {
    let (home, faulty, store) = memory();
    write_current(&store, 1, 10, &[b"old"]);
    let opened = faulty.0.lock().opened;
    (faulty.0.lock().capacity, faulty.0.lock().tells_room) = (Some(1 << 16), true);
    let error = try_write(&store, 1, 20, &[&noise(SNAPSHOT_CHUNK_BYTES)]).unwrap_err();
    assert!(error.may_pass(), "{error}");
    assert!(error.to_string().contains("beginning a snapshot of group 1"), "{error}");
    assert!(store.full().is_some() && !store.admits(1));
    assert_eq!(chunks(&current(&store, 1)), [b"old"]);
    store.sweep().unwrap();
    assert_eq!(faulty.0.lock().opened, opened, "the database did not have to be opened again");
    faulty.0.lock().capacity = None;
    assert_eq!(store.full(), None, "it ends without a write");
    write_current(&store, 1, 20, &[b"new"]);
    assert_eq!(chunks(&current(&home.crashed().open(), 1)), [b"new"]);
}

/// A leader offers its snapshot again and again, and what is begun would have to be removed on the full disk.
#[test]
fn however_often_a_snapshot_is_begun_on_a_full_disk_none_is_once_there_is_room() {
    let (_home, faulty, store) = memory();
    write_current(&store, 1, 10, &[b"old"]);
    (faulty.0.lock().capacity, faulty.0.lock().tells_room) = (Some(0), true);
    for _ in 0..=SNAPSHOT_ABANDONED_MAX {
        fail_flush(&faulty, Before(StorageFull));
        if let Ok(mut writer) = store.begin(1) {
            let _ = writer.put(b"coming");
        }
        store.sweep().ok();
    }
    faulty.0.lock().flush_fault = None;
    faulty.0.lock().capacity = None;
    assert_eq!(store.full(), None);
    write_current(&store, 1, 20, &[b"new"]);
}

#[test]
fn a_full_disk_that_was_met_costs_only_what_was_not_flushed() {
    for kind in [StorageFull, QuotaExceeded] {
        for fault in [Before(kind), After(kind)] {
            let (home, faulty, store) = memory();
            let old = write_current(&store, 1, 10, &[b"old"]);
            let mut other = store.begin(2).unwrap();
            other.put(b"half").unwrap();
            fail_flush(&faulty, fault);
            let error = try_write(&store, 1, 20, &[b"new"]).unwrap_err();
            assert!(error.may_pass(), "{error}");
            assert!(store.full().unwrap().contains("injected"));
            assert_eq!(chunks(&old), [b"old"]);
            assert!(matches!(other.put(b"rest"), Err(SnapshotError::Lost(_))), "its first half is gone");
            drop(other);
            let new = write_current(&store, 1, 30, &[b"newer"]);
            assert_eq!(store.full(), None);
            drop(old);
            assert_eq!(stored(&store), [new.id()]);
            assert_eq!(stored(&home.crashed().open()), [new.id()]);
        }
    }
}

/// The record of a failed commit may be the one the next start finds.
#[test]
fn a_commit_that_may_be_durable_after_all_keeps_its_chunks() {
    for (fault, found) in [(Before(StorageFull), b"old"), (After(StorageFull), b"new")] {
        let (home, faulty, store) = memory();
        write_current(&store, 1, 10, &[b"old"]);
        let new = write(&store, 1, 20, &[b"new"]);
        fail_flush(&faulty, fault);
        assert!(store.commit(&new).unwrap_err().may_pass());
        drop(new);
        store.sweep().unwrap();
        assert_eq!(chunks(&current(&store, 1)), [b"old"]);
        assert_eq!(chunks(&current(&home.crashed().open(), 1)), [found]);
        let last = write_current(&store, 1, 30, &[b"last"]);
        assert_eq!(stored(&store), [last.id()]);
    }
}

#[test]
fn a_commit_refused_for_want_of_room_never_becomes_durable() {
    let (home, faulty, store) = memory();
    write_current(&store, 1, 10, &[b"old"]);
    let new = write(&store, 1, 20, &[b"new"]);
    (faulty.0.lock().capacity, faulty.0.lock().tells_room) = (Some(1000), true);
    assert!(store.commit(&new).unwrap_err().may_pass());
    drop(new);
    store.sweep().unwrap();
    assert_eq!(chunks(&current(&home.crashed().open(), 1)), [b"old"]);
}

#[test]
fn garbage_that_could_not_be_removed_goes_with_a_later_sweep() {
    let (_home, faulty, store) = memory();
    drop(write(&store, 1, 10, &[b"never committed"]));
    fail_flush(&faulty, Before(StorageFull));
    assert!(store.sweep().is_err());
    assert_eq!(stored_now(&store).len(), 1);
    assert_eq!(stored(&store), []);
}

#[test]
fn any_other_failed_write_ends_the_store_and_says_at_what() {
    let (_home, faulty, store) = memory();
    let held = write_current(&store, 1, 10, &[b"old"]);
    faulty.0.lock().write_fault = Some((2, Other));
    let error = try_write(&store, 1, 20, &[b"0", b"1", b"2"]).unwrap_err();
    assert!(!error.may_pass());
    assert_eq!(error.to_string(), "chunk 1 of snapshot 2 of group 1: writing in memory: injected");
    assert!(matches!(held.read_chunk(0), Err(SnapshotError::Closed(why)) if why.contains("injected")));
    assert!(matches!(store.begin(1), Err(SnapshotError::Closed(_))));
    assert_eq!(store.full(), None);
}

#[test]
fn a_failed_sync_is_never_tried_again() {
    for fault in [Before(Other), After(Other)] {
        let (_home, faulty, store) = memory();
        fail_flush(&faulty, fault);
        assert!(!try_write(&store, 1, 10, &[b"x"]).unwrap_err().may_pass());
        assert!(matches!(try_write(&store, 1, 10, &[b"x"]), Err(SnapshotError::Closed(_))));
    }
}

#[test]
fn a_disk_that_stays_full_lets_the_store_rest_before_it_takes_all_memory() {
    let (home, faulty, store) = memory();
    let old = write_current(&store, 1, 10, &[b"old"]);
    let mut kept = 0;
    for _ in 0..SNAPSHOT_ABANDONED_MAX {
        store.sweep().unwrap();
        kept += fill_until_full(&faulty, &store);
    }
    assert!(kept < 3 * SNAPSHOT_RESIDENT_BYTES_MAX, "{kept} bytes stay in memory");
    faulty.0.lock().capacity = None;
    assert!(store.begin(1).unwrap_err().may_pass());
    assert!(store.commit(&old).unwrap(), "nothing has to be written for this");
    assert!(store.remove(1).unwrap_err().may_pass());
    assert!(store.sweep().is_err_and(|error| error.may_pass()));
    assert!(store.full().unwrap().ends_with("until a restart"));
    assert!(!store.admits(0));
    assert_eq!(chunks(&current(&store, 1)), [b"old"]);
    let store = home.crashed().open();
    assert_eq!(chunks(&current(&store, 1)), [b"old"]);
    write_current(&store, 1, 20, &[b"x"]);
}

/// Writes until the database is opened afresh for its memory, then until a flush fails that nobody foresaw. Says
/// how much it had in memory at the most.
fn fill_until_full(faulty: &FaultySnapshots, store: &SnapshotStore) -> usize {
    let (chunk, mut most) = (noise(SNAPSHOT_CHUNK_BYTES), 0);
    let mut writer = store.begin(1).unwrap();
    while store.0.table.resident_bytes() >= most {
        most = store.0.table.resident_bytes();
        writer.put(&chunk).unwrap();
    }
    writer.put(&chunk).unwrap();
    fail_flush(faulty, Before(StorageFull));
    assert!(writer.finish(covers(99)).unwrap_err().may_pass());
    most + chunk.len()
}

#[test]
fn after_one_unforeseen_full_disk_the_room_is_tried_for_first() {
    let (_home, faulty, store) = memory();
    fail_flush(&faulty, Before(QuotaExceeded));
    assert!(try_write(&store, 1, 10, &[b"x"]).is_err());
    faulty.0.lock().capacity = Some(1 << 20);
    let opened = faulty.0.lock().opened;
    for _ in 0..2 * SNAPSHOT_ABANDONED_MAX {
        let error = try_write(&store, 1, 10, &[&noise(SNAPSHOT_CHUNK_BYTES)]).unwrap_err();
        assert!(error.may_pass() && error.to_string().contains("trying for room"), "{error}");
        store.sweep().unwrap();
    }
    assert_eq!(faulty.0.lock().opened, opened + 1, "it was given up once only");
    faulty.0.lock().capacity = None;
    write_current(&store, 1, 20, &[b"new"]);
    assert_eq!(store.full(), None);
}

#[test]
fn files_of_a_copy_give_their_room_back_while_open_and_links_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (copy, kept) = (dir.path().join("copy"), dir.path().join("kept"));
    fs::create_dir_all(copy.join("slabs")).unwrap();
    fs::write(copy.join("slabs/1"), b"given back").unwrap();
    fs::write(&kept, b"kept").unwrap();
    fs::hard_link(&kept, copy.join("link")).unwrap();
    let open = fs::File::open(copy.join("slabs/1")).unwrap();
    files::empty(&copy).unwrap();
    assert_eq!(open.metadata().unwrap().len(), 0);
    assert_eq!(fs::read(&kept).unwrap(), b"kept");
    files::empty(&dir.path().join("nowhere")).unwrap();
}

#[test]
fn room_is_tried_for_on_a_real_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trial");
    files::try_room(&path, 1 << 20).unwrap();
    let error = files::try_room(&path, 1 << 60).unwrap_err();
    assert!(backend::is_full(&error) || error.kind() == io::ErrorKind::FileTooLarge, "{error}");
    assert!(!path.exists());
}

/// What a real database does: given up with writes in it, opened again beside its own locks, twice.
#[test]
fn the_real_database_opens_again_after_it_was_given_up() {
    let home = Home::folder();
    let store = home.open();
    let old = write_current(&store, 1, 10, &[b"old", &noise(SNAPSHOT_CHUNK_BYTES)]);
    for _ in 0..2 {
        let mut writer = store.begin(1).unwrap();
        writer.put(b"not flushed").unwrap();
        store.fail_next_flush(StorageFull);
        assert!(writer.finish(covers(20)).unwrap_err().may_pass());
        assert!(store.full().is_some());
        assert_eq!(chunks(&old)[0], b"old");
        assert_eq!(stored(&store), [old.id()], "what was not flushed is gone");
        assert_eq!(stored(&home.crashed().open()), [old.id()]);
    }
    let new = write_current(&store, 1, 20, &[b"new"]);
    assert_eq!(store.full(), None);
    drop((store, old, new));
    assert_eq!(chunks(&current(&home.open(), 1)), [b"new"]);
}
