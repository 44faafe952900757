//! A disk without room: nothing fails, nothing is acknowledged that is not on disk, votes and purges still are, and
//! everything goes on by itself once there is room.

use std::sync::Arc;

use super::crash::lives_max;
use super::rig::{Life, Model, OPTIONS, Rig, entry, id};
use crate::wal::memory::Change;
use crate::wal::testing::{Chance, Fault, FaultyDisk};
use crate::wal::{SharedLog, WalError, WalOptions};

const SEGMENT: usize = OPTIONS.segment_bytes as usize;

/// Appends to group 1, one entry a flush, until one is not acknowledged. Returns how many were.
fn fill(rig: &mut Rig) -> u64 {
    for index in 0.. {
        rig.append(1, vec![entry(index, 100)]);
        if !rig.flush() {
            return index;
        }
    }
    unreachable!("the disk is full some time")
}

fn full_rig(segments: usize) -> (FaultyDisk, Rig, u64) {
    let disk = FaultyDisk::default();
    disk.set_capacity(Some(segments * SEGMENT));
    let mut rig = Rig::open(&disk).unwrap();
    let acknowledged = fill(&mut rig);
    (disk, rig, acknowledged)
}

fn vote(group: u32, vote: u8) -> Change {
    Change::Vote { group, vote: vec![vote].into() }
}

fn stored_vote(rig: &Rig, group: u32) -> Option<Vec<u8>> {
    rig.memory.lock().index.groups().get(&group)?.vote.as_ref().map(|vote| vote.to_vec())
}

#[test]
fn it_says_so_while_a_whole_segment_is_still_free_and_names_what_is_missing() {
    let disk = FaultyDisk::default();
    disk.set_capacity(Some(3 * SEGMENT - 100));
    let mut rig = Rig::open(&disk).unwrap();
    assert_eq!(rig.supply.full(), None);
    let mut index = 0;
    while rig.supply.full().is_none() {
        rig.append(1, vec![entry(index, 100)]);
        assert!(rig.flush());
        index += 1;
    }
    let why = rig.supply.full().unwrap();
    assert!(why.contains("needs 2048 bytes, 1948 are free, 100 are missing"), "{why}");
    for more in 0..8 {
        rig.append(1, vec![entry(index + more, 100)]);
        assert!(rig.flush(), "entry {more} after it said so");
    }
}

#[test]
fn appends_wait_and_votes_are_written_all_the_same() {
    let (disk, mut rig, acknowledged) = full_rig(3);
    assert!(rig.memory.lock().failure.is_none());
    rig.change(vote(7, 1)).unwrap();
    assert!(!rig.flush(), "the append still waits");
    assert_eq!(stored_vote(&rig, 7), Some(vec![1]));
    let after = Rig::open(&disk.crash(&mut Chance(1))).unwrap();
    assert_eq!(after.read(1).unwrap().len() as u64, acknowledged);
    assert_eq!(stored_vote(&after, 7), Some(vec![1]));
}

/// Appends fill a segment up to its reserve only: however small they are, there is room for votes larger than them.
#[test]
fn appends_leave_room_for_votes() {
    let disk = FaultyDisk::default();
    disk.set_capacity(Some(2 * SEGMENT));
    let mut rig = Rig::open(&disk).unwrap();
    for index in 0.. {
        rig.append(1, vec![entry(index, 0)]);
        if !rig.flush() {
            break;
        }
    }
    for group in [7, 8] {
        rig.change(Change::Vote { group, vote: vec![1; 40].into() }).unwrap();
        rig.flush();
        assert_eq!(stored_vote(&rig, group), Some(vec![1; 40]));
    }
}

/// A vote must not be on disk before the entries its group asked for first.
#[test]
fn nothing_goes_ahead_of_its_own_group() {
    let (_, mut rig, _) = full_rig(3);
    rig.change(vote(1, 9)).unwrap();
    rig.flush();
    assert_eq!(stored_vote(&rig, 1), None);
}

