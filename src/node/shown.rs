//! How far local reads through this node have come, so that none shows less than an earlier one.
//!
//! A replica of this node only moves on while it is open, but it may be closed and opened again; and a node without one
//! asks now this replica, now that, whichever it finds. What clients are promised is about the node they ask: a local
//! read shows nothing older than any local read of that group that had been answered through the node before it began.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use raft_store::GroupId;

use crate::group::Lookups;

/// A state of a group. All its states are prefixes of one log, in which neither figure goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct State {
    time_ms: u64,
    version: u64,
}

/// The furthest state of each group that was shown. One entry a group, and there are at most `GROUPS_MAX`.
#[derive(Debug, Default)]
pub(super) struct Shown(Mutex<BTreeMap<GroupId, State>>);

impl Shown {
    /// What was shown of a group so far: to be asked before a read begins.
    pub(super) fn of(&self, group: GroupId) -> State {
        self.0.lock().get(&group).copied().unwrap_or_default()
    }

    /// Whether a read may show `lookups`, when `before` was what had been shown as it began; if so they count as shown.
    pub(super) fn show(&self, group: GroupId, before: State, lookups: &Lookups) -> bool {
        if lookups.time_ms < before.time_ms || lookups.version < before.version {
            return false;
        }
        let mut shown = self.0.lock();
        let furthest = shown.entry(group).or_default();
        furthest.time_ms = furthest.time_ms.max(lookups.time_ms);
        furthest.version = furthest.version.max(lookups.version);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time_ms: u64, version: u64) -> Lookups {
        Lookups { time_ms, version, found: Vec::new() }
    }

    #[test]
    fn what_is_older_than_what_was_shown_before_is_not_shown() {
        let shown = Shown::default();
        assert!(shown.show(1, shown.of(1), &at(10, 5)));
        let before = shown.of(1);
        assert!(!shown.show(1, before, &at(10, 4)) && !shown.show(1, before, &at(9, 5)));
        assert!(shown.show(1, before, &at(10, 5)) && shown.show(1, before, &at(11, 6)));
        assert!(shown.show(2, shown.of(2), &at(1, 1)), "groups have nothing to do with each other");
    }

    #[test]
    fn reads_side_by_side_do_not_hinder_each_other() {
        let shown = Shown::default();
        let before = shown.of(1);
        assert!(shown.show(1, before, &at(20, 8)));
        assert!(shown.show(1, before, &at(10, 5)), "it began before the other had an answer");
        assert!(!shown.show(1, shown.of(1), &at(10, 5)), "what was furthest stays so");
    }
}
