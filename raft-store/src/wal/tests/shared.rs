//! The log with its threads, on a real directory.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::rig::{entry, id};
use crate::GroupId;
use crate::wal::frame::{FRAME_BYTES, HEADER_BYTES, segment_name};
use crate::wal::options::IDLE_BEFORE_SEAL;
use crate::wal::testing::{Fault, FaultyDisk};
use crate::wal::{SharedLog, WalError, WalOptions};

const OPTIONS: WalOptions = WalOptions {
    segment_bytes: 64 << 10,
    segments_max: 4,
    cache_bytes: 8 << 10,
    queue_bytes: 4 << 10,
    salt: 99,
    clock: || 0,
};

fn open(dir: &Path) -> SharedLog {
    SharedLog::open(dir, OPTIONS).unwrap()
}

async fn append(log: &SharedLog, group: GroupId, index: u64, len: usize) {
    let (tell, told) = oneshot::channel();
    let done = Box::new(move |result| tell.send(result).unwrap());
    log.append(group, vec![entry(index, len)], done).await.unwrap();
    let (_, last) = log.bounds(group).unwrap();
    assert_eq!(last, Some(id(index, 1)), "readable before it is durable");
    told.await.unwrap().unwrap();
}

/// From now on the next operation of the disk is the writer's: the other thread has nothing to do.
async fn prepared(log: &SharedLog) {
    while log.stats().segments_prepared == 0 {
        tokio::task::yield_now().await;
    }
}

/// Entries larger than the queue, more at once than it holds, and far more than the cache holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_groups_append_at_once_and_all_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let writers: Vec<_> = (0..16)
        .map(|group| {
            let log = log.clone();
            tokio::spawn(async move {
                for index in 0..40 {
                    append(&log, group, index, if index == 20 { 6000 } else { 100 }).await;
                }
                log.save_vote(group, Bytes::from_static(b"vote")).await.unwrap();
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(log.stats().cached_bytes <= OPTIONS.cache_bytes);
    log.close().unwrap();
    drop(log);
    let log = open(dir.path());
    assert_eq!(log.groups(), (0..16).collect::<Vec<_>>());
    for group in 0..16 {
        let expected: Vec<_> = (0..40).map(|i| entry(i, if i == 20 { 6000 } else { 100 })).collect();
        assert_eq!(log.read(group, 0, 99, u64::MAX).unwrap(), expected);
        assert_eq!(log.vote(group).unwrap().as_deref(), Some(&b"vote"[..]));
    }
}

#[tokio::test]
async fn a_closed_log_has_written_everything_and_takes_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for index in 0..10 {
        log.append(1, vec![entry(index, 10)], Box::new(|_| ())).await.unwrap();
    }
    log.close().unwrap();
    assert!(log.append(1, vec![entry(10, 10)], Box::new(|_| ())).await.is_err());
    assert!(log.save_vote(1, Bytes::new()).await.is_err());
    drop(log);
    let stats = open(dir.path()).group_stats(1);
    assert_eq!((stats.entries, stats.first_index, stats.last_index), (10, Some(0), Some(9)));
}

#[test]
fn a_directory_is_opened_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    assert!(matches!(SharedLog::open(dir.path(), OPTIONS), Err(WalError::Locked { .. })));
    drop(log);
    open(dir.path());
}

#[tokio::test]
async fn long_reads_are_cut_but_never_empty() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for index in 0..10 {
        append(&log, 1, index, 1000).await;
    }
    assert_eq!(log.read(1, 2, 9, 1).unwrap(), [entry(2, 1000)]);
    assert_eq!(log.read(1, 2, 9, 2200).unwrap(), [entry(2, 1000), entry(3, 1000)]);
    assert!(log.read(1, 10, 20, u64::MAX).unwrap().is_empty());
    assert!(log.read(2, 0, 20, u64::MAX).unwrap().is_empty());
}

