//! Which entries are moved to the head next, so that the oldest segment can go: a bounded part with each batch, found
//! by looking at a bounded number of entries.

use super::index::Index;
use super::options::{LOOKED_AT_PER_BATCH, RELOCATED_BYTES_PER_BATCH};
use super::record::{EntryId, Position};
use crate::GroupId;

/// How far moving has come. Nothing is ever added to an old segment, so what was passed needs no second look.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    segment: u64,
    group: GroupId,
    /// Entries below this index were looked at.
    index: u64,
}

/// Entries to be moved, and how far moving has come once they are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Movable {
    pub(super) entries: Vec<(GroupId, EntryId, Position)>,
    pub(super) after: Cursor,
    bytes: u64,
    looked_at: usize,
}

/// The next live entries of `segment` from `cursor` on: at least one, unless too many others come before it.
pub(super) fn next(index: &Index, segment: u64, cursor: Cursor) -> Movable {
    let start = Cursor { segment, ..Cursor::default() };
    let mut movable = Movable { after: start, ..Movable::default() };
    if cursor.segment == segment {
        movable.after = cursor;
    }
    for (group, live) in index.live().groups_in(segment, movable.after.group) {
        if group != movable.after.group {
            movable.after = Cursor { group, ..start };
        }
        if !movable.collect(index, live) {
            return movable;
        }
    }
    // Whatever should still be there is looked for from the start.
    movable.after = start;
    movable
}

impl Movable {
    /// Goes on in the cursor's group, which has `live` bytes in the segment. False once it is enough.
    fn collect(&mut self, index: &Index, mut live: u64) -> bool {
        let Cursor { segment, group, index: from } = self.after;
        let Some(state) = index.groups().get(&group) else { return true };
        for (index, at) in state.entries.positions(from, u64::MAX) {
            if live == 0 {
                break;
            }
            let bytes = if at.segment == segment { u64::from(at.len) } else { 0 };
            let too_many = !self.entries.is_empty() && self.bytes + bytes > RELOCATED_BYTES_PER_BATCH;
            if too_many || self.looked_at == LOOKED_AT_PER_BATCH {
                return false;
            }
            if bytes > 0 {
                self.entries.extend(state.entries.get(index).map(|(id, at)| (group, id, at)));
            }
            (self.looked_at, self.bytes, live) =
                (self.looked_at + 1, self.bytes + bytes, live.saturating_sub(bytes));
            self.after.index = index + 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Effect;
    use super::*;

    /// Entries of groups 1 and 2: each index, the segment it is in, its bytes.
    fn index(entries: impl IntoIterator<Item = (GroupId, u64, u64, u32)>) -> Index {
        let mut index = Index::default();
        for (group, nth, segment, len) in entries {
            let id = EntryId { term: 1, node: 1, index: nth };
            index.apply(Effect::Entry { group, id, at: Position { segment, offset: 0, len } });
        }
        index
    }

    fn found(movable: &Movable) -> Vec<(GroupId, u64)> {
        movable.entries.iter().map(|(group, id, _)| (*group, id.index)).collect()
    }

    #[test]
    fn every_entry_of_the_segment_is_found_once_a_bounded_part_at_a_time() {
        let half = RELOCATED_BYTES_PER_BATCH as u32 / 2;
        let all =
            [(1, 5, 9, 1), (1, 6, 3, half), (1, 7, 3, half), (1, 8, 3, 3 * half), (2, 1, 3, 1), (2, 2, 4, 1)];
        let index = index(all);
        let (mut cursor, mut parts) = (Cursor::default(), Vec::new());
        for _ in 0..3 {
            let movable = next(&index, 3, cursor);
            parts.push(found(&movable));
            cursor = movable.after;
        }
        assert_eq!(parts, [vec![(1, 6), (1, 7)], vec![(1, 8)], vec![(2, 1)]]);
        assert_eq!(found(&next(&index, 4, cursor)), [(2, 2)], "another segment is looked at from its start");
    }

    /// The first entries of a group were moved before; they must not be looked at with every batch.
    #[test]
    fn looking_is_bounded_and_goes_on_where_it_stopped() {
        let moved = LOOKED_AT_PER_BATCH as u64 + 10;
        let index = index((0..moved).map(|nth| (1, nth, 9, 1)).chain([(1, moved, 3, 1)]));
        let first = next(&index, 3, Cursor::default());
        assert_eq!((found(&first).len(), first.looked_at), (0, LOOKED_AT_PER_BATCH));
        let second = next(&index, 3, first.after);
        assert_eq!((found(&second), second.looked_at), (vec![(1, moved)], 11));
    }
}
