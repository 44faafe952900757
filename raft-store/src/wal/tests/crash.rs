//! Power loss at any operation: what was reported durable is there, the rest whole batches or nothing.

use proptest::prelude::*;

use super::rig::{Life, Model, Rig, entry};
use crate::wal::WalError;
use crate::wal::memory::Change;
use crate::wal::testing::{Chance, Fault, FaultyDisk};

const STEPS: u64 = 120;

/// Opens `disk` after a crash, losing power `losses` times more while it is read back.
fn reopen(disk: FaultyDisk, allowed: [&Model; 2], losses: u64, chance: &mut Chance) -> (FaultyDisk, Life) {
    let mut disk = disk;
    for _ in 0..losses {
        disk.fault_at(chance.below(6), Fault::PowerLoss);
        match Life::begin(&disk, allowed) {
            Ok(_) | Err(WalError::Io { .. }) => disk = disk.crash(chance),
            Err(error) => panic!("a crash must never look like damage: {error}"),
        }
    }
    let life = Life::begin(&disk, allowed).unwrap();
    (disk, life)
}

/// One log through several lives, each ended by a power loss.
fn lives(seed: u64) {
    let mut chance = Chance(seed);
    let nothing = Model::default();
    let mut disk = FaultyDisk::default();
    let mut life = Life::begin(&disk, [&nothing; 2]).unwrap();
    for _ in 0..4 {
        disk.fault_at(chance.below(250), Fault::PowerLoss);
        life.live(STEPS, &mut chance);
        let losses = chance.below(3);
        (disk, life) = reopen(disk.crash(&mut chance), [&life.durable, &life.wanted], losses, &mut chance);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_and_nothing_is_half_applied(seed in 1..u64::MAX) {
        lives(seed);
    }
}

#[test]
fn power_may_go_at_every_operation() {
    let run = |disk: &FaultyDisk| {
        let mut life = Life::begin(disk, [&Model::default(); 2]).unwrap();
        life.live(STEPS, &mut Chance(7));
        life
    };
    let whole = FaultyDisk::default();
    run(&whole);
    let opened = FaultyDisk::default();
    Rig::open(&opened).unwrap();
    for at in 0..whole.operations() - opened.operations() {
        let disk = FaultyDisk::default();
        Rig::open(&disk).unwrap();
        disk.fault_at(at + 2, Fault::PowerLoss);
        let life = run(&disk);
        reopen(disk.crash(&mut Chance(at + 1)), [&life.durable, &life.wanted], 0, &mut Chance(1));
    }
}

#[test]
fn a_clean_log_comes_back_as_it_was() {
    let disk = FaultyDisk::default();
    let mut life = Life::begin(&disk, [&Model::default(); 2]).unwrap();
    life.live(500, &mut Chance(3));
    assert!(life.rig.flush());
    assert_eq!(Rig::open(&disk).unwrap().state(), life.wanted);
}

#[test]
fn a_failed_sync_ends_the_log_for_good() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    rig.append(1, vec![entry(0, 10)]);
    assert!(rig.flush());
    disk.fault_at(1, Fault::Fail(std::io::ErrorKind::StorageFull));
    rig.append(1, vec![entry(1, 10)]);
    assert!(!rig.flush());
    let operations = disk.operations();
    let error = rig.change(Change::Truncate { group: 1, from: 0 }).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(rig.read(1).is_err());
    rig.flush();
    assert_eq!(disk.operations(), operations, "nothing is tried again");
}

/// The kernel shows the batch of a failed sync in its cache; a start that believes it must put it on disk.
#[test]
fn what_a_start_believes_survives_the_next_power_loss() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    disk.fault_at(1, Fault::Fail(std::io::ErrorKind::Other));
    rig.append(1, vec![entry(0, 10)]);
    assert!(!rig.flush());
    let believed = Rig::open(&disk).unwrap().state();
    assert_eq!(believed.0[&1].entries.len(), 1);
    assert_eq!(Rig::open(&disk.crash(&mut Chance(1))).unwrap().state(), believed);
}

#[test]
fn a_full_disk_ends_the_log_and_loses_nothing() {
    let disk = FaultyDisk::default();
    let mut life = Life::begin(&disk, [&Model::default(); 2]).unwrap();
    life.live(60, &mut Chance(5));
    disk.fault_at(40, Fault::Fail(std::io::ErrorKind::StorageFull));
    life.live(500, &mut Chance(6));
    assert!(life.rig.memory.lock().failure.is_some());
    Life::begin(&disk, [&life.durable, &life.wanted]).unwrap();
}
