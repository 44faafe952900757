mod closed;
mod damage;
mod full;
mod lost;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures_util::stream;
use openraft::storage::RaftSnapshotBuilder as _;
use openraft::vote::RaftLeaderId as _;
use parking_lot::Mutex;
use tempfile::TempDir;

use super::*;
use crate::command::{Command, Condition, Content, Expiry, Packer, Reply, Set};
use crate::key::Key;
use crate::map::Lookup;
use crate::map::TtlMap;
use crate::snapshot::ChunkWriter;

fn store() -> (TempDir, SnapshotStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SnapshotStore::open(dir.path()).unwrap();
    (dir, store)
}

fn machine(store: &SnapshotStore) -> GroupStateMachine {
    GroupStateMachine::new(META_GROUP, store.clone(), Arc::new(()))
}

fn log_id(index: u64) -> LogId {
    LogId { leader_id: LeaderId::new(1, 1), index }
}

fn key(name: u64) -> Key {
    Key::new(0, format!("key {name}").as_bytes()).unwrap()
}

/// The entry at `index`, which sets two keys at leader time 1000 × `index`.
fn set(index: u64) -> RaftEntry {
    let mut packer = Packer::new();
    for key in [key(index), key(index % 3)] {
        let value = Bytes::from(format!("value {index}"));
        let (content, expiry) = (Content::Octets, Expiry::AfterMs(50_000));
        packer.push(&Command::Set(Set { key, value, content, expiry, condition: Condition::None }));
    }
    RaftEntry { log_id: log_id(index), payload: Payload::Normal(packer.finish(index * 1000, index)) }
}

fn blank(index: u64) -> RaftEntry {
    RaftEntry { log_id: log_id(index), payload: Payload::Blank }
}

fn membership() -> Membership {
    let voters = BTreeSet::from([1, 2, 3]);
    let nodes: BTreeMap<u64, openraft::EmptyNode> = (1..=4).map(|id| (id, openraft::EmptyNode {})).collect();
    Membership::new(vec![voters], nodes).unwrap()
}

async fn apply(
    machine: &mut GroupStateMachine,
    entries: impl IntoIterator<Item = RaftEntry>,
) -> io::Result<()> {
    let entries: Vec<_> = entries.into_iter().map(|entry| Ok((entry, None))).collect();
    machine.apply(stream::iter(entries)).await
}

async fn build(machine: &mut GroupStateMachine) -> GroupSnapshot {
    machine.get_snapshot_builder().await.build_snapshot().await.unwrap()
}

async fn current(machine: &mut GroupStateMachine) -> GroupSnapshot {
    machine.get_current_snapshot().await.unwrap().unwrap()
}

/// The whole state, as bytes that are the same for the same state.
fn state(machine: &GroupStateMachine) -> (Vec<Vec<u8>>, Option<LogId>, StoredMembership) {
    let frozen = machine.map.read().freeze();
    (ChunkWriter::new(frozen).collect(), machine.last_applied(), machine.membership.clone())
}

fn value(machine: &GroupStateMachine, name: u64) -> Option<Bytes> {
    match machine.map.read().get(&key(name)) {
        Lookup::Hit(entry) => Some(entry.value),
        Lookup::Miss | Lookup::NotOwner => None,
    }
}

#[tokio::test]
async fn a_snapshot_and_the_entries_behind_it_restore_the_state() {
    let (_dir, source) = store();
    let mut original = machine(&source);
    let join = RaftEntry { log_id: log_id(1), payload: Payload::Membership(membership()) };
    apply(&mut original, [blank(0), join]).await.unwrap();
    apply(&mut original, (2..60).map(set)).await.unwrap();
    let snapshot = build(&mut original).await;
    apply(&mut original, (60..90).map(set)).await.unwrap();

    let (dir, other) = store();
    let mut restored = machine(&other);
    restored.install_snapshot(&snapshot.meta, snapshot.snapshot).await.unwrap();
    assert_eq!(restored.applied_state().await.unwrap().0, Some(log_id(59)));
    assert_eq!(restored.membership, StoredMembership::new(Some(log_id(1)), membership()));
    assert_ne!(state(&restored), state(&original));
    apply(&mut restored, (60..90).map(set)).await.unwrap();
    assert_eq!(state(&restored), state(&original));

    drop((restored, other));
    let mut restarted = machine(&SnapshotStore::open(dir.path()).unwrap());
    assert_eq!(restarted.applied_state().await.unwrap(), (None, StoredMembership::default()));
    let snapshot = current(&mut restarted).await;
    restarted.install_snapshot(&snapshot.meta, snapshot.snapshot).await.unwrap();
    apply(&mut restarted, (60..90).map(set)).await.unwrap();
    assert_eq!(state(&restarted), state(&original));
}

