//! A crash is played by opening a copy of the files as they stand, with the store still open: what was not
//! flushed is not in them.

use std::fs;
use std::io;

use openraft::vote::RaftLeaderId as _;
use tempfile::TempDir;

use super::*;
use crate::limits::{SNAPSHOT_CHUNK_BYTES, SNAPSHOT_CHUNK_BYTES_MAX, SNAPSHOT_RESIDENT_BYTES_MAX};
use crate::raft::{LeaderId, LogId, StoredMembership};

fn open() -> (TempDir, SnapshotStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SnapshotStore::open(dir.path()).unwrap();
    (dir, store)
}

fn crash(dir: &TempDir) -> (TempDir, SnapshotStore) {
    fn copy(from: &Path, to: &Path) {
        for file in fs::read_dir(from).unwrap().map(|file: io::Result<_>| file.unwrap()) {
            let to = to.join(file.file_name());
            if file.file_type().unwrap().is_dir() {
                fs::create_dir(&to).unwrap();
                copy(&file.path(), &to);
            } else {
                fs::copy(file.path(), to).unwrap();
            }
        }
    }
    let after = tempfile::tempdir().unwrap();
    copy(dir.path(), after.path());
    let store = SnapshotStore::open(after.path()).unwrap();
    (after, store)
}

fn meta(index: u64) -> SnapshotMeta {
    let last_log_id = Some(LogId { leader_id: LeaderId::new(1, 1), index });
    SnapshotMeta { last_log_id, last_membership: StoredMembership::default() }
}

fn write(store: &SnapshotStore, group: GroupId, index: u64, chunks: &[&[u8]]) -> StoredSnapshot {
    let mut writer = store.begin(group).unwrap();
    chunks.iter().for_each(|chunk| writer.put(chunk).unwrap());
    writer.finish(&meta(index)).unwrap()
}

fn write_current(store: &SnapshotStore, group: GroupId, index: u64, chunks: &[&[u8]]) -> StoredSnapshot {
    let snapshot = write(store, group, index, chunks);
    assert!(store.commit(&snapshot).unwrap());
    snapshot
}

fn chunks(snapshot: &StoredSnapshot) -> Vec<Vec<u8>> {
    (0..snapshot.chunks()).map(|index| snapshot.read_chunk(index).unwrap()).collect()
}

fn current(store: &SnapshotStore, group: GroupId) -> StoredSnapshot {
    store.current(group).unwrap().unwrap()
}

/// Ids of all snapshots that have chunks in the database.
fn stored(store: &SnapshotStore) -> Vec<SnapshotId> {
    let pairs = store.0.database.scan(key::CHUNK).unwrap();
    let mut ids: Vec<_> = pairs.iter().map(|(_, sealed)| frame::Frame::decode(sealed).unwrap().id).collect();
    ids.dedup();
    ids
}

/// Bytes that no compression makes smaller.
fn noise(len: usize) -> Vec<u8> {
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x
    };
    (0..len.div_ceil(8)).flat_map(|_| next().to_le_bytes()).take(len).collect()
}

#[test]
fn a_committed_snapshot_outlives_a_crash() {
    let (dir, store) = open();
    let (empty, large) = (Vec::new(), noise(SNAPSHOT_CHUNK_BYTES));
    let contents: [&[u8]; 4] = [b"header", &empty, &large, &[7; 100_000]];
    write_current(&store, 3, 10, &contents);
    let (_after, store) = crash(&dir);
    let snapshot = current(&store, 3);
    assert_eq!(chunks(&snapshot), contents);
    assert_eq!(*snapshot.meta(), meta(10));
    assert!(snapshot.bytes() < (SNAPSHOT_CHUNK_BYTES + 10_000) as u64);
    assert_eq!(store.groups(), [3]);
    assert!(store.disk_bytes().unwrap() > snapshot.bytes());
}

