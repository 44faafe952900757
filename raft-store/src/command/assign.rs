//! `assign`: make a set of slots the group's own, as the meta group's table says.

use super::{Rejection, Reply};
use crate::codec::{DecodeError, Decoder, put_u64};
use crate::map::{SlotSet, TtlMap, put_slot_set, slot_set};

/// Make exactly these slots the group's own, if `epoch` is newer than the last assignment's. The entries of
/// slots that are lost are dropped. An assignment that is not newer changes nothing and is no error, so it
/// may be proposed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignSlots {
    /// Epoch of the slot table this comes from; epochs start at 1, a new map stands at 0.
    pub epoch: u64,
    /// The slots.
    pub slots: SlotSet,
}

impl AssignSlots {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let (epoch, _) = map.owned();
        if self.epoch > epoch {
            map.assign(self.epoch, &self.slots);
        }
        Ok(Reply::Done)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_u64(out, self.epoch);
        put_slot_set(out, &self.slots);
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(Self { epoch: input.u64()?, slots: slot_set(input)? })
    }
}
