//! The groups a call about many keys is to ask, each for which slots; and pages of several groups made one.

use std::collections::{BTreeMap, BTreeSet};

use raft_store::GroupId;
use raft_store::key::Key;
use raft_store::map::{Entry, Page, Position, SlotSpan};
use raft_store::slot::{SLOTS, Slot};

use super::doc::ClusterDoc;
use super::keyspace::Scope;

/// Slots to look through, by group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Parts {
    /// Each group's slots, in order.
    pub(super) groups: BTreeMap<GroupId, Vec<SlotSpan>>,
    /// Where the slots of further groups begin; `None`: no group was left out.
    pub(super) end: Option<Position>,
}

/// A key of a merged page, with the group time it was seen at.
pub(super) type Row = (Key, Option<Entry>, u64);

impl Parts {
    /// The slots of `scope` from `from` on, up to where one group more than `groups_max` would have to be asked. `led`
    /// are the groups this node leads.
    pub(super) fn of(
        doc: &ClusterDoc,
        scope: Scope,
        led: &BTreeSet<GroupId>,
        from: Slot,
        groups_max: usize,
    ) -> Self {
        let (first, last) = match scope {
            Scope::Slot(slot) => (slot.max(from), slot),
            Scope::All | Scope::LedHere => (from, SLOTS - 1),
        };
        let mut parts = Self::default();
        for range in doc.slots.iter().filter(|range| scope != Scope::LedHere || led.contains(&range.group)) {
            let span = (range.first.max(first), range.last.min(last));
            if span.0 > span.1 {
                continue;
            }
            if !parts.groups.contains_key(&range.group) && parts.groups.len() == groups_max {
                parts.end = Some(Position::start_of(span.0));
                break;
            }
            parts.groups.entry(range.group).or_default().push(span);
        }
        parts
    }
}

/// One page of all groups' pages, in order of position, each with its group time; and where to go on. A group that did
/// not come to the end of its slots ends the page for all: what others saw behind that is seen again later.
pub(super) fn merged(
    pages: Vec<(Page, u64)>,
    end: Option<Position>,
    limit: usize,
) -> (Vec<Row>, Option<Position>) {
    let mut next = pages.iter().filter_map(|(page, _)| page.next).chain(end).min();
    let rows = pages
        .into_iter()
        .flat_map(|(page, time_ms)| page.found.into_iter().map(move |(key, entry)| (key, entry, time_ms)));
    let mut rows: Vec<Row> =
        rows.filter(|(key, ..)| next.is_none_or(|next| Position::of(key) < next)).collect();
    rows.sort_by_cached_key(|(key, ..)| Position::of(key));
    if let Some((last, ..)) = rows.get(limit.max(1) - 1) {
        // Keys that share a position come together.
        let last = Position::of(last);
        let count = rows.partition_point(|(key, ..)| Position::of(key) <= last);
        if let Some((behind, ..)) = rows.get(count) {
            next = Some(Position::of(behind));
        }
        rows.truncate(count);
    }
    (rows, next)
}

#[cfg(test)]
mod tests;
