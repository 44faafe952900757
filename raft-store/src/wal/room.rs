//! What may be written while there is no room for all that waits: the order of things on a full disk.

use std::collections::{BTreeSet, VecDeque};

use super::memory::{Change, Operation};
use super::options::{RESERVE_BYTES_MAX, RESERVE_PARTS};

/// Bytes at the end of a segment that only [`ahead`] may use.
pub(super) fn reserve(segment_bytes: u64) -> u64 {
    (segment_bytes / RESERVE_PARTS).min(RESERVE_BYTES_MAX)
}

/// Leaves in `operations` those that may go ahead of the others: votes, truncations, purges and clearings of groups none of
/// whose entries wait before them. They are what a node needs to stay a voter and to free space. Returns the others.
///
/// The order within each group stays, and groups know nothing of one another.
pub(super) fn ahead(operations: &mut VecDeque<Operation>) -> VecDeque<Operation> {
    let mut waiting_groups = BTreeSet::new();
    let (ahead, waiting) = std::mem::take(operations).into_iter().partition(|operation| {
        let group = operation.change.group();
        let waits = matches!(operation.change, Change::Append { .. }) || waiting_groups.contains(&group);
        if waits {
            waiting_groups.insert(group);
        }
        !waits
    });
    *operations = ahead;
    waiting
}

/// All of them again, in the order they came.
pub(super) fn merge(ahead: VecDeque<Operation>, waiting: VecDeque<Operation>) -> VecDeque<Operation> {
    let mut all: Vec<Operation> = ahead.into_iter().chain(waiting).collect();
    all.sort_unstable_by_key(|operation| operation.number);
    all.into()
}
