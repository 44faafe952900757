//! What may be written while there is no room for all that waits: the order of things on a full disk.

use std::collections::{BTreeSet, VecDeque};

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
    groups: BTreeSet<GroupId>,
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
    /// truncations, purges and clearings of groups none of whose operations wait before them. They are what a node needs to
    /// stay a voter and to free space.
    ///
    /// The order within each group stays, and groups know nothing of one another.
    pub(super) fn ahead(&mut self, new: VecDeque<Operation>, room: usize) -> VecDeque<Operation> {
        let (mut ahead, mut left) = (VecDeque::new(), room);
        for operation in new {
            let bytes = operation.change.stored_bytes();
            let grows = matches!(operation.change, Change::Append { .. });
            if grows || bytes > left || self.groups.contains(&operation.change.group()) {
                self.add(operation, bytes);
            } else {
                left -= bytes;
                ahead.push_back(operation);
            }
        }
        ahead
    }

    fn add(&mut self, operation: Operation, bytes: usize) {
        self.groups.insert(operation.change.group());
        self.bytes += bytes;
        self.operations.push_back(operation);
    }

    /// All of them, in the order they came.
    pub(super) fn take(&mut self) -> VecDeque<Operation> {
        std::mem::take(self).operations
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
