//! Removal of expired entries: how many go with one applied entry, and which.
//!
//! What is due is invisible at once and removed little by little, so that no entry takes long to apply. Both
//! number and choice follow from the replicated state alone: those with the earliest deadlines go first, by
//! (deadline, slot, hash, key), never by when a replica got round to it.
//!
//! With `p` keys due, an entry of `c` commands removes
//! `EXPIRED_REMOVED_PER_ENTRY + c × EXPIRED_REMOVED_PER_COMMAND + min(p / EXPIRED_PENDING_SHARE,
//! EXPIRED_PENDING_REMOVED_MAX)` of them. So what commands create can never outrun what is removed, and what is
//! pending shrinks by a fixed share with each entry: 500,000 keys that expire at once are gone after some 320
//! entries, ticks included.

use super::due::Due;
use super::{KeyRef, TtlMap};
use crate::limits::{
    EXPIRED_PENDING_REMOVED_MAX, EXPIRED_PENDING_SHARE, EXPIRED_REMOVED_PER_COMMAND,
    EXPIRED_REMOVED_PER_ENTRY,
};

impl TtlMap {
    /// Removes due entries after `commands` commands were carried out.
    pub(super) fn remove_expired(&mut self, commands: usize) {
        let pending = self.due.count_due(self.time_ms());
        if pending > 0 {
            let due = self.due.take_due(self.time_ms(), removed_by_one_entry(pending, commands));
            self.state.head.expired_total += due.len() as u64;
            due.into_iter().for_each(|due| self.remove_due(due));
        }
    }

    /// Removes the entry of an item that was taken out of the index.
    fn remove_due(&mut self, due: Due) {
        let (slot, hash) = (due.slot(), due.hash());
        let key = self.state.slots.table(slot).and_then(|table| table.key_due(hash, due.deadline_ms()));
        let KeyRef { namespace, user_key } = key.expect("the expiry index holds nothing but entries");
        let user_key = &user_key.to_vec()[..];
        self.state.slots.remove(slot, hash, KeyRef { namespace, user_key });
    }
}

/// How many due entries go with one applied entry of `commands` commands while `pending` are due.
pub(super) fn removed_by_one_entry(pending: usize, commands: usize) -> usize {
    let share = (pending / EXPIRED_PENDING_SHARE).min(EXPIRED_PENDING_REMOVED_MAX);
    EXPIRED_REMOVED_PER_ENTRY + commands * EXPIRED_REMOVED_PER_COMMAND + share
}
