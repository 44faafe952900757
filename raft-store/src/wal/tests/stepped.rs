//! A log that is driven by hand, as a simulator does it.

use std::io;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::rig::{OPTIONS, entry};
use crate::wal::testing::{Chance, Fault, FaultyDisk};
use crate::wal::{LogSteps, SharedLog};

type Told = oneshot::Receiver<io::Result<()>>;

fn open(disk: &FaultyDisk) -> (SharedLog, LogSteps) {
    SharedLog::open_stepped(Arc::new(disk.clone()), OPTIONS).unwrap()
}

async fn append(log: &SharedLog, index: u64, len: usize) -> Told {
    let (told, wait) = oneshot::channel();
    let done = Box::new(|result| drop(told.send(result)));
    log.append(1, vec![entry(index, len)], done).await.unwrap();
    wait
}

fn indexes(log: &SharedLog) -> Vec<u64> {
    log.read(1, 0, u64::MAX, u64::MAX).unwrap().iter().map(|entry| entry.id.index).collect()
}

#[tokio::test]
async fn nothing_is_durable_before_a_step_and_all_of_it_after() {
    let disk = FaultyDisk::default();
    let (log, mut steps) = open(&disk);
    assert!(steps.is_idle() && !steps.step());
    let (mut first, mut second) = (append(&log, 0, 10).await, append(&log, 1, 10).await);
    let mut voted = tokio::spawn({
        let log = log.clone();
        async move { log.save_vote(1, vec![7].into()).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(indexes(&log), [0, 1], "it can be read at once");
    assert!(matches!(first.try_recv(), Err(TryRecvError::Empty)) && !voted.is_finished());
    let (before, _) = open(&disk.crash(&mut Chance(1)));
    assert_eq!((indexes(&before), before.vote(1).unwrap()), (vec![], None), "nothing was written");

    assert!(!steps.is_idle() && steps.step() && steps.is_idle());
    assert!(first.try_recv().unwrap().is_ok() && second.try_recv().unwrap().is_ok());
    (&mut voted).await.unwrap().unwrap();
    let (after, _) = open(&disk.crash(&mut Chance(1)));
    assert_eq!((indexes(&after), after.vote(1).unwrap()), (vec![0, 1], Some(vec![7].into())));
}

#[tokio::test]
async fn power_lost_in_a_step_tears_the_batch_and_is_told_as_a_failure() {
    for (at, seed) in (0..2).flat_map(|at| (1..20).map(move |seed| (at, seed))) {
        let disk = FaultyDisk::default();
        let (log, mut steps) = open(&disk);
        append(&log, 0, 10).await;
        steps.step();
        let mut torn = append(&log, 1, 900).await;
        disk.fault_at(at, Fault::PowerLoss);
        steps.step();
        assert!(torn.try_recv().unwrap().is_err() && log.health().is_err());
        let (after, _) = open(&disk.crash(&mut Chance(seed)));
        let found = indexes(&after);
        assert!(found == [0] || found == [0, 1], "{found:?}");
    }
}

#[tokio::test]
async fn a_full_disk_is_tried_again_when_told_so() {
    let disk = FaultyDisk::default();
    let (log, mut steps) = open(&disk);
    disk.set_capacity(Some(disk.used()));
    let mut index = 0;
    let mut last = loop {
        let mut told = append(&log, index, 500).await;
        index += 1;
        steps.step();
        if matches!(told.try_recv(), Err(TryRecvError::Empty)) {
            break told;
        }
        assert!(index < 100, "it never waits for room");
    };
    assert!(log.full().is_some() && steps.is_idle());
    steps.retry();
    assert!(steps.step() && log.full().is_some() && last.try_recv().is_err());
    disk.set_capacity(None);
    steps.retry();
    assert!(log.full().is_none());
    while steps.step() {}
    assert!(last.try_recv().unwrap().is_ok());
}

#[tokio::test]
async fn the_end_writes_what_waits_and_seals() {
    let disk = FaultyDisk::default();
    let (log, mut steps) = open(&disk);
    append(&log, 0, 10).await;
    steps.step();
    let operations = disk.operations();
    steps.seal();
    assert_eq!(disk.operations(), operations + 2, "one write, one sync");
    steps.seal();
    assert_eq!(disk.operations(), operations + 2, "it is sealed");
    let mut told = append(&log, 1, 10).await;
    log.close().unwrap();
    let late = log.append(1, vec![entry(2, 10)], Box::new(|_| ())).await;
    assert_eq!(late.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    steps.finish();
    assert!(told.try_recv().unwrap().is_ok());
    assert_eq!(indexes(&open(&disk.crash(&mut Chance(1))).0), [0, 1]);
}

#[tokio::test]
async fn a_dropped_driver_is_a_dead_process() {
    let disk = FaultyDisk::default();
    let (log, steps) = open(&disk);
    append(&log, 0, 10).await;
    drop(steps);
    assert!(log.append(1, vec![entry(1, 10)], Box::new(|_| ())).await.is_err(), "no one waits for ever");
    drop(log);
    assert_eq!(indexes(&open(&disk.after_kill()).0), [] as [u64; 0]);
}
