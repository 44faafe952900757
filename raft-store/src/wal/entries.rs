//! Where one group's entries are on disk, in little memory: 12 bytes for each, in chunks by index.
//!
//! The indexes of a log that was read back whole have no gap. While recovery reads one there may be some, because
//! entries that were moved to the head come after their successors; so every place may be empty.

use std::collections::BTreeMap;

use super::leaders::Leaders;
use super::record::{EntryId, Position};

/// Entries of a chunk.
const CHUNK: u64 = 256;

/// A [`Position`]; of no bytes where there is no entry.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Slot {
    segment: u32,
    offset: u32,
    len: u32,
}

impl Slot {
    fn new(at: Position) -> Self {
        // `SEGMENT_NUMBER_MAX` and `SEGMENT_BYTES_MAX` see to it in the writer, `recover` when it lists the files.
        let small = |number| u32::try_from(number).expect("segments and offsets are bounded to 32 bits");
        Self { segment: small(at.segment), offset: small(at.offset), len: at.len }
    }

    fn position(self) -> Option<Position> {
        let Self { segment, offset, len } = self;
        (len > 0).then(|| Position { segment: segment.into(), offset: offset.into(), len })
    }
}

/// Bytes that are no longer live, by segment; one segment may come several times.
pub(super) type Freed = Vec<(u64, u64)>;

fn free(freed: &mut Freed, slot: Slot) {
    let (segment, bytes) = (u64::from(slot.segment), u64::from(slot.len));
    match freed.last_mut() {
        _ if bytes == 0 => {}
        Some((last, sum)) if *last == segment => *sum += bytes,
        _ => freed.push((segment, bytes)),
    }
}

/// One group's entries.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Entries {
    /// By index divided by [`CHUNK`]; none is without an entry, none ends in an empty place.
    chunks: BTreeMap<u64, Vec<Slot>>,
    leaders: Leaders,
    count: u64,
}

