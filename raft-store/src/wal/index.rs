//! What the disk holds: each group's vote, purge and entry positions, and which segments still matter.
//!
//! Changed by [`Index::apply`] only: by the writer once a batch is durable, by recovery as it reads the
//! same batch back. So it never runs ahead of the disk, and the two agree by construction.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::entries::{Entries, Freed};
use super::error::WalError;
use super::live::Live;
use super::record::{Effect, EntryId, RECORD_BYTES_MAX};
use crate::GroupId;

/// One group on disk.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct GroupIndex {
    /// The last durable vote.
    pub(super) vote: Option<Bytes>,
    /// The last entry purged.
    pub(super) purged: Option<EntryId>,
    /// Entries by index. While recovery reads, entries moved to the head may still be absent.
    pub(super) entries: Entries,
}

/// All groups on disk.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Index {
    groups: BTreeMap<GroupId, GroupIndex>,
    live: Live,
}

impl Index {
    /// The groups, known by an entry, a purge or only a vote.
    pub(super) fn groups(&self) -> &BTreeMap<GroupId, GroupIndex> {
        &self.groups
    }

    /// Bytes of live entries, by segment.
    pub(super) fn live(&self) -> &Live {
        &self.live
    }

    /// Does what a durable record says.
    pub(super) fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Entry { group, id, at } => {
                self.live.add(at.segment, group, at.len.into());
                if let Some(old) = self.group(group).entries.insert(id, at) {
                    self.live.free(group, vec![(old.segment, old.len.into())]);
                }
            }
            Effect::Vote { group, vote } => self.group(group).vote = Some(vote),
            Effect::Truncate { group, from } => {
                let freed = self.group(group).entries.truncate(from);
                self.live.free(group, freed);
            }
            Effect::Purge { group, upto } => {
                let freed = self.group(group).purge(upto);
                self.live.free(group, freed);
            }
            Effect::Clear { group } => self.clear(group),
            Effect::Checkpoint => {}
        }
    }

    fn group(&mut self, group: GroupId) -> &mut GroupIndex {
        self.groups.entry(group).or_default()
    }

    fn clear(&mut self, group: GroupId) {
        let Some(GroupIndex { vote, mut entries, .. }) = self.groups.remove(&group) else { return };
        if vote.is_some() {
            self.group(group).vote = vote;
        }
        self.live.free(group, entries.truncate(0));
    }

    /// Every group's vote and purge, for the start of a segment.
    pub(super) fn checkpoint(&self) -> Vec<Effect> {
        let states = self.groups.iter().flat_map(|(&group, state)| {
            let vote = state.vote.clone().map(|vote| Effect::Vote { group, vote });
            vote.into_iter().chain(state.purged.map(|upto| Effect::Purge { group, upto }))
        });
        std::iter::once(Effect::Checkpoint).chain(states).collect()
    }

    /// Bytes of [`Self::checkpoint`] in a batch, at the most.
    pub(super) fn checkpoint_bytes(&self) -> usize {
        let bytes = |state: &GroupIndex| 2 * RECORD_BYTES_MAX + state.vote.as_ref().map_or(0, Bytes::len);
        self.groups.values().map(bytes).sum::<usize>() + RECORD_BYTES_MAX
    }

    /// Whether each group's entries follow one another, from its purge on: true of every log that was
    /// read back whole.
    pub(super) fn check(&self) -> Result<(), WalError> {
        for (&group, state) in &self.groups {
            let found = state.entries.first();
            let first = state.purged.map(|id| id.index.saturating_add(1)).or(found).unwrap_or(0);
            let end = state.entries.last().map_or(first, |last| last.saturating_add(1));
            if found.is_some_and(|found| found != first) || state.entries.len() != end - first {
                let places = state.entries.positions(first, end);
                let wrong = (first..).zip(places).find(|(index, (found, _))| index != found);
                return Err(WalError::Hole { group, index: wrong.map_or(end, |(index, _)| index) });
            }
        }
        Ok(())
    }
}

impl GroupIndex {
    fn purge(&mut self, upto: EntryId) -> Freed {
        if self.purged.is_some_and(|purged| purged.index >= upto.index) {
            return Freed::new();
        }
        self.purged = Some(upto);
        self.entries.purge(upto.index.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Position;
    use super::*;

    fn id(index: u64) -> EntryId {
        EntryId { term: 1, node: 1, index }
    }

    fn entry(index: u64, segment: u64) -> Effect {
        Effect::Entry { group: 1, id: id(index), at: Position { segment, offset: 8 * index, len: 10 } }
    }

    fn index(effects: impl IntoIterator<Item = Effect>) -> Index {
        let mut index = Index::default();
        effects.into_iter().for_each(|effect| index.apply(effect));
        index
    }

    #[test]
    fn a_segment_is_live_until_its_last_entry_is_purged_truncated_or_moved() {
        let mut index = index([entry(1, 1), entry(2, 1), entry(3, 1), entry(4, 2)]);
        assert_eq!((index.live.of(1), index.live.total()), (30, 40));
        index.apply(Effect::Purge { group: 1, upto: id(1) });
        index.apply(entry(2, 3));
        assert_eq!((index.live.of(1), index.live.of(3)), (10, 10));
        index.apply(Effect::Truncate { group: 1, from: 3 });
        assert_eq!((index.live.of(1), index.live.of(2), index.live.total()), (0, 0, 10));
        assert!(index.check().is_ok());
    }

    #[test]
    fn moved_entries_fill_the_gap_an_old_segment_left() {
        let mut index = index([Effect::Purge { group: 1, upto: id(1) }, entry(4, 2)]);
        assert!(matches!(index.check(), Err(WalError::Hole { group: 1, index: 2 })));
        index.apply(entry(2, 3));
        assert!(matches!(index.check(), Err(WalError::Hole { group: 1, index: 3 })));
        index.apply(entry(3, 3));
        assert!(index.check().is_ok());
    }
}
