//! Which leader put each entry of a group there, as runs: neighbours mostly have the same one, so it costs next to
//! nothing for each entry.

use std::collections::BTreeMap;

/// A term and its leader.
type Leader = (u64, u64);

/// Runs by their first index; each goes up to the next one. What is not an entry may lie within a run.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Leaders(BTreeMap<u64, Leader>);

impl Leaders {
    /// The leader of the entry at `index`, if there is an entry.
    pub(super) fn get(&self, index: u64) -> Option<Leader> {
        self.0.range(..=index).next_back().map(|(_, &leader)| leader)
    }

    /// Notes the leader of one entry. `last` is the highest index that has an entry.
    pub(super) fn set(&mut self, index: u64, leader: Leader, last: Option<u64>) {
        let (before, next) = (self.get(index), index.saturating_add(1));
        if before == Some(leader) {
            return;
        }
        if let Some(before) = before
            && last.is_some_and(|last| last >= next)
        {
            self.0.entry(next).or_insert(before);
        }
        self.0.insert(index, leader);
        if self.0.get(&next) == Some(&leader) {
            self.0.remove(&next);
        }
    }

    /// Forgets entries from `from` on.
    pub(super) fn truncate(&mut self, from: u64) {
        self.0.split_off(&from);
    }

    /// Forgets entries below `first`.
    pub(super) fn purge(&mut self, first: u64) {
        let leader = self.get(first);
        self.0 = self.0.split_off(&first);
        if let Some(leader) = leader {
            self.0.insert(first, leader);
        }
    }
}