#[test]
fn a_crash_before_the_commit_leaves_the_old_one_current() {
    let (dir, store) = open();
    let old = write_current(&store, 1, 10, &[b"old"]);
    let new = write(&store, 1, 20, &[b"new"]);
    let (_after, store) = crash(&dir);
    assert_eq!(current(&store, 1).id(), old.id());
    assert_eq!(chunks(&current(&store, 1)), [b"old"]);
    assert_eq!(stored(&store), [old.id()], "the incomplete one is removed at start");
    assert!(write(&store, 1, 20, &[]).id() > new.id(), "its sequence is not used again");
}

#[test]
fn a_crash_after_the_commit_leaves_the_new_one_only() {
    let (dir, store) = open();
    let held = write_current(&store, 1, 10, &[b"old"]);
    let new = write_current(&store, 1, 20, &[b"new"]);
    let (_after, after) = crash(&dir);
    assert_eq!(chunks(&current(&after, 1)), [b"new"]);
    assert_eq!(stored(&after), [new.id()], "what a reader held before the crash is removed too");
    assert_eq!(chunks(&held), [b"old"]);
}

#[test]
fn a_crash_while_writing_leaves_nothing() {
    let (dir, store) = open();
    let mut writer = store.begin(1).unwrap();
    writer.put(b"half").unwrap();
    store.0.database.flush().unwrap();
    let (_after, store) = crash(&dir);
    assert!(store.current(1).unwrap().is_none());
    assert_eq!(stored(&store), []);
}

#[test]
fn an_older_snapshot_never_replaces_a_newer_one() {
    let (_dir, store) = open();
    let older = write(&store, 1, 10, &[b"older"]);
    write_current(&store, 1, 20, &[b"newer"]);
    assert!(!store.commit(&older).unwrap());
    assert_eq!(chunks(&current(&store, 1)), [b"newer"]);
    write_current(&store, 2, 10, &[b"another group's"]);
}

