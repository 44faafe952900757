//! `assign`: make a set of slots the group's own, as the meta group's table says.

use crate::map::SlotSet;

/// Make exactly these slots the group's own, if `epoch` is newer than the last assignment's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignSlots {
    /// Epoch of the slot table this comes from.
    pub epoch: u64,
    /// The slots.
    pub slots: SlotSet,
}
