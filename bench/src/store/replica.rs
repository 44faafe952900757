//! One group as a node holds it: its log, its state machine, its snapshots, driven through openraft's storage traits
//! without Raft. The only file here that names openraft.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::{StreamExt, stream};
use openraft::storage::{RaftLogStorage, RaftLogStorageExt, RaftSnapshotBuilder, RaftStateMachine};
use openraft::vote::RaftLeaderId;
use openraft::{RaftLogReader, entry::RaftEntry as _};
use raft_store::GroupId;
use raft_store::command::{AssignSlots, Command, PackedEntry, Packer};
use raft_store::map::SlotSet;
use raft_store::raft::{
    GroupLog, GroupSnapshotBuilder, GroupStateMachine, LeaderId, LogId, Payload, RaftEntry, SharedMap,
};
use raft_store::snapshot_store::{SnapshotStore, StoredSnapshot};
use raft_store::wal::{SharedLog, WalOptions};

use super::process::clock_ns;

/// Term and node that all entries are of.
const LEADER: (u64, u64) = (1, 1);

/// One group of this node.
pub(crate) struct Replica {
    group: GroupId,
    log: GroupLog,
    machine: GroupStateMachine,
    /// Index of the next entry.
    next: u64,
    behind_snapshot: u64,
}

/// Opens a node's log and snapshots below `dir`, as a node does.
pub(crate) fn open_log(dir: &Path) -> anyhow::Result<SharedLog> {
    Ok(SharedLog::open(&dir.join("log"), log_options())?)
}

/// The other half of [`open_log`].
pub(crate) fn open_snapshots(dir: &Path) -> anyhow::Result<SnapshotStore> {
    Ok(SnapshotStore::open(dir.join("snapshots"))?)
}

/// A node's settings, with a clock.
pub(crate) fn log_options() -> WalOptions {
    WalOptions { clock: clock_ns, ..WalOptions::default() }
}

fn log_id(index: u64) -> LogId {
    LogId::new(LeaderId::new(LEADER.0, LEADER.1), index)
}

fn entry(index: u64, packed: PackedEntry) -> RaftEntry {
    RaftEntry::new(log_id(index), Payload::Normal(packed))
}

impl Replica {
    /// The group, empty, on this log and these snapshots; [`Replica::loaded`] and [`Replica::caught_up`] bring it to where
    /// they end.
    pub(crate) fn new(group: GroupId, log: &SharedLog, snapshots: &SnapshotStore) -> Self {
        let machine = GroupStateMachine::new(group, snapshots.clone(), Arc::new(()));
        Self { group, log: GroupLog::new(log, group), machine, next: 0, behind_snapshot: 0 }
    }

    /// The map.
    pub(crate) fn map(&self) -> SharedMap {
        self.machine.map()
    }

    /// Makes every slot the group's own. Not logged: what follows is to be covered by a snapshot.
    pub(crate) async fn own_all(&mut self) -> anyhow::Result<()> {
        let mut packer = Packer::new();
        packer.push(&Command::AssignSlots(AssignSlots { epoch: 1, slots: SlotSet::all() }));
        self.apply(packer.finish(0, 0)).await.map(drop)
    }

    /// Applies an entry past the log; says how long that took.
    pub(crate) async fn apply(&mut self, packed: PackedEntry) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.machine.apply(stream::iter([Ok((entry(self.next, packed), None))])).await?;
        self.next += 1;
        Ok(began.elapsed())
    }

    /// Appends entries, which are not applied; returns once they are durable.
    pub(crate) async fn append(&mut self, packed: Vec<PackedEntry>) -> anyhow::Result<()> {
        let count = packed.len() as u64;
        let entries: Vec<RaftEntry> =
            (self.next..).zip(packed).map(|(index, packed)| entry(index, packed)).collect();
        self.log.blocking_append(entries).await?;
        self.next += count;
        Ok(())
    }

    /// Appends an entry, waits until it is durable, and applies it; says how long the last step took.
    pub(crate) async fn commit(&mut self, packed: PackedEntry) -> anyhow::Result<Duration> {
        self.log.blocking_append([entry(self.next, packed.clone())]).await?;
        self.apply(packed).await
    }

    /// Freezes the map; says how long everything stood still for it.
    pub(crate) async fn freeze(&mut self) -> (GroupSnapshotBuilder, Duration) {
        let began = Instant::now();
        let builder = self.machine.get_snapshot_builder().await;
        (builder, began.elapsed())
    }

    /// Takes a snapshot and lets go of the log it covers.
    pub(crate) async fn snapshot(&mut self) -> anyhow::Result<StoredSnapshot> {
        let (builder, _) = self.freeze().await;
        let snapshot = build(builder).await?;
        self.log.purge(log_id(self.next.saturating_sub(1))).await?;
        Ok(snapshot)
    }

    /// Lets go of the log up to what was applied.
    pub(crate) async fn purge(&mut self) -> anyhow::Result<()> {
        Ok(self.log.purge(log_id(self.next.saturating_sub(1))).await?)
    }

    /// Installs the current snapshot, as openraft does when a node starts.
    pub(crate) async fn loaded(mut self) -> anyhow::Result<Self> {
        let current = self.machine.get_current_snapshot().await?;
        let current = current.with_context(|| format!("group {} has no snapshot", self.group))?;
        self.next = current.meta.last_log_id.map_or(0, |last| last.index + 1);
        self.machine.install_snapshot(&current.meta, current.snapshot).await?;
        Ok(self)
    }

    /// Applies the log behind the snapshot, as openraft does once a leader has told that it is committed.
    pub(crate) async fn caught_up(mut self) -> anyhow::Result<Self> {
        let end = self.log.get_log_state().await?.last_log_id.map_or(0, |last| last.index + 1);
        let Self { log, machine, next, .. } = &mut self;
        let entries = log.entries_stream(*next..end).await;
        machine.apply(entries.map(|entry| Ok((entry?, None)))).await?;
        self.behind_snapshot = end.saturating_sub(self.next);
        self.next = end;
        Ok(self)
    }

    /// Entries applied by [`Replica::caught_up`].
    pub(crate) fn behind_snapshot(&self) -> u64 {
        self.behind_snapshot
    }
}

/// Writes and commits a snapshot.
pub(crate) async fn build(mut builder: GroupSnapshotBuilder) -> anyhow::Result<StoredSnapshot> {
    Ok(builder.build_snapshot().await?.snapshot)
}

/// A runtime like a server's: two threads beside the one that drives.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