#[tokio::test]
async fn a_snapshot_shows_the_moment_its_builder_was_made() {
    let (_dir, store) = store();
    let mut written = machine(&store);
    apply(&mut written, (1..10).map(set)).await.unwrap();
    let before = state(&written);
    let mut builder = written.get_snapshot_builder().await;
    apply(&mut written, (10..20).map(set)).await.unwrap();
    let snapshot = builder.build_snapshot().await.unwrap();
    let mut restored = machine(&store);
    restored.install_snapshot(&snapshot.meta, snapshot.snapshot).await.unwrap();
    assert_eq!(state(&restored), before);
}

#[tokio::test]
async fn the_newer_of_two_builders_wins_whichever_ends_first() {
    let (_dir, store) = store();
    let mut machine = machine(&store);
    apply(&mut machine, [set(1)]).await.unwrap();
    let mut older = machine.get_snapshot_builder().await;
    apply(&mut machine, [set(2)]).await.unwrap();
    let newer = build(&mut machine).await;
    assert_eq!(older.build_snapshot().await.unwrap().meta.last_log_id, Some(log_id(1)));
    assert_eq!(current(&mut machine).await.meta, newer.meta);
}

#[tokio::test]
async fn a_snapshot_that_does_not_decode_changes_nothing() {
    let (_dir, store) = store();
    let mut machine = machine(&store);
    apply(&mut machine, (1..5).map(set)).await.unwrap();
    let good = build(&mut machine).await;
    let before = state(&machine);
    let meta = SnapshotMeta { last_log_id: Some(log_id(50)), ..good.meta.clone() };
    let mut writer = store.begin(META_GROUP).unwrap();
    writer.put(b"no chunk of a map").unwrap();
    let bad = writer.finish(&meta).unwrap();
    assert!(machine.install_snapshot(&meta, bad).await.is_err());
    assert_eq!(state(&machine), before);
    assert_eq!(current(&mut machine).await.meta, good.meta);
}

#[tokio::test]
async fn a_snapshot_under_a_false_name_is_refused() {
    let (_dir, store) = store();
    let mut machine = machine(&store);
    apply(&mut machine, [set(1)]).await.unwrap();
    let snapshot = build(&mut machine).await;
    let meta = SnapshotMeta { last_log_id: Some(log_id(2)), ..snapshot.meta };
    assert!(machine.install_snapshot(&meta, snapshot.snapshot).await.is_err());
    assert_eq!(machine.last_applied(), Some(log_id(1)));
}

#[tokio::test]
async fn a_map_prepared_ahead_is_taken_by_the_install_of_its_snapshot_alone() {
    let (_source_dir, source) = store();
    let (_dir, own) = store();
    let mut leader = machine(&source);
    let mut snapshots = Vec::new();
    for index in 1..=2 {
        apply(&mut leader, [set(index)]).await.unwrap();
        let snapshot = build(&mut leader).await.snapshot;
        let mut writer = own.begin(META_GROUP).unwrap();
        (0..snapshot.chunks()).for_each(|at| writer.put_raw(&snapshot.read_raw(at).unwrap()).unwrap());
        snapshots.push(whole(writer.finish(snapshot.covers().clone()).unwrap()).unwrap());
    }
    let mut follower = machine(&own);
    let prepared = follower.prepared();
    prepared.prepare(&snapshots[1].snapshot).unwrap();
    follower.install_snapshot(&snapshots[0].meta, snapshots[0].snapshot.clone()).await.unwrap();
    assert_eq!((value(&follower, 1), value(&follower, 2)), (Some("value 1".into()), None));
    follower.install_snapshot(&snapshots[1].meta, snapshots[1].snapshot.clone()).await.unwrap();
    assert_eq!(format!("{prepared:?}"), "Prepared(None)", "it was used");
    assert_eq!(state(&follower), state(&leader));
}