#[test]
fn a_superseded_snapshot_stays_until_its_last_handle_drops() {
    let (_dir, store) = open();
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

#[test]
fn a_writer_dropped_half_way_and_a_snapshot_never_committed_are_removed() {
    let (_dir, store) = open();
    store.begin(1).unwrap().put(b"half").unwrap();
    drop(write(&store, 2, 1, &[b"whole"]));
    assert_eq!(stored(&store).len(), 1, "the first went when the second began");
    store.sweep().unwrap();
    assert_eq!(stored(&store), []);
    assert_eq!(store.0.database.scan(key::BEGUN).unwrap(), []);
}

#[test]
fn a_removed_group_is_gone_for_good() {
    let (dir, store) = open();
    write_current(&store, 1, 10, &[b"one"]);
    let kept = write_current(&store, 2, 10, &[b"two"]);
    store.remove(1).unwrap();
    store.remove(7).unwrap();
    let (_after, after) = crash(&dir);
    assert_eq!((store.groups(), after.groups()), (vec![2], vec![2]));
    assert_eq!(stored(&after), [kept.id()]);
}

#[test]
fn frames_move_a_snapshot_to_another_store() {
    let (_dir, store) = open();
    let (_other_dir, other) = open();
    write_current(&other, 5, 1, &[b"so that sequences differ"]);
    let sent = write_current(&store, 5, 10, &[b"one", &[1; 5000]]);
    let mut writer = other.begin(5).unwrap();
    for index in 0..sent.chunks() {
        writer.put_raw(&sent.read_raw(index).unwrap()).unwrap();
    }
    let received = writer.finish(sent.meta()).unwrap();
    assert!(other.commit(&received).unwrap());
    assert_eq!(chunks(&current(&other, 5)), chunks(&sent));
    assert!(matches!(store.commit(&received), Err(SnapshotError::Foreign(_))));
}

#[test]
fn a_received_frame_with_any_bit_flipped_is_refused() {
    let (_dir, store) = open();
    let frame = write(&store, 1, 10, &[b"some bytes of a chunk"]).read_raw(0).unwrap();
    let mut writer = store.begin(1).unwrap();
    for bit in 0..frame.len() * 8 {
        let mut flipped = frame.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let refused = writer.put_raw(&flipped.into());
        assert!(matches!(refused, Err(SnapshotError::BadFrame { group: 1, chunk: 0, .. })), "bit {bit}");
    }
    assert!(writer.put_raw(&frame.slice(..frame.len() - 1)).is_err());
    writer.put_raw(&frame).unwrap();
}

#[test]
fn frames_out_of_order_or_of_another_snapshot_are_refused() {
    let (_dir, store) = open();
    let one = write(&store, 1, 10, &[b"0", b"1"]);
    let two = write(&store, 1, 20, &[b"0", b"1"]);
    let mut writer = store.begin(1).unwrap();
    let misplaced =
        |result| matches!(result, Err(SnapshotError::BadFrame { reason: CorruptReason::Misplaced, .. }));
    assert!(misplaced(store.begin(2).unwrap().put_raw(&one.read_raw(0).unwrap())));
    writer.put_raw(&one.read_raw(0).unwrap()).unwrap();
    assert!(misplaced(writer.put_raw(&one.read_raw(0).unwrap())));
    assert!(misplaced(writer.put_raw(&two.read_raw(1).unwrap())));
    writer.put_raw(&one.read_raw(1).unwrap()).unwrap();
}

#[test]
fn a_damaged_chunk_is_named_and_never_served() {
    let (_dir, store) = open();
    let snapshot = write_current(&store, 4, 10, &[b"zero", b"one", b"two"]);
    let id = snapshot.id();
    let mut sealed = snapshot.read_raw(1).unwrap().to_vec();
    *sealed.last_mut().unwrap() ^= 1;
    store.0.database.insert(&key::chunk(id, 1), &sealed).unwrap();
    store.0.database.insert(&key::chunk(id, 2), &snapshot.read_raw(0).unwrap()).unwrap();
    let error = |index| snapshot.read_chunk(index).unwrap_err().to_string();
    assert_eq!(
        error(1),
        format!("chunk 1 of snapshot {} of group 4 is corrupt: wrong checksum", id.sequence)
    );
    assert!(error(2).ends_with("it belongs elsewhere"));
    assert!(snapshot.read_raw(1).is_err());
    assert_eq!(snapshot.read_chunk(0).unwrap(), b"zero");
    store.0.database.remove(&key::chunk(id, 0)).unwrap();
    assert!(error(0).ends_with("it is missing"));
}

#[test]
fn a_damaged_record_stops_the_start_and_names_its_group() {
    let (dir, store) = open();
    write_current(&store, 9, 10, &[b"x"]);
    let (key, sealed) = store.0.database.scan(key::CURRENT).unwrap().remove(0);
    let mut sealed = sealed.to_vec();
    sealed[12] ^= 0x10;
    store.0.database.insert(&key, &sealed).unwrap();
    drop(store);
    let error = SnapshotStore::open(dir.path()).unwrap_err();
    assert!(matches!(error, SnapshotError::CorruptRecord { group: 9, reason: CorruptReason::Checksum }));
}

#[test]
fn more_than_the_resident_bound_is_written_and_read_back() {
    let (_dir, store) = open();
    let chunk = noise(SNAPSHOT_CHUNK_BYTES);
    let count = SNAPSHOT_RESIDENT_BYTES_MAX / SNAPSHOT_CHUNK_BYTES + 8;
    let mut writer = store.begin(1).unwrap();
    (0..count).for_each(|_| writer.put(&chunk).unwrap());
    assert!(store.0.database.resident_bytes() < SNAPSHOT_RESIDENT_BYTES_MAX);
    let snapshot = writer.finish(&meta(1)).unwrap();
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
    assert!(store.0.database.resident_bytes() < SNAPSHOT_RESIDENT_BYTES_MAX);
    assert!((0..count).all(|group| chunks(&current(&store, group)) == [chunk.as_slice()]));
}

#[test]
fn a_chunk_past_the_bound_is_refused() {
    let (_dir, store) = open();
    let mut writer = store.begin(1).unwrap();
    let too_large = vec![0; SNAPSHOT_CHUNK_BYTES_MAX + 1];
    assert!(matches!(writer.put(&too_large), Err(SnapshotError::TooLarge(_))));
    assert!(matches!(writer.put_raw(&too_large.into()), Err(SnapshotError::TooLarge(_))));
    assert_eq!(writer.chunks(), 0);
}
