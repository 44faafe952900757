//! One group's replica on a node's disks: its real log store and state machine, and what they must hold.

use std::io;
use std::sync::Arc;

use openraft::storage::{RaftLogReader as _, RaftLogStorage as _, RaftStateMachine as _, StorageHelper};

use super::held::{Held, Log};
use super::history::{ENTRIES, History};
use super::node::Stores;
use crate::raft::{
    GroupLog, GroupSnapshotBuilder, GroupStateMachine, LogId, RaftEntry, recovery, snapshot_meta,
};

/// What is known of a group and of what the disks may hold of it: all that outlives a crash.
pub(super) struct Known {
    pub(super) history: Arc<History>,
    pub(super) held: Log,
    /// Where the current snapshot may end. The first is where it ends if nothing failed.
    pub(super) snapshots: Vec<Option<LogId>>,
}

impl Known {
    /// Of a new replica.
    pub(super) fn nothing(history: Arc<History>) -> Self {
        Self { history, held: Log::new(Held::default()), snapshots: vec![None] }
    }

    /// The index behind the last entry of the log that was, or will be, committed.
    pub(super) fn agreed_end(&self) -> u64 {
        let held = self.held.shown();
        let mut end = held.purged.map_or(0, |id| id.index + 1);
        while held.entries.get(&end).is_some_and(|entry| *entry == *self.history.entry(end)) {
            end += 1;
        }
        end
    }

    /// Compares what a crash left.
    async fn check_found(&mut self, log: &mut GroupLog, stores: &Stores) -> io::Result<()> {
        let (found, group) = (found(log).await?, self.history.group);
        self.held.check(&found);
        let current = stores.snapshots.current(group)?.map(|current| snapshot_meta(&current)).transpose()?;
        let current = current.and_then(|meta| meta.last_log_id);
        assert!(self.snapshots.contains(&current), "found {current:?}, not one of {:?}", self.snapshots);
        let gap = recovery::gap(&stores.log, &stores.snapshots, group)?;
        assert_eq!(gap, None, "group {group}: purged what no snapshot holds");
        self.held = Log::new(found);
        self.snapshots = vec![current];
        Ok(())
    }

    /// Notes what a start does to the log: what contradicts the snapshot goes, and the log does not end before it.
    fn expect_start(&mut self) {
        let (Some(last), agreed) = (self.snapshots[0], self.agreed_end()) else { return };
        let end = self.held.shown().end();
        if agreed > last.index {
            return;
        }
        for from in (agreed..end.min(last.index + 1)).rev() {
            self.held.ask(|held| drop(held.entries.split_off(&from)));
        }
        self.held.ask(|held| held.purge(last));
    }
}

/// A replica and what it must hold.
pub(super) struct Replica {
    pub(super) known: Known,
    pub(super) log: GroupLog,
    pub(super) machine: GroupStateMachine,
    /// A snapshot that was begun, and where it ends.
    pub(super) begun: Option<(GroupSnapshotBuilder, Option<LogId>)>,
}

impl Replica {
    /// Opens what a crash left, as a node does. With an error comes what is known then.
    pub(super) async fn open(stores: &Stores, mut known: Known) -> Result<Self, (io::Error, Known)> {
        let history = known.history.clone();
        let mut log = GroupLog::new(&stores.log, history.group);
        if let Err(error) = known.check_found(&mut log, stores).await {
            return Err((error, known));
        }
        known.expect_start();
        let machine = GroupStateMachine::new(history.group, stores.snapshots.clone(), history);
        let mut replica = Self { known, log, machine, begun: None };
        match replica.start(stores).await {
            Ok(()) => Ok(replica),
            Err(error) => Err((error, replica.known)),
        }
    }

    /// What the node does, and then openraft.
    async fn start(&mut self, stores: &Stores) -> io::Result<()> {
        let group = self.known.history.group;
        stores.writer.drive(recovery::mend(&stores.log, &stores.snapshots, group)).await?;
        let mut helper = StorageHelper::new(&mut self.log, &mut self.machine).with_id(1);
        let state = stores.writer.drive(helper.get_initial_state()).await.map_err(io::Error::other)?;
        assert_eq!(self.applied(), self.known.snapshots[0], "the state is the snapshot's");
        let end = state.log_ids.last().map_or(0, |id| id.index + 1);
        assert_eq!(end, self.known.held.shown().end(), "openraft knows where the log ends");
        assert!(Some(end) >= self.applied().map(|last| last.index + 1), "the log ends before the state");
        self.check().await
    }

    pub(super) fn applied(&self) -> Option<LogId> {
        *self.machine.applied().borrow()
    }

    /// The index behind the last applied entry.
    pub(super) fn next_to_apply(&self) -> u64 {
        self.applied().map_or(0, |id| id.index + 1)
    }

    /// Goes on to the end of the history.
    pub(super) async fn finish(&mut self, stores: &Stores) -> io::Result<()> {
        self.append(ENTRIES, stores).await?;
        self.apply(ENTRIES).await?;
        stores.writer.flush();
        self.known.held.hear();
        Ok(())
    }

    /// Fails unless everything is applied, and the state is that of every other replica.
    pub(super) fn check_end(&self) {
        let last = self.known.history.id(ENTRIES - 1);
        assert_eq!(self.applied(), Some(last));
        self.known.history.check(&last, &self.machine.map().read());
    }

    /// Compares what readers see with what was asked for, and the members with the history's.
    pub(super) async fn check(&mut self) -> io::Result<()> {
        assert_eq!(found(&mut self.log).await?.entries, self.known.held.shown().entries);
        let (applied, members) = self.machine.applied_state().await?;
        assert_eq!(members, self.known.history.members(applied));
        Ok(())
    }
}

async fn found(log: &mut GroupLog) -> io::Result<Held> {
    let purged = log.get_log_state().await?.last_purged_log_id;
    let entries: Vec<RaftEntry> = log.try_get_log_entries(..).await?;
    let entries = entries.into_iter().map(|entry| (entry.log_id.index, entry)).collect();
    Ok(Held { vote: log.read_vote().await?, purged, entries })
}
