//! What may be written while there is no room for all that waits: the order of things on a full disk.

use std::collections::{BTreeMap, VecDeque};

use super::memory::{Change, Operation};
use super::options::{RESERVE_BYTES_MAX, RESERVE_PARTS};
use crate::GroupId;

/// Bytes at the end of a segment that only [`Waiting::ahead`] may use.
pub(super) fn reserve(segment_bytes: u64) -> u64 {
    (segment_bytes / RESERVE_PARTS).min(RESERVE_BYTES_MAX)
}

/// What was looked at and found no room; each operation is looked at once, however many come after it.
#[derive(Default)]
pub(super) struct Waiting {
    /// In the order they came.
    operations: VecDeque<Operation>,
    /// The lowest index that waits, by group: no purge from there on may go ahead. 0: nothing may.
    groups: BTreeMap<GroupId, u64>,
    /// Upper bound of the bytes they take in a batch.
    bytes: usize,
}

impl Waiting {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.operations.len()
    }

    /// Upper bound of the bytes all of them take in a batch.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds those of `new` that must wait, and returns those that may go ahead, `room` bytes of them at most: votes,
    /// truncations, purges and clearings of groups none of whose operations wait before them, and purges below the first
    /// entry that waits, if only appends of their group do. They are what a node needs to stay a voter and to free space.
    ///
    /// The order within each group stays, but for purges and appends that come to the same either way. Groups know
    /// nothing of one another.
    pub(super) fn ahead(&mut self, new: VecDeque<Operation>, room: usize) -> VecDeque<Operation> {
        let (mut ahead, mut left) = (VecDeque::new(), room);
        for operation in new {
            let bytes = operation.change.stored_bytes();
            if bytes <= left && self.may_pass(&operation.change) {
                left -= bytes;
                ahead.push_back(operation);
            } else {
                self.add(operation, bytes);
            }
        }
        ahead
    }

    fn may_pass(&self, change: &Change) -> bool {
        let first = self.groups.get(&change.group());
        match change {
            Change::Append { .. } => false,
            Change::Purge { upto, .. } => first.is_none_or(|&first| upto.index < first),
            Change::Vote { .. } | Change::Truncate { .. } | Change::Clear { .. } => first.is_none(),
        }
    }

    fn add(&mut self, operation: Operation, bytes: usize) {
        let first = self.groups.entry(operation.change.group()).or_insert(u64::MAX);
        *first = lowest_index(&operation.change).min(*first);
        self.bytes += bytes;
        self.operations.push_back(operation);
    }

    /// All of them, in the order they came.
    pub(super) fn take(&mut self) -> VecDeque<Operation> {
        std::mem::take(self).operations
    }
}

fn lowest_index(change: &Change) -> u64 {
    match change {
        Change::Append { entries, .. } => entries.first().map_or(u64::MAX, |entry| entry.id.index),
        Change::Vote { .. } | Change::Truncate { .. } | Change::Purge { .. } | Change::Clear { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::Callback;
    use super::super::record::{Entry, EntryId};
    use super::*;

    fn append(number: u64, group: GroupId) -> Operation {
        let entry =
            Entry { id: EntryId { term: 1, node: 1, index: number }, kind: 0, payload: vec![0; 10].into() };
        operation(number, Change::Append { group, entries: vec![entry] })
    }

    fn vote(number: u64, group: GroupId) -> Operation {
        operation(number, Change::Vote { group, vote: vec![0; 11].into() })
    }

    fn operation(number: u64, change: Change) -> Operation {
        Operation { change, done: Callback::new(None), charged: 0, number, enqueued_ns: 0 }
    }

    fn numbers(operations: &VecDeque<Operation>) -> Vec<u64> {
        operations.iter().map(|operation| operation.number).collect()
    }

    #[test]
    fn votes_go_ahead_but_never_of_their_own_group_nor_past_the_room_there_is() {
        let mut waiting = Waiting::default();
        let first = waiting.ahead([append(1, 1), vote(2, 2), vote(3, 1)].into(), 1000);
        assert_eq!((numbers(&first), waiting.bytes()), (vec![2], 48 + 40));
        let second = waiting.ahead([vote(4, 1), vote(5, 3), vote(6, 4), vote(7, 4), vote(8, 2)].into(), 99);
        assert_eq!(numbers(&second), [5, 6], "two have 80 bytes");
        assert!(waiting.ahead([vote(9, 4), vote(10, 2)].into(), 1000).is_empty(), "7 and 8 wait before them");
        assert_eq!(numbers(&waiting.take()), [1, 3, 4, 7, 8, 9, 10]);
        assert!(waiting.is_empty() && waiting.bytes() == 0);
        assert_eq!(numbers(&waiting.ahead([vote(11, 1)].into(), 1000)), [11]);
    }
}