#[test]
fn a_purge_frees_room_and_what_waited_is_written() {
    let disk = FaultyDisk::default();
    disk.set_capacity(Some(4 * SEGMENT));
    let mut rig = Rig::open(&disk).unwrap();
    for index in 0..10 {
        rig.append(2, vec![entry(index, 100)]);
        assert!(rig.flush());
    }
    let acknowledged = fill(&mut rig);
    rig.change(Change::Purge { group: 2, upto: id(9, 1) }).unwrap();
    rig.flush();
    assert!(rig.flush(), "the segment of group 2 is the next one");
    assert_eq!(rig.supply.full().is_some(), disk.used() + SEGMENT > 4 * SEGMENT);
    let after = Rig::open(&disk.crash(&mut Chance(1))).unwrap();
    assert_eq!(after.read(1).unwrap().len() as u64, acknowledged + 1);
    assert!(after.read(2).unwrap().is_empty());
}

fn purged(rig: &Rig, group: u32) -> Option<u64> {
    rig.memory.lock().index.groups().get(&group)?.purged.map(|id| id.index)
}

#[test]
fn a_purge_frees_room_for_its_own_group_that_waits() {
    let (disk, mut rig, acknowledged) = full_rig(3);
    rig.append(1, vec![entry(acknowledged + 1, 100)]);
    rig.change(Change::Purge { group: 1, upto: id(acknowledged - 1, 1) }).unwrap();
    rig.flush();
    assert_eq!(purged(&rig, 1), Some(acknowledged - 1), "it went ahead");
    assert!(rig.flush(), "its segment is the next one");
    let both = [entry(acknowledged, 100), entry(acknowledged + 1, 100)];
    assert_eq!(rig.read(1).unwrap(), both);
    assert_eq!(Rig::open(&disk.crash(&mut Chance(1))).unwrap().read(1).unwrap(), both);
}

#[test]
fn a_purge_goes_ahead_of_appends_alone_and_of_none_it_purges() {
    let (_, mut rig, acknowledged) = full_rig(3);
    rig.append(1, vec![]);
    rig.change(Change::Purge { group: 1, upto: id(acknowledged, 1) }).unwrap();
    rig.flush();
    assert_eq!(purged(&rig, 1), None, "the append that waits is purged by it");
    let (_, mut rig, acknowledged) = full_rig(3);
    rig.change(Change::Truncate { group: 1, from: acknowledged - 2 }).unwrap();
    rig.change(Change::Purge { group: 1, upto: id(acknowledged - 1, 1) }).unwrap();
    rig.flush();
    assert_eq!(purged(&rig, 1), None, "a truncation waits");
}

#[test]
fn room_given_from_outside_ends_it() {
    let (disk, mut rig, acknowledged) = full_rig(3);
    disk.set_capacity(Some(6 * SEGMENT));
    assert!(rig.flush());
    assert_eq!(rig.supply.full(), None);
    assert_eq!(rig.read(1).unwrap().len() as u64, acknowledged + 1);
}

#[test]
fn a_batch_larger_than_a_segment_waits_for_a_larger_one() {
    let disk = FaultyDisk::default();
    disk.set_capacity(Some(3 * SEGMENT));
    let mut rig = Rig::open(&disk).unwrap();
    rig.append(1, vec![entry(0, 3 * SEGMENT)]);
    assert!(!rig.flush());
    rig.change(vote(2, 1)).unwrap();
    rig.flush();
    assert_eq!(stored_vote(&rig, 2), Some(vec![1]));
    assert!(rig.supply.full().is_some());
    let after = Rig::open(&disk.crash(&mut Chance(3))).unwrap();
    assert!(after.read(1).unwrap().is_empty());
    disk.set_capacity(None);
    assert!(rig.flush());
    rig.append(1, vec![entry(1, 10)]);
    assert!(rig.flush());
    assert_eq!(Rig::open(&disk).unwrap().read(1).unwrap(), [entry(0, 3 * SEGMENT), entry(1, 10)]);
}

/// The next segment was ready; a start must not give it away.
#[test]
fn a_restart_on_a_full_disk_keeps_what_was_prepared() {
    let disk = FaultyDisk::default();
    disk.set_capacity(Some(2 * SEGMENT));
    drop(Rig::open(&disk).unwrap());
    let disk = disk.crash(&mut Chance(2));
    disk.set_capacity(Some(SEGMENT));
    let mut rig = Rig::open(&disk).unwrap();
    assert_eq!(rig.supply.full(), None);
    assert!(fill(&mut rig) > SEGMENT as u64 / 150);
}