impl Entries {
    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.count
    }

    /// The lowest index that has an entry.
    pub(super) fn first(&self) -> Option<u64> {
        let (chunk, slots) = self.chunks.first_key_value()?;
        let nth = slots.iter().position(|slot| slot.len > 0)?;
        Some(chunk * CHUNK + nth as u64)
    }

    /// The highest index that has an entry.
    pub(super) fn last(&self) -> Option<u64> {
        let (chunk, slots) = self.chunks.last_key_value()?;
        Some(chunk * CHUNK + (slots.len() as u64 - 1))
    }

    /// The entry at `index`.
    pub(super) fn get(&self, index: u64) -> Option<(EntryId, Position)> {
        let slot = self.chunks.get(&(index / CHUNK))?.get((index % CHUNK) as usize)?;
        let (at, (term, node)) = (slot.position()?, self.leaders.get(index)?);
        Some((EntryId { term, node, index }, at))
    }

    /// Where the entries of `start..end` are, in order.
    pub(super) fn positions(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, Position)> {
        let chunks = (start < end).then(|| self.chunks.range(start / CHUNK..=(end - 1) / CHUNK));
        chunks.into_iter().flatten().flat_map(move |(chunk, slots)| {
            let base = chunk * CHUNK;
            let from = start.saturating_sub(base).min(slots.len() as u64);
            let to = end.saturating_sub(base).min(slots.len() as u64).max(from);
            let slots = slots[from as usize..to as usize].iter();
            (base + from..).zip(slots).filter_map(|(index, slot)| Some((index, slot.position()?)))
        })
    }

    /// Adds an entry, or says where it is now. Returns where it was.
    pub(super) fn insert(&mut self, id: EntryId, at: Position) -> Option<Position> {
        self.leaders.set(id.index, (id.term, id.node), self.last());
        let (chunk, nth) = (id.index / CHUNK, (id.index % CHUNK) as usize);
        let slots = match self.chunks.last_entry() {
            Some(last) if *last.key() == chunk => last.into_mut(),
            _ => self.chunks.entry(chunk).or_default(),
        };
        if slots.len() <= nth {
            slots.resize(nth + 1, Slot::default());
        }
        let old = std::mem::replace(&mut slots[nth], Slot::new(at)).position();
        self.count += u64::from(old.is_none());
        old
    }

    /// Removes entries from `from` on.
    pub(super) fn truncate(&mut self, from: u64) -> Freed {
        let mut removed = self.chunks.split_off(&(from / CHUNK));
        if let Some(mut slots) = removed.remove(&(from / CHUNK)) {
            let kept = slots.len().min((from % CHUNK) as usize);
            removed.insert(from / CHUNK, slots.split_off(kept));
            let kept = slots.iter().rposition(|slot| slot.len > 0).map_or(0, |last| last + 1);
            slots.truncate(kept);
            if kept > 0 {
                self.chunks.insert(from / CHUNK, slots);
            }
        }
        self.leaders.truncate(from);
        self.forget(&removed)
    }

    /// Removes entries below `first`.
    pub(super) fn purge(&mut self, first: u64) -> Freed {
        let kept = self.chunks.split_off(&(first / CHUNK));
        let mut removed = std::mem::replace(&mut self.chunks, kept);
        if let Some(slots) = self.chunks.get_mut(&(first / CHUNK)) {
            let below = slots.len().min((first % CHUNK) as usize);
            let gone = slots[..below].to_vec();
            slots[..below].fill(Slot::default());
            if below == slots.len() {
                self.chunks.remove(&(first / CHUNK));
            }
            removed.insert(first / CHUNK, gone);
        }
        self.leaders.purge(first);
        self.forget(&removed)
    }

    fn forget(&mut self, removed: &BTreeMap<u64, Vec<Slot>>) -> Freed {
        let mut freed = Freed::new();
        for slot in removed.values().flatten().filter(|slot| slot.len > 0) {
            self.count -= 1;
            free(&mut freed, *slot);
        }
        freed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(index: u64, term: u64) -> EntryId {
        EntryId { term, node: term % 3, index }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u64, u64, u64),
        Truncate(u64),
        Purge(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let index = prop_oneof![0..20u64, 0..4 * CHUNK];
        prop_oneof![
            8 => (index.clone(), 1..4u64, 1..5u64).prop_map(|(index, term, segment)| Step::Insert(index, term, segment)),
            1 => index.clone().prop_map(Step::Truncate),
            1 => index.prop_map(Step::Purge),
        ]
    }

    /// Bytes by segment.
    fn sums(freed: impl IntoIterator<Item = (u64, u64)>) -> BTreeMap<u64, u64> {
        let mut sums = BTreeMap::new();
        freed.into_iter().for_each(|(segment, bytes)| *sums.entry(segment).or_default() += bytes);
        sums
    }

    fn check(entries: &Entries, model: &BTreeMap<u64, (EntryId, Position)>) {
        assert_eq!(entries.len(), model.len() as u64);
        assert_eq!(entries.first(), model.keys().next().copied());
        assert_eq!(entries.last(), model.keys().next_back().copied());
        for index in 0..4 * CHUNK + 2 {
            assert_eq!(entries.get(index), model.get(&index).copied(), "{index}");
        }
        for (start, end) in [(0, u64::MAX), (7, 7), (9, 3), (5, CHUNK), (CHUNK + 3, 2 * CHUNK + 1)] {
            let wanted = model.iter().filter(|(index, _)| (start..end).contains(*index));
            assert!(entries.positions(start, end).eq(wanted.map(|(&index, &(_, at))| (index, at))));
        }
    }

    proptest! {
        /// Against a plain map: in any order, with gaps, with entries put over others of another leader.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec(step(), 1..60)) {
            let (mut entries, mut model) = (Entries::default(), BTreeMap::new());
            for (nth, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Insert(index, term, segment) => {
                        let at = Position { segment, offset: nth as u64, len: 1 + nth as u32 };
                        let old = model.insert(index, (id(index, term), at)).map(|(_, at)| at);
                        assert_eq!(entries.insert(id(index, term), at), old);
                    }
                    Step::Truncate(from) => {
                        let gone = model.split_off(&from);
                        let gone = gone.into_values().map(|(_, at)| (at.segment, at.len.into()));
                        assert_eq!(sums(entries.truncate(from)), sums(gone));
                    }
                    Step::Purge(first) => {
                        let kept = model.split_off(&first);
                        let gone = std::mem::replace(&mut model, kept);
                        let gone = gone.into_values().map(|(_, at)| (at.segment, at.len.into()));
                        assert_eq!(sums(entries.purge(first)), sums(gone));
                    }
                }
                check(&entries, &model);
            }
        }
    }

    #[test]
    fn indexes_may_be_as_high_as_they_get() {
        let mut entries = Entries::default();
        let at = Position { segment: 1, offset: 2, len: 3 };
        entries.insert(id(u64::MAX, 1), at);
        assert_eq!((entries.first(), entries.last()), (Some(u64::MAX), Some(u64::MAX)));
        assert_eq!(entries.truncate(u64::MAX), [(1, 3)]);
        assert_eq!(entries.len(), 0);
    }

    /// The point of it all.
    #[test]
    fn an_entry_takes_12_bytes() {
        let mut entries = Entries::default();
        for index in 0..100 * CHUNK {
            entries.insert(id(index, 1), Position { segment: 1, offset: index, len: 3 });
        }
        let bytes: usize = entries.chunks.values().map(|slots| slots.capacity() * size_of::<Slot>()).sum();
        assert_eq!(bytes as u64, 12 * entries.len());
        assert_eq!(entries.leaders, {
            let mut one = Leaders::default();
            one.set(0, (1, 1), None);
            one
        });
    }
}