#[tokio::test]
async fn a_pinned_snapshot_is_shown_in_the_place_of_the_current_one() {
    let (_dir, store) = store();
    let mut machine = machine(&store);
    apply(&mut machine, [set(1)]).await.unwrap();
    let older = build(&mut machine).await;
    machine.pin().set(older.snapshot);
    apply(&mut machine, [set(2)]).await.unwrap();
    let newer = build(&mut machine).await;
    assert_eq!(current(&mut machine).await.meta, older.meta);
    machine.pin().clear();
    assert_eq!(current(&mut machine).await.meta, newer.meta);
}

#[tokio::test]
async fn the_state_never_goes_back() {
    let (_dir, store) = store();
    let mut machine = machine(&store);
    apply(&mut machine, (1..5).map(set)).await.unwrap();
    let snapshot = build(&mut machine).await;
    apply(&mut machine, (5..8).map(set)).await.unwrap();
    let before = state(&machine);
    let refused = machine.install_snapshot(&snapshot.meta, snapshot.snapshot).await.unwrap_err();
    assert!(refused.to_string().contains("would go back"), "{refused}");
    let twice = apply(&mut machine, [set(7)]).await.unwrap_err();
    assert!(twice.to_string().contains("not behind the last applied one"), "{twice}");
    assert_eq!(state(&machine), before);
}

#[tokio::test]
async fn a_committed_entry_that_does_not_decode_stops_the_group() {
    let (_dir, store) = store();
    let mut machine = machine(&store);
    let Payload::Normal(packed) = set(1).payload else { unreachable!() };
    let mut bytes = packed.as_bytes().to_vec();
    let end = bytes.len();
    bytes[end - 30..].fill(0xff);
    let payload = Payload::Normal(PackedEntry::from_bytes(bytes.into()).unwrap());
    let error = apply(&mut machine, [RaftEntry { log_id: log_id(1), payload }, set(2)]).await.unwrap_err();
    assert!(error.to_string().starts_with("group 0: entry"), "{error}");
    assert_eq!((machine.last_applied(), value(&machine, 2)), (None, None));
}

#[derive(Default)]
struct Heard(Mutex<Vec<(&'static str, u64, u64)>>);

impl ApplyObserver for Heard {
    fn applied(&self, log_id: &LogId, map: &TtlMap) {
        self.0.lock().push(("applied", log_id.index, map.time_ms()));
    }

    fn restored(&self, map: &TtlMap) {
        self.0.lock().push(("restored", map.version(), map.time_ms()));
    }
}

#[tokio::test]
async fn what_is_applied_is_announced_with_its_group_time() {
    let (_dir, store) = store();
    let heard = Arc::new(Heard::default());
    let mut machine = GroupStateMachine::new(META_GROUP, store.clone(), heard.clone());
    let mut applied = machine.applied();
    apply(&mut machine, [set(1), blank(2), set(3)]).await.unwrap();
    assert_eq!(*applied.borrow_and_update(), Some(log_id(3)));
    let snapshot = build(&mut machine).await;
    machine.install_snapshot(&snapshot.meta, snapshot.snapshot).await.unwrap();
    assert!(applied.has_changed().unwrap());
    let expected = [("applied", 1, 1000), ("applied", 2, 1000), ("applied", 3, 3000)];
    let restored = [("restored", 4, 3000), ("applied", 3, 3000)];
    assert_eq!(*heard.0.lock(), [&expected[..], &restored[..]].concat());
}

#[tokio::test]
async fn only_the_meta_group_owns_every_slot_from_the_start() {
    let (_dir, store) = store();
    let mut other = GroupStateMachine::new(1, store.clone(), Arc::new(()));
    let replies = other.apply_entry(set(1)).unwrap();
    assert!(replies.replies.iter().all(|reply| matches!(reply, Reply::Rejected(_))));
    let replies = machine(&store).apply_entry(set(1)).unwrap();
    assert!(replies.replies.iter().all(|reply| matches!(reply, Reply::Written(_))));
    assert_eq!(replies.time_ms, 1000);
}
