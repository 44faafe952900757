//! One group's replica on a node's disks: its real log store and state machine, and what they must hold.

use std::io;
use std::sync::Arc;

use openraft::storage::{
    IOFlushed, RaftLogReader as _, RaftLogStorage as _, RaftSnapshotBuilder as _, RaftStateMachine as _,
    StorageHelper,
};
use openraft::type_config::TypeConfigExt as _;
use openraft::vote::RaftLeaderId as _;

use super::held::{Held, Log};
use super::history::{ENTRIES, History};
use super::node::Stores;
use super::plan::Step;
use crate::raft::{
    GroupLog, GroupSnapshotBuilder, GroupStateMachine, LeaderId, LogId, RaftEntry, TypeConfig, Vote, recovery,
    snapshot_meta,
};

/// A replica and what it must hold.
pub(super) struct Replica {
    pub(super) history: Arc<History>,
    log: GroupLog,
    machine: GroupStateMachine,
    builder: Option<GroupSnapshotBuilder>,
    pub(super) held: Log,
    /// Where the current snapshot may end: the last is the one that was asked for last, all others are older.
    pub(super) snapshots: Vec<Option<LogId>>,
}

/// What a crash leaves of a replica that its next life is compared with.
pub(super) struct Left {
    pub(super) history: Arc<History>,
    pub(super) held: Log,
    pub(super) snapshots: Vec<Option<LogId>>,
}

impl Left {
    /// Nothing, of a new replica.
    pub(super) fn nothing(history: Arc<History>) -> Self {
        Self { history, held: Log::new(Held::default()), snapshots: vec![None] }
    }
}

impl Replica {
    /// Opens what a crash left, as a node does. `left` learns what the disks hold from now on.
    pub(super) async fn open(stores: &Stores, left: &mut Left) -> io::Result<Self> {
        let history = left.history.clone();
        let mut log = GroupLog::new(&stores.log, history.group);
        let machine = GroupStateMachine::new(history.group, stores.snapshots.clone(), history.clone());
        let found = found(&mut log).await?;
        left.held.check(&found);
        left.held = Log::new(found);
        let current = covered(stores, &history)?;
        assert!(left.snapshots.contains(&current), "found {current:?}, not one of {:?}", left.snapshots);
        left.snapshots = vec![current];
        let gap = recovery::gap(&stores.log, &stores.snapshots, history.group)?;
        assert_eq!(gap, None, "group {}: purged what no snapshot holds", history.group);
        let mut replica = Self {
            history,
            log,
            machine,
            builder: None,
            held: Log::new(Held::default()),
            snapshots: vec![current],
        };
        std::mem::swap(&mut replica.held, &mut left.held);
        let started = replica.start(stores).await;
        if started.is_err() {
            std::mem::swap(&mut replica.held, &mut left.held);
        }
        started.map(|()| replica)
    }

    /// What openraft does first.
    async fn start(&mut self, stores: &Stores) -> io::Result<()> {
        let before = self.shown().clone();
        let mut helper = StorageHelper::new(&mut self.log, &mut self.machine).with_id(1);
        let started = stores.writer.drive(helper.get_initial_state()).await;
        let state = started.map_err(io::Error::other)?;
        let applied = self.machine.applied_state().await?.0;
        assert_eq!(applied, self.snapshots[0], "the state is the snapshot's");
        if applied.map_or(0, |id| id.index + 1) > before.end() {
            self.held.ask(|held| *held = purged(before, applied));
        }
        assert_eq!(state.log_ids.last().map_or(0, |id| id.index + 1), self.shown().end());
        self.check().await
    }

    pub(super) fn into_left(self) -> Left {
        let Self { history, held, snapshots, .. } = self;
        Left { history, held, snapshots }
    }

    fn shown(&self) -> &Held {
        self.held.shown()
    }

    fn applied(&self) -> Option<LogId> {
        *self.machine.applied().borrow()
    }

    /// The index behind the last applied entry.
    fn next_to_apply(&self) -> u64 {
        self.applied().map_or(0, |id| id.index + 1)
    }

