//! The ring: the consistent hash that says which group should own which slot.
//!
//! Pure. The slot table in the meta group is the truth about who owns what; the ring is the policy that computes the
//! table a cluster should have. Each group stands on a circle of 2^64 positions at `virtual_nodes × weight`
//! points; slot `s` stands at `s × 2^50` and belongs to the first point at or after it (Karger et al., "Consistent
//! Hashing and Random Trees", 1997; virtual nodes as in Dynamo, 2007).
//!
//! Guarantees, all tested:
//! - the same groups, weights and virtual nodes give the same table, on every machine and for ever;
//! - adding a group moves slots to it only, removing one moves its own slots only: a point decides for or against
//!   a slot whatever other points there are;
//! - for that reason a group that owns a slot among some groups owns it among any part of them, too. With
//!   [`VIRTUAL_NODES_DEFAULT`] and equal weights each of the groups 1 to 1,024 owns a slot when all are there, so
//!   each does in any smaller choice of them. Other ids, weights or fewer virtual nodes carry no such promise;
//! - balance: `tests::balance_stays_within_its_bounds` states what 1, 10 and 100 virtual nodes give.

use std::collections::BTreeMap;

use raft_store::GroupId;
use raft_store::map::SlotSet;
use raft_store::slot::{SLOTS, Slot};
use serde::{Deserialize, Serialize};

use crate::views::SlotRange;

/// Points of a group of weight 1 unless told otherwise.
pub const VIRTUAL_NODES_DEFAULT: u32 = 100;
/// Most points of a group for each unit of weight; more count as this many.
pub const VIRTUAL_NODES_MAX: u32 = 1000;
/// Largest weight; larger ones count as this.
pub const WEIGHT_MAX: u32 = 100;

/// The top bits of a position that name the slot just at or below it: 2^14 slots.
const SLOT_SHIFT: u32 = 64 - SLOTS.trailing_zeros();

/// The groups of a cluster, each with its weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    weights: BTreeMap<GroupId, u32>,
    virtual_nodes: u32,
}

impl Ring {
    /// A ring of these groups. Of a group named twice the last weight counts; weight 0 owns nothing.
    pub fn new(groups: impl IntoIterator<Item = (GroupId, u32)>, virtual_nodes: u32) -> Self {
        let weights = groups.into_iter().map(|(group, weight)| (group, weight.min(WEIGHT_MAX))).collect();
        Self { weights, virtual_nodes: virtual_nodes.clamp(1, VIRTUAL_NODES_MAX) }
    }

    /// Who should own which slot. Of a ring without points: [`SlotTable::default`], where nobody owns any.
    pub fn table(&self) -> SlotTable {
        let nearest = self.nearest_points();
        // Going down from the last slot, an owner holds until the next point; the first point of all comes after
        // the last slot, for the circle is closed.
        let Some((_, mut owner)) = nearest.iter().flatten().next().copied() else {
            return SlotTable::default();
        };
        let mut owners = vec![owner; nearest.len()];
        for (slot, point) in nearest.iter().enumerate().rev() {
            owner = point.map_or(owner, |(_, group)| group);
            owners[slot] = owner;
        }
        SlotTable::from_owners(&owners)
    }

    /// For each slot, the first point at or after it and before the next slot.
    fn nearest_points(&self) -> Vec<Option<(u64, GroupId)>> {
        let mut nearest = vec![None; usize::from(SLOTS)];
        for (&group, &weight) in &self.weights {
            for point in (0..self.virtual_nodes * weight).map(|number| point(group, number)) {
                let first = &mut nearest[slot_below(point)];
                if first.is_none_or(|(before, _)| point < before) {
                    *first = Some((point, group));
                }
            }
        }
        nearest
    }
}

/// Position of a group's point: the first output of SplitMix64 seeded with `group × 2^32 + number` (Steele, Lea and
/// Flood, "Fast Splittable Pseudorandom Number Generators", 2014; constants of Vigna's `splitmix64.c`). One to one,
/// so no two points coincide. Fixed for ever: tools compute tables again.
fn point(group: GroupId, number: u32) -> u64 {
    splitmix64(u64::from(group) << 32 | u64::from(number))
}

fn splitmix64(seed: u64) -> u64 {
    let mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn slot_below(point: u64) -> usize {
    (point >> SLOT_SHIFT) as usize
}

/// Which group owns which slot: all slots have an owner, or (the default) none has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<SlotRange>", into = "Vec<SlotRange>")]
pub struct SlotTable {
    /// In order, without gap; neighbours belong to different groups.
    ranges: Vec<SlotRange>,
}

/// Ranges that are no slot table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotTableError {
    /// A range does not begin where the one before it ended, or ends before it begins.
    #[error("the range {first}-{last} does not continue the table at slot {expected}")]
    Broken {
        /// First slot of the range.
        first: Slot,
        /// Last slot of the range.
        last: Slot,
        /// Where it should begin.
        expected: Slot,
    },
    /// The ranges end before the last slot, or go past it.
    #[error("the ranges cover {0} slots of {SLOTS}")]
    Incomplete(u32),
}

impl SlotTable {
    /// The table in which `owners[slot]` owns each slot.
    fn from_owners(owners: &[GroupId]) -> Self {
        let mut ranges: Vec<SlotRange> = Vec::new();
        for (slot, &group) in (0..).zip(owners) {
            match ranges.last_mut() {
                Some(range) if range.group == group => range.last = slot,
                _ => ranges.push(SlotRange { first: slot, last: slot, group }),
            }
        }
        Self { ranges }
    }

    /// From ranges in order; none at all is the table without owners.
    pub fn from_ranges(ranges: impl IntoIterator<Item = SlotRange>) -> Result<Self, SlotTableError> {
        let mut owners = Vec::with_capacity(usize::from(SLOTS));
        for SlotRange { first, last, group } in ranges {
            let expected = owners.len() as Slot;
            if first != expected || last < first {
                return Err(SlotTableError::Broken { first, last, expected });
            }
            if last >= SLOTS {
                return Err(SlotTableError::Incomplete(u32::from(last) + 1));
            }
            owners.resize(usize::from(last) + 1, group);
        }
        if !owners.is_empty() && owners.len() != usize::from(SLOTS) {
            return Err(SlotTableError::Incomplete(owners.len() as u32));
        }
        Ok(Self::from_owners(&owners))
    }

    /// The table as ranges, in order, as few as there can be.
    pub fn ranges(&self) -> &[SlotRange] {
        &self.ranges
    }

    /// The owner of a slot; `None` if the table has no owners, or for a number that is no slot.
    pub fn group_of(&self, slot: Slot) -> Option<GroupId> {
        let after = self.ranges.partition_point(|range| range.last < slot);
        self.ranges.get(after).map(|range| range.group)
    }

    /// The slots of a group.
    pub fn slots_of(&self, group: GroupId) -> SlotSet {
        let own = self.ranges.iter().filter(|range| range.group == group);
        own.flat_map(|range| range.first..=range.last).collect()
    }
}

impl TryFrom<Vec<SlotRange>> for SlotTable {
    type Error = SlotTableError;

    fn try_from(ranges: Vec<SlotRange>) -> Result<Self, SlotTableError> {
        Self::from_ranges(ranges)
    }
}

impl From<SlotTable> for Vec<SlotRange> {
    fn from(table: SlotTable) -> Self {
        table.ranges
    }
}

#[cfg(test)]
mod tests;
