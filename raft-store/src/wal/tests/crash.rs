//! Power loss at any operation: what was reported durable is there, the rest whole batches or nothing.

use proptest::prelude::*;

use super::rig::{Life, Model, Rig, entry};
use crate::wal::WalError;
use crate::wal::memory::Change;
use crate::wal::testing::{Chance, Fault, FaultyDisk};

const STEPS: u64 = 100;

/// The disk after its process died: killed, so that the kernel still has what was not synced, or with the
/// whole machine.
fn after_death(disk: &FaultyDisk, chance: &mut Chance) -> FaultyDisk {
    if chance.below(3) == 0 { disk.after_kill() } else { disk.crash(chance) }
}

/// Opens `disk`, dying up to twice while it is read back.
fn open(mut disk: FaultyDisk, allowed: [&Model; 2], chance: &mut Chance) -> (FaultyDisk, Life) {
    for _ in 0..chance.below(3) {
        disk.fault_at(chance.below(7), Fault::PowerLoss);
        match Life::begin(&disk, allowed) {
            Ok(_) | Err(WalError::Io { .. }) => disk = after_death(&disk, chance),
            Err(error) => panic!("a crash must never look like damage: {error}"),
        }
    }
    disk = disk.after_kill();
    let life = Life::begin(&disk, allowed).unwrap();
    (disk, life)
}

/// One log through several lives, each ended by a death.
fn lives(seed: u64) {
    let mut chance = Chance(seed);
    let nothing = Model::default();
    let (mut disk, mut life) = open(FaultyDisk::default(), [&nothing; 2], &mut chance);
    for _ in 0..4 {
        disk.fault_at(chance.below(250), Fault::PowerLoss);
        life.live(STEPS, &mut chance);
        disk = after_death(&disk, &mut chance);
        (disk, life) = open(disk, [&life.durable, &life.wanted], &mut chance);
    }
}

/// Random lives of a test: `QUORATE_WAL_LIVES` if that is set.
pub(super) fn lives_max(default: u32) -> u32 {
    std::env::var("QUORATE_WAL_LIVES").ok().and_then(|lives| lives.parse().ok()).unwrap_or(default)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: lives_max(120), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_and_nothing_is_half_applied(seed in 1..u64::MAX) {
        lives(seed);
    }
}

#[test]
fn power_may_go_at_every_operation() {
    let nothing = Model::default();
    let run = |disk: &FaultyDisk| {
        let mut life = Life::begin(disk, [&nothing; 2]).ok()?;
        life.live(STEPS, &mut Chance(7));
        Some(life)
    };
    let whole = FaultyDisk::default();
    run(&whole).unwrap();
    for at in 0..whole.operations() {
        let disk = FaultyDisk::default();
        disk.fault_at(at, Fault::PowerLoss);
        let life = run(&disk);
        let allowed = life.as_ref().map_or([&nothing; 2], |life| [&life.durable, &life.wanted]);
        Life::begin(&disk.crash(&mut Chance(at + 1)), allowed).unwrap();
    }
}

/// Killed between the rename of the first segment and the sync of the directory: the next start sees the
/// segment, but the disk does not have its name yet.
#[test]
fn a_segment_whose_name_was_not_durable_is_made_so() {
    let disk = FaultyDisk::default();
    Rig::open(&disk).unwrap();
    for at in 0..disk.operations() {
        for seed in 1..10 {
            let disk = FaultyDisk::default();
            disk.fault_at(at, Fault::PowerLoss);
            // The first one may be opened all the same: what fails is then the next segment.
            drop(Rig::open(&disk));
            let disk = disk.after_kill();
            let mut rig = Rig::open(&disk).unwrap();
            rig.append(1, vec![entry(0, 10)]);
            assert!(rig.flush());
            let rig = Rig::open(&disk.crash(&mut Chance(seed))).unwrap();
            assert_eq!(rig.read(1).unwrap().len(), 1, "operation {at}, seed {seed}");
        }
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

/// What was enqueued while the seal was on its way: its callers hear of it, and its space is free again.
#[test]
fn a_failed_seal_ends_what_waits_and_gives_its_space_back() {
    let disk = FaultyDisk::default();
    let mut rig = Rig::open(&disk).unwrap();
    rig.append(1, vec![entry(0, 10)]);
    assert!(rig.flush());
    let change = Change::Append { group: 1, entries: vec![entry(1, 10)] };
    let charged = change.cost();
    rig.change(change).unwrap();
    disk.fault_at(1, Fault::Fail(std::io::ErrorKind::Other));
    let flushed = rig.writer.seal(&rig.memory);
    assert_eq!(flushed.charged, charged);
    flushed.complete();
    let memory = rig.memory.lock();
    assert!(memory.queue.is_empty() && memory.failure.is_some());
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

/// One failed operation, whichever it is: it ends the log if it was about a segment in use, and loses nothing.
#[test]
fn a_failure_at_any_operation_loses_nothing() {
    for at in (0..150).step_by(3) {
        for kind in [std::io::ErrorKind::StorageFull, std::io::ErrorKind::Other] {
            let disk = FaultyDisk::default();
            let mut life = Life::begin(&disk, [&Model::default(); 2]).unwrap();
            disk.fault_at(at, Fault::Fail(kind));
            life.live(60, &mut Chance(at + 1));
            life.check_after(&disk.after_kill());
            life.check_after(&disk.crash(&mut Chance(at + 1)));
        }
    }
}
