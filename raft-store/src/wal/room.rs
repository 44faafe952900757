//! What may be written while there is no room for all that waits: the order of things on a full disk.

use std::collections::{BTreeMap, VecDeque};

use super::memory::{Change, Operation};
use super::options::{RESERVE_BYTES_MAX, RESERVE_PARTS};

/// Bytes at the end of a segment that only [`ahead`] may use.
pub(super) fn reserve(segment_bytes: u64) -> u64 {
    (segment_bytes / RESERVE_PARTS).min(RESERVE_BYTES_MAX)
}

/// Leaves in `operations` those that may go ahead of the others: votes, truncations and purges of groups none of
/// whose operations wait before them, and purges below the first entry that waits, if only appends of their group do.
/// They are what a node needs to stay a voter and to free space. Returns the others.
///
/// The order within each group stays, but for purges and appends that come to the same either way. Groups know
/// nothing of one another.
pub(super) fn ahead(operations: &mut VecDeque<Operation>) -> VecDeque<Operation> {
    // By group, the lowest index that waits: no purge from there on may pass. 0: nothing may.
    let mut first_waiting = BTreeMap::new();
    let (ahead, waiting) = std::mem::take(operations).into_iter().partition(|operation| {
        let first = first_waiting.get(&operation.change.group());
        let passes = match &operation.change {
            Change::Append { .. } => false,
            Change::Purge { upto, .. } => first.is_none_or(|&first| upto.index < first),
            Change::Vote { .. } | Change::Truncate { .. } => first.is_none(),
        };
        if !passes {
            let first = first_waiting.entry(operation.change.group()).or_insert(u64::MAX);
            *first = lowest_index(&operation.change).min(*first);
        }
        passes
    });
    *operations = ahead;
    waiting
}

fn lowest_index(change: &Change) -> u64 {
    match change {
        Change::Append { entries, .. } => entries.first().map_or(u64::MAX, |entry| entry.id.index),
        Change::Vote { .. } | Change::Truncate { .. } | Change::Purge { .. } => 0,
    }
}

/// All of them again, in the order they came.
pub(super) fn merge(ahead: VecDeque<Operation>, waiting: VecDeque<Operation>) -> VecDeque<Operation> {
    let mut all: Vec<Operation> = ahead.into_iter().chain(waiting).collect();
    all.sort_unstable_by_key(|operation| operation.number);
    all.into()
}
