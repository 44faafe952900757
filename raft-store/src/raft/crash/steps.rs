//! The steps of a plan, taken as openraft or the node would take them.

use std::io;

use openraft::storage::{
    IOFlushed, RaftLogReader as _, RaftLogStorage as _, RaftSnapshotBuilder as _, RaftStateMachine as _,
};
use openraft::type_config::TypeConfigExt as _;
use openraft::vote::RaftLeaderId as _;

use super::held::Held;
use super::history::ENTRIES;
use super::node::Stores;
use super::plan::Step;
use super::replica::Replica;
use crate::raft::{GroupStateMachine, LeaderId, LogId, RaftEntry, TypeConfig, Vote, recovery};

impl Replica {
    pub(super) async fn take(&mut self, step: Step, stores: &Stores) -> io::Result<()> {
        match step {
            Step::Append(count) => self.append(count, stores).await,
            Step::Diverge(count) => self.diverge(count).await,
            Step::Vote => self.vote(stores).await,
            Step::Apply(count) => self.apply(count).await,
            Step::Freeze => {
                self.begun = Some((self.machine.get_snapshot_builder().await, self.applied()));
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

    pub(super) async fn append(&mut self, count: u64, stores: &Stores) -> io::Result<()> {
        let from = self.known.agreed_end();
        if from < self.known.held.shown().end() {
            self.truncate(from, stores).await?;
        }
        let entries = self.known.history.entries(from..ENTRIES.min(from + count));
        self.append_all(entries).await
    }

    async fn diverge(&mut self, count: u64) -> io::Result<()> {
        let (from, end) = (self.known.agreed_end(), self.known.held.shown().end());
        let entries =
            (end..(end + count).min(ENTRIES)).map(|index| self.known.history.diverging(from, index));
        self.append_all(entries.collect()).await
    }

    async fn append_all(&mut self, entries: Vec<RaftEntry>) -> io::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let (tell, told) = TypeConfig::oneshot();
        let added = entries.clone();
        self.log.append(entries, IOFlushed::signal(tell)).await?;
        let number =
            self.known.held.ask(|held| held.entries.extend(added.into_iter().map(|e| (e.log_id.index, e))));
        self.known.held.expect_report(number, told);
        Ok(())
    }

    /// Removes entries from `from` on.
    async fn truncate(&mut self, from: u64, stores: &Stores) -> io::Result<()> {
        let last = from.checked_sub(1).map(|last| self.known.history.id(last));
        let number = self.known.held.ask(|held| drop(held.entries.split_off(&from)));
        stores.writer.drive(self.log.truncate_after(last)).await?;
        self.known.held.durable(number);
        Ok(())
    }

    async fn vote(&mut self, stores: &Stores) -> io::Result<()> {
        let term = self.known.held.shown().vote.map_or(0, |vote| vote.leader_id.term) + 1;
        let vote = Vote { leader_id: LeaderId::new(term, 1 + term % 3), committed: term.is_multiple_of(2) };
        let number = self.known.held.ask(|held| held.vote = Some(vote));
        stores.writer.drive(self.log.save_vote(&vote)).await?;
        self.known.held.durable(number);
        Ok(())
    }

    /// As a follower may: entries that a majority has, durable here or not. The history compares the state.
    pub(super) async fn apply(&mut self, count: u64) -> io::Result<()> {
        let from = self.next_to_apply();
        let end = self.known.agreed_end().min(from + count);
        if from >= end {
            return Ok(());
        }
        let entries = self.log.try_get_log_entries(from..end).await?;
        assert_eq!(entries, self.known.history.entries(from..end));
        let entries = entries.into_iter().map(|entry| Ok((entry, None)));
        self.machine.apply(futures_util::stream::iter(entries)).await
    }

    async fn build(&mut self) -> io::Result<()> {
        let Some((mut builder, last)) = self.begun.take() else { return Ok(()) };
        // It does not take the place of one that was installed meanwhile and covers more.
        let current = last.max(self.known.snapshots[0]);
        self.known.snapshots.push(current);
        assert_eq!(builder.build_snapshot().await?.meta.last_log_id, last);
        self.known.snapshots = vec![current];
        Ok(())
    }

    async fn purge_behind(&mut self, keep: u64) -> io::Result<()> {
        let Some(last) = self.known.snapshots[0] else { return Ok(()) };
        let upto = last.index.saturating_sub(keep);
        self.purge(self.known.history.id(upto)).await
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        if self.known.held.shown().purged >= Some(upto) {
            return Ok(());
        }
        self.log.purge(upto).await?;
        self.known.held.ask(|held| held.purge(upto));
        Ok(())
    }

    /// As openraft does: truncate what contradicts, install, purge.
    async fn install(&mut self, ahead: u64, stores: &Stores) -> io::Result<()> {
        let index = (self.next_to_apply() + ahead).min(ENTRIES) - 1;
        if index < self.next_to_apply() {
            return Ok(());
        }
        let sent = self.known.history.snapshot(index).await;
        let mut writer = stores.snapshots.begin(self.known.history.group)?;
        for chunk in 0..sent.snapshot.chunks() {
            writer.put_raw(&sent.snapshot.read_raw(chunk)?)?;
        }
        let received = writer.finish(&sent.meta)?;
        let local = self.known.held.shown().entries.get(&index).map(|entry| entry.log_id);
        if local.is_some_and(|local| local != self.known.history.id(index)) {
            self.truncate(self.next_to_apply(), stores).await?;
        }
        let last = sent.meta.last_log_id;
        self.known.snapshots.push(last);
        self.machine.install_snapshot(&sent.meta, received).await?;
        self.known.snapshots = vec![last];
        self.purge(self.known.history.id(index)).await
    }

    /// As a node does that its group has gone on without.
    async fn retire(&mut self, stores: &Stores) -> io::Result<()> {
        let number = self.known.held.ask(|held| *held = Held { vote: held.vote, ..Held::default() });
        self.known.snapshots.push(None);
        let group = self.known.history.group;
        stores.writer.drive(recovery::clear(&stores.log, &stores.snapshots, group)).await?;
        self.known.held.durable(number);
        self.known.snapshots = vec![None];
        self.begun = None;
        self.machine = GroupStateMachine::new(
            self.known.history.group,
            stores.snapshots.clone(),
            self.known.history.clone(),
        );
        Ok(())
    }
}
