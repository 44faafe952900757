//! The map against the model, and the rules the model cannot show with its few keys.

use bytes::Bytes;
use proptest::prelude::*;

use super::expire::removed_by_one_entry;
use super::model::Model;
use super::*;
use crate::command::arbitrary::{cases, commands, keys, packed};
use crate::command::*;
use crate::limits::{
    EXPIRED_PENDING_REMOVED_MAX, EXPIRED_PENDING_SHARE, EXPIRED_REMOVED_PER_COMMAND,
    EXPIRED_REMOVED_PER_ENTRY,
};
use crate::snapshot::{ChunkReader, ChunkWriter};

#[derive(Debug, Clone)]
enum Step {
    /// Apply an entry whose time differs from the last one's by this much.
    Apply(i64, Vec<Command>),
    /// Go on with a map restored from a snapshot.
    Restore,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let apply = (-20..60i64, commands()).prop_map(|(by, commands)| Step::Apply(by, commands));
    prop::collection::vec(prop_oneof![9 => apply, 1 => Just(Step::Restore)], 1..50)
}

fn restored(map: &TtlMap) -> TtlMap {
    let mut reader = ChunkReader::new();
    ChunkWriter::new(map.freeze()).for_each(|chunk| reader.push(&chunk).unwrap());
    reader.finish().unwrap()
}

fn check_against(model: &Model, map: &TtlMap) -> Result<(), TestCaseError> {
    prop_assert_eq!(map.validate(), Ok(()));
    prop_assert_eq!(
        (map.time_ms(), map.wall_ms(), map.version()),
        (model.time_ms, model.wall_ms, model.version)
    );
    prop_assert_eq!(map.stats(), model.stats());
    prop_assert_eq!(map.next_deadline(), model.next_deadline());
    for key in keys() {
        prop_assert_eq!(map.get(&key), model.get(&key));
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(192))]

    /// One map lives through the whole log, one is restored from snapshots on the way: both agree with the
    /// model in every reply and every read, and with each other to the byte.
    #[test]
    fn does_what_the_model_does(steps in steps()) {
        let mut model = Model::owning_all();
        let (mut steady, mut restoring) = (TtlMap::owning_all(), TtlMap::owning_all());
        let mut time_ms = 1_000u64;
        for (step, wall_ms) in steps.into_iter().zip(1..) {
            match step {
                Step::Apply(by, commands) => {
                    time_ms = time_ms.saturating_add_signed(by);
                    let entry = packed(time_ms, wall_ms, &commands);
                    let expected = model.apply(time_ms, wall_ms, &commands);
                    prop_assert_eq!(&steady.apply(&entry).unwrap(), &expected);
                    prop_assert_eq!(&restoring.apply(&entry).unwrap(), &expected);
                }
                Step::Restore => restoring = restored(&restoring),
            }
            check_against(&model, &steady)?;
            check_against(&model, &restoring)?;
        }
        prop_assert_eq!(steady.digest(), restoring.digest());
        prop_assert!(ChunkWriter::new(steady.freeze()).eq(ChunkWriter::new(restoring.freeze())));
    }

    /// A frozen copy is not touched by what is applied later, and a snapshot of it with the log behind it is
    /// the whole log, wherever it was taken.
    #[test]
    fn a_snapshot_and_the_tail_are_the_whole_log(before in entries(), after in entries()) {
        let mut map = TtlMap::owning_all();
        before.iter().for_each(|entry| drop(map.apply(entry).unwrap()));
        let (frozen, digest) = (map.freeze(), map.digest());
        let early: Vec<Vec<u8>> = ChunkWriter::new(map.freeze()).collect();
        after.iter().for_each(|entry| drop(map.apply(entry).unwrap()));
        prop_assert_eq!(frozen.clone().digest(), digest);
        prop_assert!(ChunkWriter::new(frozen.clone()).eq(early), "a snapshot shows the moment of the freeze");
        for mut other in [TtlMap::from_frozen(frozen.clone()), restored(&TtlMap::from_frozen(frozen))] {
            prop_assert_eq!(other.validate(), Ok(()));
            for entry in &after {
                other.apply(entry).unwrap();
                prop_assert_eq!(other.validate(), Ok(()));
            }
            prop_assert!(ChunkWriter::new(other.freeze()).eq(ChunkWriter::new(map.freeze())));
            prop_assert_eq!((other.stats(), other.digest()), (map.stats(), map.digest()));
        }
    }
}

fn entries() -> impl Strategy<Value = Vec<PackedEntry>> {
    prop::collection::vec((0..2_000u64, commands()), 0..40)
        .prop_map(|entries| entries.iter().map(|(time_ms, commands)| packed(*time_ms, 0, commands)).collect())
}

