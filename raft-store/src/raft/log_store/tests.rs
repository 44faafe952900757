//! openraft's own suite for log stores, and what it does not ask.

use std::io;
use std::sync::Arc;

use futures_util::TryStreamExt;
use openraft::storage::{EntryResponder, RaftLogReaderExt, RaftSnapshotBuilder, RaftStateMachine};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::type_config::alias::SnapshotOf;
use parking_lot::Mutex;
use tempfile::TempDir;

use super::*;
use crate::command::{Command, Condition, Delete, Packer};
use crate::key::{DEFAULT_NAMESPACE, Key};
use crate::raft::types::{SnapshotMeta, StoredMembership};
use crate::wal::WalOptions;

/// Remembers what was applied last: as much of a state machine as the suite needs.
#[derive(Debug, Default, Clone)]
struct Applied(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    last: Option<LogId>,
    membership: StoredMembership,
    snapshot: Option<SnapshotMeta>,
}

impl Applied {
    fn snapshot(meta: SnapshotMeta) -> SnapshotOf<TypeConfig, ()> {
        SnapshotOf::<TypeConfig, ()> { meta, snapshot: () }
    }
}

impl RaftStateMachine<TypeConfig> for Applied {
    type SnapshotData = ();
    type SnapshotBuilder = Self;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        let inner = self.0.lock();
        Ok((inner.last, inner.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + OptionalSend,
    {
        while let Some((entry, _)) = entries.try_next().await? {
            let mut inner = self.0.lock();
            inner.last = Some(entry.log_id);
            if let Payload::Membership(membership) = entry.payload {
                inner.membership = StoredMembership::new(Some(entry.log_id), membership);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Self {
        self.clone()
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, (): ()) -> io::Result<()> {
        let mut inner = self.0.lock();
        inner.last = meta.last_log_id;
        inner.membership = meta.last_membership.clone();
        inner.snapshot = Some(meta.clone());
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<SnapshotOf<TypeConfig, ()>>> {
        Ok(self.0.lock().snapshot.clone().map(Self::snapshot))
    }
}

impl RaftSnapshotBuilder<TypeConfig> for Applied {
    type SnapshotData = ();

    async fn build_snapshot(&mut self) -> io::Result<SnapshotOf<TypeConfig, ()>> {
        let mut inner = self.0.lock();
        let meta = SnapshotMeta { last_log_id: inner.last, last_membership: inner.membership.clone() };
        inner.snapshot = Some(meta.clone());
        Ok(Self::snapshot(meta))
    }
}

struct Builder;

impl StoreBuilder<TypeConfig, GroupLog, Applied, TempDir> for Builder {
    async fn build(&self) -> Result<(TempDir, GroupLog, Applied), openraft::StorageError<TypeConfig>> {
        let dir = tempfile::tempdir().unwrap();
        let log = GroupLog::new(&open(&dir), 1);
        Ok((dir, log, Applied::default()))
    }
}

fn open(dir: &TempDir) -> SharedLog {
    let options = WalOptions { segment_bytes: 64 << 10, cache_bytes: 0, ..WalOptions::default() };
    SharedLog::open(dir.path(), options).unwrap()
}

fn id(term: u64, index: u64) -> LogId {
    LogId { leader_id: LeaderId::new(term, 1), index }
}

fn blank(index: u64) -> RaftEntry {
    RaftEntry { log_id: id(1, index), payload: Payload::Blank }
}

fn members(index: u64) -> RaftEntry {
    let config = vec![[1, 2, 3].into(), [2, 3, 4].into()];
    let membership = crate::raft::Membership::new_with_defaults(config, [9]);
    RaftEntry { log_id: id(1, index), payload: Payload::Membership(membership) }
}

#[tokio::test]
async fn openraft_accepts_it() {
    Suite::test_all(Builder).await.unwrap();
}

#[tokio::test]
async fn entries_votes_and_purges_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let vote = Vote { leader_id: LeaderId::new(3, 2), committed: true };
    let mut log = GroupLog::new(&open(&dir), 1);
    log.append([blank(0), members(1), blank(2), blank(3)], IOFlushed::noop()).await.unwrap();
    log.truncate_after(Some(id(1, 2))).await.unwrap();
    log.purge(id(1, 0)).await.unwrap();
    log.save_vote(&vote).await.unwrap();
    drop(log);
    let mut log = GroupLog::new(&open(&dir), 1);
    assert_eq!(log.read_vote().await.unwrap(), Some(vote));
    assert_eq!(log.try_get_log_entries(0..9).await.unwrap(), [members(1), blank(2)]);
    let state = log.get_log_state().await.unwrap();
    assert_eq!((state.last_purged_log_id, state.last_log_id), (Some(id(1, 0)), Some(id(1, 2))));
}

#[tokio::test]
async fn commands_come_back_as_they_were_packed() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = GroupLog::new(&open(&dir), 1);
    let key = Key::new(DEFAULT_NAMESPACE, b"key").unwrap();
    let command = Command::Delete(Delete { key, condition: Condition::None });
    let mut packer = Packer::new();
    packer.push(&command);
    let packed = packer.finish(5, 6);
    let entry = RaftEntry { log_id: id(1, 0), payload: Payload::Normal(packed) };
    log.append([entry.clone()], IOFlushed::noop()).await.unwrap();
    assert_eq!(log.try_get_log_entries(..).await.unwrap(), std::slice::from_ref(&entry));
    drop(log);
    let mut log = GroupLog::new(&open(&dir), 1);
    assert_eq!(log.try_get_log_entries(..).await.unwrap(), [entry]);
}

#[tokio::test]
async fn what_was_appended_is_shown_once_it_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = GroupLog::new(&open(&dir), 1);
    let shown = log.submitted();
    log.append([blank(0), blank(1)], IOFlushed::noop()).await.unwrap();
    assert_eq!((*shown.borrow(), log.try_get_log_entries(1..).await.unwrap()), (1, vec![blank(1)]));
    log.append([], IOFlushed::noop()).await.unwrap();
    log.clone().append([blank(2)], IOFlushed::noop()).await.unwrap();
    assert_eq!(*shown.borrow(), 2, "one log, whoever appends");
}

#[tokio::test]
async fn groups_do_not_see_one_another() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    let (mut one, mut two) = (GroupLog::new(&log, 1), GroupLog::new(&log, 2));
    one.append([blank(0)], IOFlushed::noop()).await.unwrap();
    assert_eq!(two.get_log_state().await.unwrap().last_log_id, None);
    assert!(two.get_log_id(0).await.is_err());
}

#[tokio::test]
async fn a_long_stream_comes_in_parts_and_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = GroupLog::new(&open(&dir), 1);
    let count = 4 * READ_BYTES_MAX / 38;
    log.append((0..count).map(blank), IOFlushed::noop()).await.unwrap();
    assert!(log.limited_get_log_entries(0, count).await.unwrap().len() < count as usize / 3);
    let streamed: Vec<_> = log.entries_stream(..).await.try_collect().await.unwrap();
    assert!(streamed.into_iter().eq((0..count).map(blank)));
}

/// Whoever applies or replicates entries would skip those that are gone. A deposed leader's stream may ask for them, and
/// must not end the group.
#[tokio::test]
async fn a_range_whose_start_was_purged_is_an_error_to_apply_and_nothing_to_send() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = GroupLog::new(&open(&dir), 1);
    log.append((0..10).map(blank), IOFlushed::noop()).await.unwrap();
    log.purge(id(1, 4)).await.unwrap();
    for (start, end) in [(4, 8), (0, 5), (0, 10)] {
        assert_eq!(log.limited_get_log_entries(start, end).await.unwrap(), [], "{start}..{end}");
        let streamed: io::Result<Vec<_>> = log.entries_stream(start..end).await.try_collect().await;
        assert!(streamed.is_err(), "{start}..{end}");
    }
    assert_eq!(log.limited_get_log_entries(5, 7).await.unwrap(), [blank(5), blank(6)]);
    assert!(log.limited_get_log_entries(10, 12).await.unwrap().is_empty());
    assert_eq!(log.try_get_log_entries(0..7).await.unwrap(), [blank(5), blank(6)], "as the trait allows");
}