/// Random lives on a disk that has room now and then, ended by power loss.
#[test]
fn nothing_is_lost_on_a_disk_that_fills_up_and_empties() {
    for seed in 1..=u64::from(lives_max(40)) {
        let mut chance = Chance(seed);
        let disk = FaultyDisk::default();
        let mut life = Life::begin(&disk, [&Model::default(); 2]).unwrap();
        for round in 0..6 {
            disk.set_capacity((round % 2 == 0).then(|| disk.used() + chance.below(SEGMENT as u64) as usize));
            life.live(60, &mut chance);
            assert!(life.rig.memory.lock().failure.is_none(), "seed {seed}");
        }
        disk.set_capacity(None);
        disk.fault_at(chance.below(60), Fault::PowerLoss);
        life.live(100, &mut chance);
        life.check_after(&disk.crash(&mut chance));
    }
}

/// A write that fails on a segment in use is another matter: what is on disk is no longer known.
#[test]
fn no_room_under_a_segment_in_use_ends_the_log() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    disk.fault_at(0, Fault::Fail(std::io::ErrorKind::StorageFull));
    rig.append(1, vec![entry(0, 10)]);
    assert!(!rig.flush());
    let why = rig.memory.lock().failure.as_ref().unwrap().to_wal().to_string();
    assert!(why.contains("writing 96 bytes at byte 32 of 00000000000000000001.wal"), "{why}");
}

const SHARED: WalOptions = WalOptions { segment_bytes: 8 << 10, queue_bytes: 64 << 10, ..OPTIONS };

fn append(log: &SharedLog, index: u64) -> tokio::sync::oneshot::Receiver<std::io::Result<()>> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let log = log.clone();
    tokio::spawn(async move {
        let done = Box::new(move |result| drop(tell.send(result)));
        log.append(1, vec![entry(index, 1000)], done).await.unwrap();
    });
    told
}

/// The threads: callers wait, a vote does not, and room ends the wait without anybody asking.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_wait_until_there_is_room() {
    let disk = FaultyDisk::default();
    disk.set_capacity(Some(3 * SHARED.segment_bytes as usize));
    let log = SharedLog::open_on(Arc::new(disk.clone()), SHARED).unwrap();
    let mut index = 0;
    let waiting = loop {
        let mut told = append(&log, index);
        index += 1;
        // Whether it is written is known once a vote behind it in the queue is.
        while log.bounds(1).unwrap().1.is_none_or(|last| last.index + 1 < index) {
            tokio::task::yield_now().await;
        }
        log.save_vote(2, vec![1].into()).await.unwrap();
        if told.try_recv().is_err() && log.full().is_some() {
            break told;
        }
    };
    assert!(log.health().is_ok());
    disk.set_capacity(None);
    waiting.await.unwrap().unwrap();
    while log.full().is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_log_closes_and_says_what_it_left() {
    let disk = FaultyDisk::default();
    disk.set_capacity(Some(2 * SHARED.segment_bytes as usize));
    let log = SharedLog::open_on(Arc::new(disk.clone()), SHARED).unwrap();
    let told: Vec<_> = (0..1).map(|index| append(&log, index)).collect();
    for told in told {
        told.await.unwrap().unwrap();
    }
    let large = entry(1, 50_000);
    let (tell, told) = tokio::sync::oneshot::channel();
    log.append(1, vec![large], Box::new(move |result| drop(tell.send(result)))).await.unwrap();
    let closing = log.clone();
    let closed = crate::blocking::run(move || closing.close()).await.unwrap();
    assert!(matches!(closed, Err(WalError::Full(_))), "{closed:?}");
    assert_eq!(told.await.unwrap().unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    drop(log);
    let log = SharedLog::open_on(Arc::new(disk.after_kill()), SHARED).unwrap();
    assert_eq!(log.group_stats(1).entries, 1);
}