    /// The index behind the last entry of the log that was, or will be, committed.
    fn agreed_end(&self) -> u64 {
        let held = self.shown();
        let mut end = held.purged.map_or(0, |id| id.index + 1);
        while held.entries.get(&end).is_some_and(|entry| *entry == *self.history.entry(end)) {
            end += 1;
        }
        end
    }

    pub(super) async fn take(&mut self, step: Step, stores: &Stores) -> io::Result<()> {
        match step {
            Step::Append(count) => self.append(count, stores).await,
            Step::Diverge(count) => self.diverge(count).await,
            Step::Vote => self.vote(stores).await,
            Step::Apply(count) => self.apply(count).await,
            Step::Freeze => {
                self.builder = Some(self.machine.get_snapshot_builder().await);
                Ok(())
            }
            Step::Build => self.build().await,
            Step::Purge(keep) => self.purge_behind(keep).await,
            Step::Install(ahead) => self.install(ahead, stores).await,
            Step::Retire => self.retire(stores).await,
            Step::Flush => {
                stores.writer.flush();
                Ok(())
            }
            Step::Rest => {
                stores.writer.flush();
                stores.writer.rest();
                Ok(())
            }
            Step::Sweep => Ok(stores.snapshots.sweep()?),
            Step::Rewrite => Ok(stores.snapshots.rewrite()?),
        }
    }

    async fn append(&mut self, count: u64, stores: &Stores) -> io::Result<()> {
        let from = self.agreed_end();
        if from < self.shown().end() {
            self.truncate(from, stores).await?;
        }
        let entries = self.history.entries(from..ENTRIES.min(from + count));
        self.append_all(entries).await
    }

    async fn diverge(&mut self, count: u64) -> io::Result<()> {
        let (from, end) = (self.agreed_end(), self.shown().end());
        let entries = (end..(end + count).min(ENTRIES)).map(|index| self.history.diverging(from, index));
        self.append_all(entries.collect()).await
    }

