//! The disk in memory as a simulator handles it.

use super::*;
use crate::simulation::FlushFault;

/// A store with one snapshot, and its disk.
fn one() -> (FaultySnapshots, SnapshotStore) {
    let disk = FaultySnapshots::default();
    let store = SnapshotStore::open_simulated(&disk).unwrap();
    write_current(&store, 1, 10, &[b"ten"]);
    (disk, store)
}

#[test]
fn a_simulated_disk_fails_as_told_and_keeps_what_was_flushed() {
    type Fault = fn(&FaultySnapshots);
    let faults: [Fault; 3] = [
        |disk| disk.fail_write(1, io::ErrorKind::StorageFull),
        |disk| disk.fail_flush(0, FlushFault::Before(io::ErrorKind::StorageFull)),
        |disk| disk.set_capacity(Some(disk.used()), false),
    ];
    for fault in faults {
        let (disk, store) = one();
        fault(&disk);
        assert!(try_write(&store, 1, 20, &[b"twenty"]).is_err());
        let again = SnapshotStore::open_simulated(&disk.crashed()).unwrap();
        assert_eq!(chunks(&current(&again, 1)), [b"ten"]);
        write_current(&again, 1, 20, &[b"twenty"]);
        assert_eq!(chunks(&current(&store, 1)), [b"ten"], "the crashed disk is another one");
    }
    let (disk, store) = one();
    disk.set_capacity(Some(disk.used()), true);
    assert!(!store.admits(1), "foreseen");
    disk.set_capacity(None, true);
    assert!(store.admits(1));
}

#[test]
fn damage_is_met_by_whoever_reads_it() {
    let disk = FaultySnapshots::default();
    assert!(!disk.damage(0), "nothing is stored");
    let store = SnapshotStore::open_simulated(&disk).unwrap();
    write_current(&store, 1, 10, &[b"ten"]);
    let damaged = (0..100).filter(|&nth| disk.damage(nth)).count();
    assert!(damaged > 1, "the chunk and the record of it");
    assert!(current(&store, 1).read_chunk(0).unwrap_err().is_damage());
    assert!(SnapshotStore::open_simulated(&disk.crashed()).unwrap_err().is_damage());
}