/// Callers whose operation was written, waits in the queue, or waits for room in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_log_leaves_nobody_waiting() {
    let disk = FaultyDisk::default();
    let log = SharedLog::open_on(Arc::new(disk.clone()), OPTIONS).unwrap();
    append(&log, 1, 0, 10).await;
    disk.fault_at(0, Fault::PowerLoss);
    let callers: Vec<_> = (2..100)
        .map(|group| {
            let log = log.clone();
            tokio::spawn(async move {
                let (tell, told) = oneshot::channel();
                let done = Box::new(move |result| tell.send(result).unwrap());
                log.append(group, vec![entry(0, 1000)], done).await?;
                told.await.unwrap()
            })
        })
        .collect();
    for caller in callers {
        assert!(caller.await.unwrap().is_err());
    }
    assert!(log.save_vote(1, Bytes::new()).await.is_err());
    assert!(log.read(1, 0, 9, u64::MAX).is_err());
    assert!(matches!(log.health(), Err(WalError::Failed(_))));
    assert!(log.close().is_err());
}

/// The caller whose operation is being written, and those behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_the_writer_leaves_nobody_waiting() {
    let disk = FaultyDisk::default();
    let log = SharedLog::open_on(Arc::new(disk.clone()), OPTIONS).unwrap();
    append(&log, 1, 0, 10).await;
    prepared(&log).await;
    disk.fault_at(0, Fault::Panic);
    for group in 2..5 {
        assert!(log.save_vote(group, Bytes::from_static(b"vote")).await.is_err());
    }
    let (tell, told) = oneshot::channel();
    let appended =
        log.append(1, vec![entry(1, 10)], Box::new(move |result| tell.send(result).unwrap())).await;
    assert!(appended.is_err() || told.await.unwrap().is_err());
    assert!(log.health().unwrap_err().to_string().contains("panicked"));
}

/// The caller of the append that was being written, which has been given to the writer's thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_the_writer_tells_the_append_under_way() {
    let disk = FaultyDisk::default();
    let log = SharedLog::open_on(Arc::new(disk.clone()), OPTIONS).unwrap();
    prepared(&log).await;
    disk.fault_at(0, Fault::Panic);
    let (tell, told) = oneshot::channel();
    log.append(1, vec![entry(0, 10)], Box::new(move |result| tell.send(result).unwrap())).await.unwrap();
    let error = told.await.expect("told").unwrap_err().to_string();
    assert!(error.contains("nobody knows whether this is on disk"), "{error}");
}

/// Flips a bit of the first batch and opens what is there; whether it is known for damage.
fn is_damage(disk: &FaultyDisk) -> bool {
    let disk = disk.after_kill();
    disk.flip(&segment_name(1), (HEADER_BYTES + FRAME_BYTES + 9) * 8);
    matches!(SharedLog::open_on(Arc::new(disk), OPTIONS), Err(WalError::Corrupt { .. }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_log_proves_its_last_batch() {
    let disk = FaultyDisk::default();
    let log = SharedLog::open_on(Arc::new(disk.clone()), OPTIONS).unwrap();
    append(&log, 1, 0, 10).await;
    // Nothing comes here: a pause between two looks.
    let (_open, pause) = std::sync::mpsc::channel::<()>();
    let looks = (0..200).take_while(|_| pause.recv_timeout(IDLE_BEFORE_SEAL / 10).is_err());
    assert!({ looks }.any(|_| is_damage(&disk)), "no empty batch was written");
}

#[tokio::test]
async fn so_does_one_that_is_closed() {
    let disk = FaultyDisk::default();
    let log = SharedLog::open_on(Arc::new(disk.clone()), OPTIONS).unwrap();
    append(&log, 1, 0, 10).await;
    log.close().unwrap();
    assert!(is_damage(&disk));
}

#[tokio::test]
async fn progress_ends_with_everything() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    append(&log, 1, 0, 10).await;
    drop(log);
    let seen = std::cell::RefCell::new(Vec::new());
    drop(
        SharedLog::open_with(dir.path(), OPTIONS, &|done, all| seen.borrow_mut().push((done, all))).unwrap(),
    );
    let seen = seen.into_inner();
    assert!(
        seen.is_sorted()
            && seen.last().is_some_and(|(done, all)| done == all && *all >= OPTIONS.segment_bytes)
    );
}