    async fn append_all(&mut self, entries: Vec<RaftEntry>) -> io::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let (tell, told) = TypeConfig::oneshot();
        let added = entries.clone();
        self.log.append(entries, IOFlushed::signal(tell)).await?;
        let number = self.held.ask(|held| held.entries.extend(added.into_iter().map(|e| (e.log_id.index, e))));
        self.held.expect_report(number, told);
        Ok(())
    }

    /// Removes entries from `from` on.
    async fn truncate(&mut self, from: u64, stores: &Stores) -> io::Result<()> {
        let last = from.checked_sub(1).map(|last| self.history.id(last));
        let number = self.held.ask(|held| drop(held.entries.split_off(&from)));
        stores.writer.drive(self.log.truncate_after(last)).await?;
        self.held.durable(number);
        Ok(())
    }

    async fn vote(&mut self, stores: &Stores) -> io::Result<()> {
        let term = self.shown().vote.map_or(0, |vote| vote.leader_id.term) + 1;
        let vote = Vote { leader_id: LeaderId::new(term, 1 + term % 3), committed: term % 2 == 0 };
        let number = self.held.ask(|held| held.vote = Some(vote));
        stores.writer.drive(self.log.save_vote(&vote)).await?;
        self.held.durable(number);
        Ok(())
    }

    /// As a follower may: entries that a majority has, durable here or not. The history compares the state.
    async fn apply(&mut self, count: u64) -> io::Result<()> {
        let from = self.next_to_apply();
        let end = self.agreed_end().min(from + count);
        if from >= end {
            return Ok(());
        }
        let entries = self.log.try_get_log_entries(from..end).await?;
        assert_eq!(entries, self.history.entries(from..end));
        let entries = entries.into_iter().map(|entry| Ok((entry, None)));
        self.machine.apply(futures_util::stream::iter(entries)).await
    }

    async fn build(&mut self) -> io::Result<()> {
        let Some(mut builder) = self.builder.take() else { return Ok(()) };
        // It may be that of any state since, which the snapshot that comes back says.
        let ends: Vec<_> = (0..self.next_to_apply()).map(|index| Some(self.history.id(index))).collect();
        let before = self.snapshots.clone();
        self.snapshots.extend(ends);
        let built = builder.build_snapshot().await?;
        let last = built.meta.last_log_id.max(before[0]);
        self.snapshots = vec![last];
        Ok(())
    }

    async fn purge_behind(&mut self, keep: u64) -> io::Result<()> {
        let Some(last) = self.snapshots[0] else { return Ok(()) };
        let upto = last.index.saturating_sub(keep);
        self.purge(self.history.id(upto)).await
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        if self.shown().purged >= Some(upto) {
            return Ok(());
        }
        self.log.purge(upto).await?;
        self.held.ask(|held| *held = purged(held.clone(), Some(upto)));
        Ok(())
    }

    /// As openraft does: truncate what contradicts, install, purge.
    async fn install(&mut self, ahead: u64, stores: &Stores) -> io::Result<()> {
        let index = (self.next_to_apply() + ahead).min(ENTRIES) - 1;
        if index < self.next_to_apply() {
            return Ok(());
        }
        let sent = self.history.snapshot(index).await;
        let mut writer = stores.snapshots.begin(self.history.group)?;
        for chunk in 0..sent.snapshot.chunks() {
            writer.put_raw(&sent.snapshot.read_raw(chunk)?)?;
        }
        let received = writer.finish(&sent.meta)?;
        let local = self.shown().entries.get(&index).map(|entry| entry.log_id);
        if local.is_some_and(|local| local != self.history.id(index)) {
            self.truncate(self.next_to_apply(), stores).await?;
        }
        let last = sent.meta.last_log_id;
        self.snapshots.push(last);
        self.machine.install_snapshot(&sent.meta, received).await?;
        self.snapshots = vec![last];
        self.purge(self.history.id(index)).await
    }

    /// As a node does that its group has gone on without.
    async fn retire(&mut self, stores: &Stores) -> io::Result<()> {
        let number = self.held.ask(|held| *held = Held { vote: held.vote, ..Held::default() });
        stores.writer.drive(stores.log.clear(self.history.group)).await?;
        self.held.durable(number);
        self.snapshots.push(None);
        stores.snapshots.remove(self.history.group)?;
        self.snapshots = vec![None];
        self.builder = None;
        self.machine =
            GroupStateMachine::new(self.history.group, stores.snapshots.clone(), self.history.clone());
        Ok(())
    }

    /// Goes on to the end of the history.
    pub(super) async fn finish(&mut self, stores: &Stores) -> io::Result<()> {
        self.append(ENTRIES, stores).await?;
        self.apply(ENTRIES).await?;
        stores.writer.flush();
        self.held.hear();
        Ok(())
    }

    /// Fails unless everything is applied.
    pub(super) fn check_end(&self) {
        let last = self.history.id(ENTRIES - 1);
        assert_eq!(self.applied(), Some(last));
        self.history.check(&last, &self.machine.map().read());
    }

    /// Compares what readers see with what was asked for.
    pub(super) async fn check(&mut self) -> io::Result<()> {
        assert_eq!(found(&mut self.log).await?.entries, self.shown().entries);
        Ok(())
    }
}

/// `held` once everything up to `upto` is purged.
fn purged(mut held: Held, upto: Option<LogId>) -> Held {
    held.entries = held.entries.split_off(&upto.map_or(0, |id| id.index + 1));
    held.purged = upto;
    held
}

async fn found(log: &mut GroupLog) -> io::Result<Held> {
    let purged = log.get_log_state().await?.last_purged_log_id;
    let entries = log.try_get_log_entries(..).await?;
    let entries = entries.into_iter().map(|entry| (entry.log_id.index, entry)).collect();
    Ok(Held { vote: log.read_vote().await?, purged, entries })
}

fn covered(stores: &Stores, history: &History) -> io::Result<Option<LogId>> {
    let current = stores.snapshots.current(history.group)?;
    Ok(current.map(|current| snapshot_meta(&current)).transpose()?.and_then(|meta| meta.last_log_id))
}
