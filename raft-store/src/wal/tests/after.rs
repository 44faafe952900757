//! What a crash may leave of a life on a disk that was full now and then: what goes ahead of what waits.

use std::sync::atomic::Ordering;

use super::rig::{Life, Model, ModelGroup, Rig};
use crate::GroupId;
use crate::wal::memory::Change;
use crate::wal::testing::FaultyDisk;

/// Whether `change` may be durable before those of its group that were `waiting` when it came.
fn passes(change: &Change, waiting: &[&Change]) -> bool {
    let commutes = |other: &&Change| match (change, other) {
        (Change::Purge { upto, .. }, Change::Append { entries, .. }) => {
            entries.iter().all(|entry| entry.id.index > upto.index)
        }
        _ => false,
    };
    waiting.iter().all(commutes)
}

impl Life {
    /// Opens `disk` as a crash left it: of each group everything reported durable must be there, and of what was not
    /// at most a first part, or what may go ahead of it.
    pub(super) fn check_after(&self, disk: &FaultyDisk) {
        let found = Rig::open(disk).unwrap().state();
        for group in 0..3 {
            let (known, waiting) = self.known(group);
            let mut allowed = Vec::new();
            for taken in 0..=waiting.len() {
                allowed.push(after(&known, &waiting[..taken], group));
                allowed.push(after(&known, &ahead(&waiting[..taken]), group));
            }
            let found = found.0.get(&group).cloned();
            assert!(allowed.contains(&found), "group {group}: {found:#?}, not one of {allowed:#?}");
        }
    }

    /// What was reported durable of a group, and what was not.
    fn known(&self, group: GroupId) -> (Model, Vec<&Change>) {
        let (mut known, mut waiting) = (self.durable.clone(), Vec::new());
        for (change, durable) in self.pending.iter().filter(|(change, _)| change.group() == group) {
            if durable.load(Ordering::SeqCst) {
                assert!(passes(change, &waiting), "group {group}: told out of order");
                known.apply(change);
            } else {
                waiting.push(change);
            }
        }
        (known, waiting)
    }
}

/// Those of `waiting` that are written while there is no room for all of them.
fn ahead<'a>(waiting: &[&'a Change]) -> Vec<&'a Change> {
    let (mut ahead, mut left) = (Vec::new(), Vec::new());
    for &change in waiting {
        let goes = !matches!(change, Change::Append { .. }) && passes(change, &left);
        if goes { ahead.push(change) } else { left.push(change) }
    }
    ahead
}

fn after(known: &Model, changes: &[&Change], group: GroupId) -> Option<ModelGroup> {
    let mut state = known.clone();
    changes.iter().for_each(|change| state.apply(change));
    state.0.get(&group).cloned()
}
