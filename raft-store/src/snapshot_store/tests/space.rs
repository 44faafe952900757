//! Memory and disk stay bounded.

use super::*;
use crate::limits::{
    SNAPSHOT_CHUNK_BYTES, SNAPSHOT_DISK_FACTOR_MAX, SNAPSHOT_DISK_SLACK_BYTES, SNAPSHOT_RESIDENT_BYTES_MAX,
};

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

/// The database's slots have few sizes: a chunk a little larger would take half as much again.
#[test]
fn chunks_that_do_not_compress_take_little_more_than_their_bytes() {
    let (_home, store) = open();
    let chunk = noise(SNAPSHOT_CHUNK_BYTES + 200);
    let before = store.disk_bytes().unwrap();
    let snapshot = write_current(&store, 1, 1, &[chunk.as_slice(); 40]);
    let taken = store.disk_bytes().unwrap() - before;
    assert!(taken < snapshot.bytes() / 8 * 9, "{taken} bytes for {}", snapshot.bytes());
}

/// One snapshot replaces the next. The long form: `QUORATE_SOAK_ROUNDS=50 QUORATE_SOAK_MIB=200`.
#[test]
fn disk_use_stays_bounded_however_many_snapshots_follow() {
    let setting = |name, default| std::env::var(name).ok().map_or(default, |text| text.parse().unwrap());
    let (rounds, mib) = (setting("QUORATE_SOAK_ROUNDS", 6), setting("QUORATE_SOAK_MIB", 12));
    let (_home, store) = open();
    let chunk = noise(SNAPSHOT_CHUNK_BYTES);
    let mut largest = 0;
    for round in 1..=rounds {
        let count = (4 * mib - round % 4 * mib / 2) as usize;
        let snapshot = write_current(&store, 1, round, &vec![chunk.as_slice(); count]);
        largest = largest.max(snapshot.bytes());
        drop(snapshot);
        store.sweep().unwrap();
        let (disk, most) =
            (store.disk_bytes().unwrap(), SNAPSHOT_DISK_FACTOR_MAX * largest + SNAPSHOT_DISK_SLACK_BYTES);
        assert!(disk <= most, "round {round}: {disk} bytes on disk, where {largest} are stored");
    }
}

#[test]
fn a_rewrite_gives_space_back_and_loses_nothing() {
    for home in Home::both() {
        let store = home.open();
        let chunk = noise(SNAPSHOT_CHUNK_BYTES);
        write_current(&store, 1, 10, &[chunk.as_slice(); 40]);
        let kept = write_current(&store, 2, 10, &[chunk.as_slice(), b"small"]);
        let mut writer = store.begin(3).unwrap();
        writer.put(b"half").unwrap();
        store.remove(1).unwrap();
        store.0.table.rewrite().unwrap();
        assert!(store.disk_bytes().unwrap() < 6 << 20);
        assert_eq!(chunks(&kept), [chunk.as_slice(), b"small"]);
        writer.put(b"rest").unwrap();
        let written = writer.finish(covers(1)).unwrap();
        assert!(store.commit(&written).unwrap());
        let crashed = home.crashed();
        let store = crashed.open();
        assert_eq!(chunks(&current(&store, 2)), [chunk.as_slice(), b"small"]);
        assert_eq!(chunks(&current(&store, 3)), [b"half", b"rest"]);
    }
}
