//! Which segments still hold entries that are needed, and of which groups.

use std::collections::BTreeMap;

use super::entries::Freed;
use crate::GroupId;

/// Bytes of live entries: by segment, then by group. A segment without any is not listed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Live {
    segments: BTreeMap<u64, Segment>,
    total: u64,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Segment {
    bytes: u64,
    groups: BTreeMap<GroupId, u64>,
}

impl Live {
    /// Counts an entry of `bytes`.
    pub(super) fn add(&mut self, segment: u64, group: GroupId, bytes: u64) {
        let live = self.segments.entry(segment).or_default();
        *live.groups.entry(group).or_default() += bytes;
        live.bytes += bytes;
        self.total += bytes;
    }

    /// Counts entries that are gone.
    pub(super) fn free(&mut self, group: GroupId, freed: Freed) {
        for (segment, bytes) in freed {
            let Some(live) = self.segments.get_mut(&segment) else { continue };
            live.bytes -= bytes;
            self.total -= bytes;
            if let Some(left) = live.groups.get_mut(&group) {
                *left -= bytes;
                if *left == 0 {
                    live.groups.remove(&group);
                }
            }
            if live.groups.is_empty() {
                self.segments.remove(&segment);
            }
        }
    }

    /// Bytes in a segment.
    pub(super) fn of(&self, segment: u64) -> u64 {
        self.segments.get(&segment).map_or(0, |live| live.bytes)
    }

    /// Bytes in all segments.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Whether a segment has none.
    pub(super) fn is_dead(&self, segment: u64) -> bool {
        !self.segments.contains_key(&segment)
    }

    /// The groups with entries in a segment, from `first` on, and how many bytes each has there.
    pub(super) fn groups_in(&self, segment: u64, first: GroupId) -> impl Iterator<Item = (GroupId, u64)> {
        let groups = self.segments.get(&segment).map(|live| live.groups.range(first..));
        groups.into_iter().flatten().map(|(&group, &bytes)| (group, bytes))
    }
}
