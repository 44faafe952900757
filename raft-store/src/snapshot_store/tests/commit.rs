//! One snapshot after another: what is current, what stays, what a crash leaves.

use super::*;
use crate::limits::SNAPSHOT_CHUNK_BYTES;

#[test]
fn a_committed_snapshot_outlives_a_crash() {
    for home in Home::both() {
        let store = home.open();
        let (empty, large) = (Vec::new(), noise(SNAPSHOT_CHUNK_BYTES));
        let contents: [&[u8]; 4] = [b"header", &empty, &large, &[7; 100_000]];
        write_current(&store, 3, 10, &contents);
        let crashed = home.crashed();
        let store = crashed.open();
        let snapshot = current(&store, 3);
        assert_eq!(chunks(&snapshot), contents);
        assert_eq!(*snapshot.covers(), covers(10));
        assert!(snapshot.bytes() < (SNAPSHOT_CHUNK_BYTES + 10_000) as u64);
        assert_eq!(store.groups(), [3]);
        assert!(store.disk_bytes().unwrap() > snapshot.bytes());
    }
}

#[test]
fn a_crash_before_the_commit_leaves_the_old_one_current() {
    for home in Home::both() {
        let store = home.open();
        let old = write_current(&store, 1, 10, &[b"old"]);
        let new = write(&store, 1, 20, &[b"new"]);
        let crashed = home.crashed();
        let store = crashed.open();
        assert_eq!(current(&store, 1).id(), old.id());
        assert_eq!(chunks(&current(&store, 1)), [b"old"]);
        assert_eq!(stored(&store), [old.id()], "the incomplete one is removed at start");
        assert!(write(&store, 1, 20, &[]).id() > new.id(), "its sequence is not used again");
    }
}

#[test]
fn a_crash_after_the_commit_leaves_the_new_one_only() {
    for home in Home::both() {
        let store = home.open();
        let held = write_current(&store, 1, 10, &[b"old"]);
        let new = write_current(&store, 1, 20, &[b"new"]);
        let crashed = home.crashed();
        let after = crashed.open();
        assert_eq!(chunks(&current(&after, 1)), [b"new"]);
        assert_eq!(stored(&after), [new.id()], "what a reader held before the crash is removed too");
        assert_eq!(chunks(&held), [b"old"]);
    }
}

#[test]
fn a_crash_while_writing_leaves_nothing() {
    for home in Home::both() {
        let store = home.open();
        let mut writer = store.begin(1).unwrap();
        writer.put(b"half").unwrap();
        store.0.table.flush().unwrap();
        let crashed = home.crashed();
        let store = crashed.open();
        assert!(store.current(1).unwrap().is_none());
        assert_eq!(stored(&store), []);
    }
}

#[test]
fn an_older_snapshot_never_replaces_a_newer_one() {
    for home in Home::both() {
        let store = home.open();
        let older = write(&store, 1, 10, &[b"older"]);
        write_current(&store, 1, 20, &[b"newer"]);
        assert!(!store.commit(&older).unwrap());
        assert_eq!(chunks(&current(&store, 1)), [b"newer"]);
        write_current(&store, 2, 10, &[b"another group's"]);
    }
}

#[test]
fn a_superseded_snapshot_stays_until_its_last_handle_drops() {
    for home in Home::both() {
        let store = home.open();
        let old = write_current(&store, 1, 10, &[b"a", b"b"]);
        let second = old.clone();
        let new = write_current(&store, 1, 20, &[b"new"]);
        drop(old);
        store.sweep().unwrap();
        assert_eq!(chunks(&second), [b"a", b"b"]);
        drop(second);
        store.sweep().unwrap();
        assert_eq!(stored(&store), [new.id()]);
    }
}

#[test]
fn a_writer_dropped_half_way_and_a_snapshot_never_committed_are_removed() {
    for home in Home::both() {
        let store = home.open();
        store.begin(1).unwrap().put(b"half").unwrap();
        drop(write(&store, 2, 1, &[b"whole"]));
        assert_eq!(stored_now(&store).len(), 1, "the first went when the second began");
        store.sweep().unwrap();
        assert_eq!(stored(&store), []);
        assert_eq!(store.0.table.scan(key::BEGUN).unwrap(), []);
    }
}

#[test]
fn a_removed_group_is_gone_for_good() {
    for home in Home::both() {
        let store = home.open();
        write_current(&store, 1, 10, &[b"one"]);
        let kept = write_current(&store, 2, 10, &[b"two"]);
        store.remove(1).unwrap();
        store.remove(7).unwrap();
        let crashed = home.crashed();
        let after = crashed.open();
        assert_eq!((store.groups(), after.groups()), (vec![2], vec![2]));
        assert_eq!(stored(&after), [kept.id()]);
    }
}

/// The name of the log that an opening makes is synced by the first write: power loss before takes it.
#[test]
fn a_log_that_an_opening_made_and_power_loss_took_costs_nothing() {
    let home = Home::folder();
    write_current(&home.open(), 4, 10, &[b"kept"]);
    drop(home.open());
    let Home::Folder(dir) = &home else { unreachable!() };
    let metadata = dir.path().join("db-1/metadata");
    let take_the_log = || {
        for file in fs::read_dir(&metadata).unwrap().map(io::Result::unwrap) {
            if file.file_name().to_string_lossy().starts_with("log_") {
                assert_eq!(file.metadata().unwrap().len(), 0, "something was written to it");
                fs::remove_file(file.path()).unwrap();
            }
        }
    };
    for _ in 0..2 {
        take_the_log();
        let store = home.open();
        assert_eq!(store.current(4).unwrap().unwrap().read_chunk(0).unwrap(), b"kept");
    }
}
