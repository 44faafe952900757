//! How long followers take to have entries: from when a leader here sends them until the answer says they are on disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use raft_store::NodeId;
use raft_store::wal::Durations;

/// Of every node that is a follower of a group led here; all groups together. Bounded by the nodes there are.
#[derive(Debug, Default)]
pub(crate) struct AppendTimes(Mutex<BTreeMap<NodeId, Arc<Mutex<PeerAppends>>>>);

/// Of one of them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PeerAppends {
    /// Those that were answered; without those that carried no entries, which wait for no disk.
    pub(crate) times: Durations,
    /// Those that were not: unsent, lost, refused or answered with nonsense.
    pub(crate) failed: u64,
}

impl AppendTimes {
    /// Those of one follower.
    pub(super) fn of(&self, node: NodeId) -> Arc<Mutex<PeerAppends>> {
        self.0.lock().entry(node).or_default().clone()
    }

    /// Those of every follower.
    pub(crate) fn all(&self) -> BTreeMap<NodeId, PeerAppends> {
        self.0.lock().iter().map(|(node, appends)| (*node, *appends.lock())).collect()
    }
}

impl PeerAppends {
    /// Notes one append: whether it carried entries, whether it was answered, and how long that took.
    pub(super) fn note(&mut self, entries: bool, answered: bool, took: Duration) {
        match (answered, entries) {
            (false, _) => self.failed += 1,
            (true, true) => self.times.record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)),
            (true, false) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeats_are_not_timed_and_failures_are_counted() {
        let all = AppendTimes::default();
        let took = Duration::from_millis(3);
        for (entries, answered) in [(true, true), (false, true), (true, false), (false, false)] {
            all.of(2).lock().note(entries, answered, took);
        }
        let noted = all.all()[&2];
        assert_eq!((noted.times.count(), noted.times.max(), noted.failed), (1, 3_000_000, 2));
    }
}
