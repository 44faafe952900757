//! What the disks may hold of one group: what was reported durable, or that and some of what was asked for since.

use std::collections::{BTreeMap, VecDeque};

use tokio::sync::oneshot::{Receiver, error::TryRecvError};

use crate::raft::{LogId, RaftEntry, Vote};

/// What the log holds of a group.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Held {
    pub(super) vote: Option<Vote>,
    pub(super) purged: Option<LogId>,
    pub(super) entries: BTreeMap<u64, RaftEntry>,
}

impl Held {
    /// The index behind the last entry.
    pub(super) fn end(&self) -> u64 {
        let last = self.entries.keys().next_back().copied().or(self.purged.map(|id| id.index));
        last.map_or(0, |last| last + 1)
    }

    pub(super) fn purge(&mut self, upto: LogId) {
        self.entries = self.entries.split_off(&(upto.index + 1));
        self.purged = Some(upto);
    }
}

/// The states a log may be found in after a crash, in the order they were asked for. The first is durable.
#[derive(Debug)]
pub(super) struct Log {
    states: VecDeque<Held>,
    /// Number of the first state.
    first: u64,
    /// Appends not reported yet, and the numbers of the states behind them.
    reports: VecDeque<(u64, Receiver<std::io::Result<()>>)>,
}

impl Log {
    pub(super) fn new(found: Held) -> Self {
        Self { states: [found].into(), first: 0, reports: VecDeque::new() }
    }

    /// What the log shows its readers now.
    pub(super) fn shown(&self) -> &Held {
        self.states.back().expect("there is always one")
    }

    /// Notes that a change was asked for. Gives the number of the state behind it.
    pub(super) fn ask(&mut self, change: impl FnOnce(&mut Held)) -> u64 {
        let mut after = self.shown().clone();
        change(&mut after);
        self.states.push_back(after);
        self.first + self.states.len() as u64 - 1
    }

    /// Notes that state `number` is durable, and so what came before it.
    pub(super) fn durable(&mut self, number: u64) {
        while self.first < number {
            self.states.pop_front();
            self.first += 1;
        }
    }

    pub(super) fn expect_report(&mut self, number: u64, report: Receiver<std::io::Result<()>>) {
        self.reports.push_back((number, report));
    }

    /// Takes note of the appends that were reported durable.
    pub(super) fn hear(&mut self) {
        while let Some((number, report)) = self.reports.front_mut() {
            let (number, heard) = (*number, report.try_recv());
            match heard {
                Ok(Ok(())) => self.durable(number),
                Ok(Err(_)) => {}
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Closed) => panic!("an append was never reported"),
            }
            self.reports.pop_front();
        }
    }

    /// Fails unless `found` is one of the states.
    pub(super) fn check(&self, found: &Held) {
        assert!(self.states.contains(found), "found {found:#?}\ninstead of one of {:#?}", self.states);
    }
}
