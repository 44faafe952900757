//! A set of hash slots, as a bitmap.

use bytes::Buf;

use crate::codec::{DecodeError, Decoder};
use crate::slot::{SLOTS, Slot};

const WORDS: usize = SLOTS as usize / 64;

/// A set of slots: one bit for each.
#[derive(Clone, PartialEq, Eq)]
pub struct SlotSet(Box<[u64; WORDS]>);

impl SlotSet {
    /// No slot.
    pub fn none() -> Self {
        Self(Box::new([0; WORDS]))
    }

    /// Every slot.
    pub fn all() -> Self {
        Self(Box::new([u64::MAX; WORDS]))
    }

    /// Whether `slot` is in the set.
    pub fn contains(&self, slot: Slot) -> bool {
        self.0[usize::from(slot) / 64] & (1 << (slot % 64)) != 0
    }

    /// Adds `slot`.
    pub fn insert(&mut self, slot: Slot) {
        self.0[usize::from(slot) / 64] |= 1 << (slot % 64);
    }

    /// Number of slots in the set.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slots in order.
    pub fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        (0..SLOTS).filter(|&slot| self.contains(slot))
    }
}

impl FromIterator<Slot> for SlotSet {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Self {
        let mut set = Self::none();
        slots.into_iter().for_each(|slot| set.insert(slot));
        set
    }
}

impl std::fmt::Debug for SlotSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SlotSet({} slots)", self.len())
    }
}

/// Appends a slot set: its bitmap, 2 KiB whatever it holds.
pub fn put_slot_set(out: &mut Vec<u8>, slots: &SlotSet) {
    slots.0.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
}

/// Reads a slot set.
pub fn slot_set(input: &mut Decoder) -> Result<SlotSet, DecodeError> {
    let mut bitmap = input.take(WORDS * size_of::<u64>())?;
    let mut set = SlotSet::none();
    set.0.iter_mut().for_each(|word| *word = bitmap.get_u64_le());
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_its_slots_and_survives_its_encoding() {
        let slots = [0, 63, 64, 8191, SLOTS - 1];
        let set: SlotSet = slots.into_iter().collect();
        let mut out = Vec::new();
        put_slot_set(&mut out, &set);
        let read = slot_set(&mut Decoder::new(out.into())).unwrap();
        assert_eq!(read.iter().collect::<Vec<_>>(), slots);
        assert_eq!(read, set);
        assert_eq!(SlotSet::all().len(), usize::from(SLOTS));
        assert!(SlotSet::none().is_empty());
    }
}
