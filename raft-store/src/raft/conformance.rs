//! openraft's own storage conformance suite, on the real log and the real state machine together; and what
//! it leaves out: a start from disk with a snapshot, a purged log and entries behind both.

use std::path::Path;
use std::sync::Arc;

use futures_util::stream;
use openraft::storage::{
    RaftLogReader as _, RaftLogStorage as _, RaftLogStorageExt as _, RaftSnapshotBuilder as _,
    RaftStateMachine as _,
};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::vote::RaftLeaderId as _;
use openraft::{StorageError, StorageHelper};
use tempfile::TempDir;

use super::*;
use crate::command::{Command, Condition, Incr, Packer};
use crate::key::Key;
use crate::map::Lookup;
use crate::snapshot_store::SnapshotStore;
use crate::wal::{SharedLog, WalOptions};

const META_GROUP: crate::GroupId = 0;

struct Stores;

impl StoreBuilder<TypeConfig, GroupLog, GroupStateMachine, TempDir> for Stores {
    async fn build(&self) -> Result<(TempDir, GroupLog, GroupStateMachine), StorageError<TypeConfig>> {
        let dir = tempfile::tempdir().unwrap();
        let (log, machine) = open(dir.path());
        Ok((dir, log, machine))
    }
}

fn open(dir: &Path) -> (GroupLog, GroupStateMachine) {
    let options = WalOptions { segment_bytes: 256 << 10, ..WalOptions::default() };
    let log = SharedLog::open(&dir.join("log"), options).unwrap();
    let snapshots = SnapshotStore::open(dir.join("snapshots")).unwrap();
    (GroupLog::new(&log, META_GROUP), GroupStateMachine::new(META_GROUP, snapshots, Arc::new(())))
}

#[tokio::test]
async fn openrafts_suite_passes() {
    Suite::test_all(Stores).await.unwrap();
}

fn log_id(index: u64) -> LogId {
    LogId { leader_id: LeaderId::new(1, 1), index }
}

fn counter() -> Key {
    Key::new(0, b"counter").unwrap()
}

/// Entries that each add one to a counter, so that one applied twice, or not at all, shows.
fn entries(indexes: std::ops::RangeInclusive<u64>) -> Vec<RaftEntry> {
    let add_one = Command::Incr(Incr { key: counter(), by: 1, init: Some(0), condition: Condition::None });
    let entry = |index| {
        let mut packer = Packer::new();
        packer.push(&add_one);
        RaftEntry { log_id: log_id(index), payload: Payload::Normal(packer.finish(index, index)) }
    };
    indexes.map(entry).collect()
}

async fn apply(machine: &mut GroupStateMachine, entries: Vec<RaftEntry>) {
    machine.apply(stream::iter(entries.into_iter().map(|entry| Ok((entry, None))))).await.unwrap();
}

/// What the counter says, and up to where entries are applied.
async fn count(machine: &mut GroupStateMachine) -> (Option<String>, Option<u64>) {
    let value = match machine.map().read().get(&counter()) {
        Lookup::Hit(entry) => Some(String::from_utf8(entry.value.to_vec()).unwrap()),
        Lookup::Miss | Lookup::NotOwner => None,
    };
    (value, machine.applied_state().await.unwrap().0.map(|log_id| log_id.index))
}

#[tokio::test]
async fn a_start_takes_the_snapshot_and_then_the_entries_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, mut machine) = open(dir.path());
    log.blocking_append(entries(1..=30)).await.unwrap();
    apply(&mut machine, entries(1..=20)).await;
    machine.get_snapshot_builder().await.build_snapshot().await.unwrap();
    apply(&mut machine, entries(21..=25)).await;
    log.purge(log_id(15)).await.unwrap();
    drop((log, machine));

    let (mut log, mut machine) = open(dir.path());
    assert_eq!(count(&mut machine).await, (None, None));
    let start = StorageHelper::new(&mut log, &mut machine).with_id(1).get_initial_state().await.unwrap();
    assert_eq!(start.snapshot_meta.last_log_id, Some(log_id(20)));
    assert_eq!(count(&mut machine).await, (Some("20".into()), Some(20)));
    let tail = log.try_get_log_entries(21..).await.unwrap();
    apply(&mut machine, tail).await;
    assert_eq!(count(&mut machine).await, (Some("30".into()), Some(30)));
}

#[tokio::test]
async fn a_crash_between_installing_and_purging_is_mended_at_the_start() {
    let (source_dir, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_, mut source) = open(source_dir.path());
    apply(&mut source, entries(1..=50)).await;
    let sent = source.get_snapshot_builder().await.build_snapshot().await.unwrap();
    let (mut log, mut machine) = open(dir.path());
    log.blocking_append(entries(1..=30)).await.unwrap();
    machine.install_snapshot(&sent.meta, sent.snapshot).await.unwrap();
    drop((log, machine));

    let (mut log, mut machine) = open(dir.path());
    StorageHelper::new(&mut log, &mut machine).with_id(1).get_initial_state().await.unwrap();
    assert_eq!(count(&mut machine).await, (Some("50".into()), Some(50)));
    assert_eq!(log.get_log_state().await.unwrap().last_log_id, Some(log_id(50)));
}
