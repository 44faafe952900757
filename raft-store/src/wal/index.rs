//! What the disk holds: each group's vote, purge and entry positions, and which segments still matter.
//!
//! Changed by [`Index::apply`] only: by the writer once a batch is durable, by recovery as it reads the
//! same batch back. So it never runs ahead of the disk, and the two agree by construction.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::error::WalError;
use super::record::{Effect, EntryId, Position, RECORD_BYTES_MAX};
use crate::GroupId;

/// One group on disk.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct GroupIndex {
    /// The last durable vote.
    pub(super) vote: Option<Bytes>,
    /// The last entry purged.
    pub(super) purged: Option<EntryId>,
    /// Entries by index. While recovery reads, entries moved to the head may still be absent.
    pub(super) entries: BTreeMap<u64, (EntryId, Position)>,
}

/// All groups on disk.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Index {
    groups: BTreeMap<GroupId, GroupIndex>,
    /// Bytes of live entries: segment, then group. A segment without any is not listed.
    live: BTreeMap<u64, BTreeMap<GroupId, u64>>,
}

impl Index {
    /// The groups, known by an entry, a purge or only a vote.
    pub(super) fn groups(&self) -> &BTreeMap<GroupId, GroupIndex> {
        &self.groups
    }

    /// Does what a durable record says.
    pub(super) fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Entry { group, id, at } => self.insert(group, id, at),
            Effect::Vote { group, vote } => self.group(group).vote = Some(vote),
            Effect::Truncate { group, from } => {
                let removed = self.group(group).entries.split_off(&from);
                self.free(group, removed);
            }
            Effect::Purge { group, upto } => self.purge(group, upto),
            Effect::Clear { group } => self.clear(group),
            Effect::Checkpoint => {}
        }
    }

    fn group(&mut self, group: GroupId) -> &mut GroupIndex {
        self.groups.entry(group).or_default()
    }

    fn insert(&mut self, group: GroupId, id: EntryId, at: Position) {
        *self.live.entry(at.segment).or_default().entry(group).or_default() += u64::from(at.len);
        if let Some(old) = self.group(group).entries.insert(id.index, (id, at)) {
            self.free(group, BTreeMap::from([(id.index, old)]));
        }
    }

    fn purge(&mut self, group: GroupId, upto: EntryId) {
        let state = self.group(group);
        if state.purged.is_some_and(|purged| purged.index >= upto.index) {
            return;
        }
        state.purged = Some(upto);
        let kept = state.entries.split_off(&(upto.index + 1));
        let removed = std::mem::replace(&mut state.entries, kept);
        self.free(group, removed);
    }

    fn clear(&mut self, group: GroupId) {
        let Some(GroupIndex { vote, entries, .. }) = self.groups.remove(&group) else { return };
        if vote.is_some() {
            self.group(group).vote = vote;
        }
        self.free(group, entries);
    }

    fn free(&mut self, group: GroupId, removed: BTreeMap<u64, (EntryId, Position)>) {
        for (_, at) in removed.into_values() {
            let Some(groups) = self.live.get_mut(&at.segment) else { continue };
            if let Some(bytes) = groups.get_mut(&group) {
                *bytes -= u64::from(at.len);
                if *bytes == 0 {
                    groups.remove(&group);
                }
            }
            if groups.is_empty() {
                self.live.remove(&at.segment);
            }
        }
    }

    /// Bytes of live entries in a segment.
    pub(super) fn live_bytes(&self, segment: u64) -> u64 {
        self.live.get(&segment).map_or(0, |groups| groups.values().sum())
    }

    /// Whether no entry of a segment is live.
    pub(super) fn is_dead(&self, segment: u64) -> bool {
        !self.live.contains_key(&segment)
    }

    /// Bytes of live entries in all segments.
    pub(super) fn live_total(&self) -> u64 {
        self.live.values().flat_map(BTreeMap::values).sum()
    }

    /// Live entries of a segment: at most `bytes_max` of them, but at least one if there is any.
    pub(super) fn live_entries(&self, segment: u64, bytes_max: u64) -> Vec<(GroupId, EntryId, Position)> {
        let mut left = bytes_max;
        let groups = self.live.get(&segment).into_iter().flat_map(BTreeMap::keys);
        groups
            .flat_map(|group| self.groups[group].entries.values().map(|(id, at)| (*group, *id, *at)))
            .filter(|(_, _, at)| at.segment == segment)
            .enumerate()
            .take_while(|(nth, (_, _, at))| {
                let fits = *nth == 0 || left >= u64::from(at.len);
                left = left.saturating_sub(at.len.into());
                fits
            })
            .map(|(_, entry)| entry)
            .collect()
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
            let first = state.purged.map(|id| id.index + 1).or(state.entries.keys().next().copied());
            for (index, &found) in (first.unwrap_or(0)..).zip(state.entries.keys()) {
                if index != found {
                    return Err(WalError::Hole { group, index });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!((index.live_bytes(1), index.live_total()), (30, 40));
        index.apply(Effect::Purge { group: 1, upto: id(1) });
        index.apply(entry(2, 3));
        assert_eq!((index.live_bytes(1), index.live_bytes(3)), (10, 10));
        index.apply(Effect::Truncate { group: 1, from: 3 });
        assert_eq!((index.live_bytes(1), index.live_bytes(2), index.live_total()), (0, 0, 10));
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

    #[test]
    fn moving_is_bounded_but_never_stuck() {
        let index = index([entry(1, 1), entry(2, 1), entry(3, 1)]);
        assert_eq!(index.live_entries(1, 0).len(), 1);
        assert_eq!(index.live_entries(1, 25).len(), 2);
        assert_eq!(index.live_entries(1, 99).len(), 3);
    }
}
