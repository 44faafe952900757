//! Memory and disk stay bounded.

use super::*;
use crate::limits::{SNAPSHOT_CHUNK_BYTES, SNAPSHOT_RESIDENT_BYTES_MAX};

#[test]
fn more_than_the_resident_bound_is_written_and_read_back() {
    let (_dir, store) = open();
    let chunk = noise(SNAPSHOT_CHUNK_BYTES);
    let count = SNAPSHOT_RESIDENT_BYTES_MAX / SNAPSHOT_CHUNK_BYTES + 8;
    let mut writer = store.begin(1).unwrap();
    (0..count).for_each(|_| writer.put(&chunk).unwrap());
    assert!(store.0.table.resident_bytes() < SNAPSHOT_RESIDENT_BYTES_MAX);
    let snapshot = writer.finish(covers(1)).unwrap();
    assert!(store.commit(&snapshot).unwrap());
    assert!(chunks(&snapshot).iter().all(|read| *read == chunk));
    assert_eq!(snapshot.chunks() as usize, count);
}

#[test]
fn many_small_snapshots_stay_under_the_resident_bound() {
    let (_dir, store) = open();
    let chunk = noise(4 * SNAPSHOT_CHUNK_BYTES);
    let count = (SNAPSHOT_RESIDENT_BYTES_MAX / chunk.len()) as GroupId + 2;
    (0..count).for_each(|group| drop(write_current(&store, group, 1, &[&chunk])));
    assert!(store.0.table.resident_bytes() < SNAPSHOT_RESIDENT_BYTES_MAX);
    assert!((0..count).all(|group| chunks(&current(&store, group)) == [chunk.as_slice()]));
}
