//! The replicated state itself, apart from what can be derived from it.

use super::SlotSet;
use super::slots::Slots;

/// A frozen copy of a map, which shares its memory until the map moves on.
#[derive(Debug, Clone)]
pub struct Frozen {
    pub(crate) head: Head,
    pub(crate) slots: Slots,
}

/// What a map holds beside its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// Group time: the largest leader time of all applied entries, ms.
    pub(crate) time_ms: u64,
    /// The leader's wall clock that came with it, ms since 1970.
    pub(crate) wall_ms: u64,
    /// The mutation counter.
    pub(crate) version: u64,
    /// Keys that expired and were removed or written anew since the group began.
    pub(crate) expired_total: u64,
    /// Epoch of the last slot assignment; 0 before the first.
    pub(crate) epoch: u64,
    /// The slots the group owns.
    pub(crate) owned: SlotSet,
}

impl Head {
    /// The head of an empty map.
    pub(crate) fn owning(owned: SlotSet) -> Self {
        Self { time_ms: 0, wall_ms: 0, version: 0, expired_total: 0, epoch: 0, owned }
    }
}
