//! Space: purged segments go, and a group that lags keeps none.

use super::rig::{OPTIONS, Rig, entry, id};
use crate::GroupId;
use crate::wal::memory::Change;
use crate::wal::options::WalOptions;
use crate::wal::testing::FaultyDisk;

fn write(rig: &mut Rig, group: GroupId, indexes: std::ops::Range<u64>) {
    for index in indexes {
        rig.append(group, vec![entry(index, 100)]);
        assert!(rig.flush());
    }
}

fn purge(rig: &mut Rig, group: GroupId, index: u64) {
    rig.change(Change::Purge { group, upto: id(index, 1) }).unwrap();
    assert!(rig.flush());
}

#[test]
fn purged_segments_are_removed() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    write(&mut rig, 1, 0..100);
    assert!(rig.segments() > 8);
    purge(&mut rig, 1, 98);
    assert!(rig.segments() <= 2, "{}", rig.segments());
    assert_eq!(Rig::open(&disk).unwrap().read(1).unwrap().len(), 1);
}

#[test]
fn a_lagging_group_does_not_hold_the_disk() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    write(&mut rig, 2, 0..3);
    for round in 0..50 {
        write(&mut rig, 1, round * 10..round * 10 + 10);
        purge(&mut rig, 1, round * 10 + 9);
        assert!(rig.segments() <= OPTIONS.segments_max + 1, "round {round}: {}", rig.segments());
    }
    assert!(rig.memory.lock().stats.relocated_bytes > 0);
    let lagging: Vec<_> = (0..3).map(|index| entry(index, 100)).collect();
    assert_eq!(rig.read(2).unwrap(), lagging);
    assert_eq!(Rig::open(&disk).unwrap().read(2).unwrap(), lagging);
}

/// More than a quarter of the oldest segment is the lagging group's, but most of the log is dead.
#[test]
fn not_even_one_with_a_whole_segment() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    write(&mut rig, 2, 0..10);
    for round in 0..100 {
        write(&mut rig, 1, round * 10..round * 10 + 10);
        purge(&mut rig, 1, round * 10 + 9);
    }
    assert!(rig.segments() <= OPTIONS.segments_max + 2, "{}", rig.segments());
    assert_eq!(Rig::open(&disk).unwrap().read(2).unwrap().len(), 10);
}

/// Twice what is live, and what the log may have before it moves anything; one segment is being written, one ready,
/// and one is being emptied.
#[test]
fn the_disk_a_log_takes_is_bounded_by_its_settings_and_what_is_live() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    write(&mut rig, 2, 0..40);
    for round in 0..100 {
        write(&mut rig, 1, round * 10..round * 10 + 10);
        purge(&mut rig, 1, round * 10 + 9);
        let live = 2 * rig.memory.lock().index.live().total();
        let bound = OPTIONS.segment_bytes * (OPTIONS.segments_max as u64 + 3) + live;
        assert!(disk.used() as u64 <= bound, "round {round}: {} of {bound}", disk.used());
    }
}

#[test]
fn segments_are_used_again() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    for round in 0..100 {
        write(&mut rig, 1, round * 5..round * 5 + 5);
        purge(&mut rig, 1, round * 5 + 4);
    }
    assert!(rig.supply.prepared() > 30);
    assert!(disk.files_made() <= OPTIONS.segments_max, "{}", disk.files_made());
    let rig = Rig::open(&disk).unwrap();
    assert!(rig.read(1).unwrap().is_empty());
}

/// What a reader found stays what it was, though the segment it is in may become another.
#[test]
fn a_segment_is_not_used_again_under_a_reader() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open_with(&disk, WalOptions { cache_bytes: 0, ..OPTIONS }).unwrap();
    write(&mut rig, 1, 0..5);
    let found = rig.memory.lock().find(1, 0, 5, u64::MAX).unwrap();
    for round in 1..50 {
        write(&mut rig, 1, round * 5..round * 5 + 5);
        purge(&mut rig, 1, round * 5 + 4);
    }
    for (index, found) in found.into_iter().enumerate() {
        assert_eq!(found.load().unwrap(), entry(index as u64, 100));
    }
}

#[test]
fn votes_outlive_every_segment_they_were_written_to() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    rig.change(Change::Vote { group: 7, vote: vec![1, 2, 3].into() }).unwrap();
    for round in 0..20 {
        write(&mut rig, 1, round * 10..round * 10 + 10);
        purge(&mut rig, 1, round * 10 + 9);
    }
    let rig = Rig::open(&disk).unwrap();
    let memory = rig.memory.lock();
    assert!(!memory.files.contains_key(&1));
    assert_eq!(memory.index.groups()[&7].vote.as_deref(), Some(&[1, 2, 3][..]));
}

#[test]
fn a_batch_larger_than_a_segment_gets_a_larger_one() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    write(&mut rig, 1, 0..2);
    rig.append(1, vec![entry(2, 10_000)]);
    assert!(rig.flush());
    write(&mut rig, 1, 3..5);
    assert_eq!(Rig::open(&disk).unwrap().read(1).unwrap(), rig.read(1).unwrap());
}