fn numbered(number: usize) -> Key {
    Key::new(0, format!("key {number}").as_bytes()).unwrap()
}

fn set(key: Key, ttl_ms: u64) -> Command {
    let (value, content) = (Bytes::from_static(b"v"), Content::Octets);
    Command::Set(Set { key, value, content, expiry: Expiry::AfterMs(ttl_ms), condition: Condition::None })
}

fn apply(map: &mut TtlMap, time_ms: u64, commands: &[Command]) -> Vec<Reply> {
    let replies = map.apply(&packed(time_ms, time_ms, commands)).unwrap().replies;
    assert_eq!(map.validate(), Ok(()));
    replies
}

#[test]
fn expired_keys_go_a_bounded_number_at_a_time() {
    let mut map = TtlMap::owning_all();
    let many: Vec<Command> = (0..300).map(|n| set(numbered(n), 10 + n as u64 % 2)).collect();
    apply(&mut map, 100, &many);

    apply(&mut map, 200, &[]);
    let stats = map.stats();
    assert_eq!((stats.items, stats.expired_pending, stats.expired_total), (227, 227, 64 + 300 / 32));
    assert_eq!(stats.expired_pending_bytes, stats.bytes, "all of them are pending");
    assert!(
        (0..300).all(|n| map.get(&numbered(n)) == Lookup::Miss),
        "due keys are invisible, removed or not"
    );

    // The earliest deadlines go first, and each command adds two removals to the bound.
    apply(&mut map, 200, &[set(numbered(1000), 50), set(numbered(1001), 50)]);
    assert_eq!(map.stats().items, 227 - (64 + 2 * 2 + 227 / 32) + 2);
    assert_eq!(map.next_deadline(), Some(110));
    apply(&mut map, 200, &[]);
    assert_eq!(map.next_deadline(), Some(111));
}

#[test]
fn keys_due_at_one_time_go_in_order_of_slot_hash_and_key() {
    let mut map = TtlMap::owning_all();
    let mut keys: Vec<Key> = (0..300).map(numbered).collect();
    keys.extend((0..20).map(|n| Key::new(9, format!("{{key 7}}{n}").as_bytes()).unwrap()));
    let many: Vec<Command> = keys.iter().map(|key| set(key.clone(), 10)).collect();
    apply(&mut map, 100, &many);
    keys.sort_by_key(|key| (key.slot(), hash_of(key.into()), key.clone()));
    while !keys.is_empty() {
        apply(&mut map, 200, &[]);
        keys.drain(..keys.len().min(removed_by_one_entry(keys.len(), 0)));
        let left = map.state.slots.tables().flat_map(|(_, table)| table.iter());
        assert!(left.map(|found| found.record.key).eq(keys.iter().map(KeyRef::from)));
    }
}

#[test]
fn which_expired_keys_go_first_does_not_depend_on_a_restore() {
    let mut map = TtlMap::owning_all();
    let many: Vec<Command> = (0..300).map(|n| set(numbered(n), 10)).collect();
    apply(&mut map, 100, &many);
    let mut other = restored(&map);
    let mut left = 300;
    for _ in 0..3 {
        apply(&mut map, 200, &[]);
        apply(&mut other, 200, &[]);
        assert_eq!(map.digest(), other.digest());
        left -= removed_by_one_entry(left, 0);
    }
    assert_eq!(map.stats().expired_pending, left as u64);
}

/// The bound the documents state: how long an entry takes, and how soon what expired is gone.
#[test]
fn half_a_million_expired_keys_are_gone_after_a_few_hundred_entries() {
    let (mut pending, mut entries) = (500_000, 0);
    while pending > 0 {
        let removed = removed_by_one_entry(pending, 0);
        assert!(removed <= EXPIRED_REMOVED_PER_ENTRY + EXPIRED_PENDING_REMOVED_MAX);
        (pending, entries) = (pending.saturating_sub(removed), entries + 1);
    }
    assert!(entries <= 320, "{entries} entries");
}

#[test]
fn only_due_keys_count_for_how_many_go() {
    let mut map = TtlMap::owning_all();
    let many: Vec<Command> = (0..1200).map(|n| set(numbered(n), if n < 200 { 10 } else { 9_000 })).collect();
    apply(&mut map, 100, &many);
    apply(&mut map, 200, &[]);
    assert_eq!(map.stats().expired_total, 64 + 200 / 32);
}

#[test]
fn more_is_removed_than_commands_can_create() {
    let mut map = TtlMap::owning_all();
    for round in 0..20u64 {
        let many: Vec<Command> = (0..200).map(|n| set(numbered(round as usize * 200 + n), 1)).collect();
        map.apply(&packed(100 + 2 * round, 0, &many)).unwrap();
        let bound = 200 + EXPIRED_PENDING_SHARE as u64;
        assert!(map.stats().expired_pending <= bound, "{:?}", map.stats());
    }
    const { assert!(EXPIRED_REMOVED_PER_COMMAND > 1) }
}

#[test]
fn an_entry_that_does_not_decode_changes_nothing() {
    let mut map = TtlMap::owning_all();
    apply(&mut map, 100, &[set(numbered(1), 1000)]);
    let digest = map.digest();
    let good = packed(200, 200, &[set(numbered(2), 1000), set(numbered(3), 1000)]);
    let cut = good.as_bytes().slice(..good.as_bytes().len() - 1);
    assert!(map.apply(&PackedEntry::from_bytes(cut).unwrap()).is_err());
    let long = [&good.as_bytes()[..], b"!"].concat();
    assert!(map.apply(&PackedEntry::from_bytes(long.into()).unwrap()).is_err());
    assert_eq!(map.digest(), digest);
}

#[test]
fn a_late_leader_does_not_turn_time_or_wall_clock_back() {
    let mut map = TtlMap::owning_all();
    map.apply(&packed(100, 9_000, &[])).unwrap();
    map.apply(&packed(99, 9_500, &[])).unwrap();
    assert_eq!((map.time_ms(), map.wall_ms()), (100, 9_000));
    map.apply(&packed(100, 9_600, &[])).unwrap();
    assert_eq!((map.time_ms(), map.wall_ms()), (100, 9_600));
}

#[test]
fn lost_slots_take_their_entries_along() {
    let mut map = TtlMap::owning_all();
    let all: Vec<Command> = (0..100).map(|n| set(numbered(n), 1000)).collect();
    apply(&mut map, 100, &all);
    let kept = numbered(5);
    let slots: SlotSet = [kept.slot()].into_iter().collect();
    let assign = |epoch, slots: &SlotSet| Command::AssignSlots(AssignSlots { epoch, slots: slots.clone() });

    assert_eq!(apply(&mut map, 100, &[assign(1, &slots)]), [Reply::Done]);
    assert!(matches!(map.get(&kept), Lookup::Hit(_)));
    assert_eq!(map.get(&numbered(6)), Lookup::NotOwner);
    assert_eq!(apply(&mut map, 100, &[set(numbered(6), 1)]), [Reply::Rejected(Rejection::NotOwner)]);

    assert!(map.take_dropped().is_some(), "what was lost waits to be freed");
    assert!(map.take_dropped().is_none());

    apply(&mut map, 100, &[assign(1, &SlotSet::all())]);
    assert_eq!(map.owned(), (1, &slots), "an epoch counts once");
    apply(&mut map, 100, &[assign(2, &SlotSet::all())]);
    assert_eq!(map.get(&numbered(6)), Lookup::Miss, "regained empty");
    assert_eq!(map.version(), 100);
}

#[test]
fn stored_bytes_do_not_keep_the_entry_alive() {
    let entry = packed(1, 1, &[set(numbered(1), 1000)]);
    let mut map = TtlMap::owning_all();
    map.apply(&entry).unwrap();
    let buffer = entry.as_bytes().as_ptr_range();
    let Lookup::Hit(hit) = map.get(&numbered(1)) else { panic!("just written") };
    assert!(!buffer.contains(&hit.value.as_ptr()));
}

#[test]
fn a_large_value_is_shared_with_reads_and_outlives_a_new_deadline() {
    let large = Bytes::from(vec![7; record::INLINE_VALUE_BYTES_MAX + 1]);
    let Command::Set(command) = set(numbered(1), 1000) else { unreachable!() };
    let entry = packed(1, 1, &[Command::Set(Set { value: large, ..command })]);
    let mut map = TtlMap::owning_all();
    map.apply(&entry).unwrap();
    let read = |map: &TtlMap| match map.get(&numbered(1)) {
        Lookup::Hit(hit) => hit.value.as_ptr(),
        other => panic!("{other:?}"),
    };
    assert!(!entry.as_bytes().as_ptr_range().contains(&read(&map)), "the entry's buffer is kept alive");
    let before = read(&map);
    apply(&mut map, 2, &[Command::Persist(Persist { key: numbered(1), condition: Condition::None })]);
    assert_eq!(read(&map), before, "a new deadline copies no large value");
}

#[test]
fn a_new_map_takes_little_memory_and_owns_nothing() {
    let map = TtlMap::new();
    assert_eq!(map.get(&numbered(1)), Lookup::NotOwner);
    assert_eq!((map.stats(), map.next_deadline()), (MapStats::default(), None));
}
