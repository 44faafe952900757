//! How a map changes: one packed entry at a time, and by the few mutations the commands are made of.
//!
//! Everything here is a function of the replicated state and the entry, so it comes out the same on every
//! replica, restored from a snapshot or not.

use super::due::{Due, DueIndex};
use super::leaf::{Draft, Found};
use super::record::{INLINE_VALUE_BYTES_MAX, Record, Stamp, Value, put_head};
use super::warm::WARMED_AT_ONCE;
use super::{At, Entry, SlotSet, TtlMap, cost};
use crate::codec::DecodeError;
use crate::command::{Command, Condition, Content, PackedEntry, Rejection, Replies, Reply, Written};
use crate::limits::VALUE_BYTES_CEILING;

/// What a write makes of a key.
pub(crate) struct Change<'a> {
    pub(crate) content: &'a Content,
    pub(crate) value: Value<'a>,
    pub(crate) deadline: Option<u64>,
    /// Whether the key is absent or expired before.
    pub(crate) created: bool,
    /// When the key counts as created, in group time (ms).
    pub(crate) created_ms: u64,
    pub(crate) modified_ms: u64,
}

impl TtlMap {
    /// Applies one entry: moves group time, carries out its commands in order, removes some due keys.
    ///
    /// An entry that does not decode is a bug or corruption; nothing of it is applied then.
    pub fn apply(&mut self, entry: &PackedEntry) -> Result<Replies, DecodeError> {
        let commands = entry.commands().collect::<Result<Vec<Command>, _>>()?;
        self.advance(entry.time_ms(), entry.wall_ms());
        let replies = self.carry_out(&commands);
        self.remove_expired(commands.iter().map(Command::weight).sum());
        Ok(Replies { time_ms: self.time_ms(), replies })
    }

    /// Carries commands out in order.
    pub(crate) fn carry_out(&mut self, commands: &[Command]) -> Vec<Reply> {
        let mut replies = Vec::with_capacity(commands.len());
        for some in commands.chunks(WARMED_AT_ONCE) {
            self.warm(some);
            replies.extend(some.iter().map(|command| command.apply(self)));
        }
        replies
    }

    /// Group time never goes back; a deposed leader's late entry leaves it, and the wall clock, alone.
    fn advance(&mut self, time_ms: u64, wall_ms: u64) {
        let head = &mut self.state.head;
        if time_ms >= head.time_ms {
            head.time_ms = time_ms;
            head.wall_ms = wall_ms;
        }
    }

    /// Lets a command on the key `at` in: the slot must be the group's and the condition must hold. Returns what is stored
    /// for the key, when it is not expired. Every keyed command starts here.
    pub(crate) fn admit(&self, at: At<'_>, condition: Condition) -> Result<Option<Found<'_>>, Rejection> {
        if !self.state.head.owned.contains(at.slot) && !mutant!(ServeUnownedSlot) {
            return Err(Rejection::NotOwner);
        }
        let current = self.visible(at);
        condition.check(current.map(|found| found.record.stamp.version))?;
        Ok(current)
    }

    /// Writes a key and grows the version.
    pub(crate) fn write(&mut self, at: At<'_>, change: Change<'_>) -> Result<Written, Rejection> {
        let Change { content, value, deadline, created, created_ms, modified_ms } = change;
        content.check()?;
        let len = value.as_bytes().len();
        if len > VALUE_BYTES_CEILING {
            return Err(Rejection::TooLarge);
        }
        let version = self.next_version();
        self.put(at, &Stamp { version, deadline, created_ms, modified_ms }, content, value, created);
        Ok(Written { version, created, deadline, value: None, len: len as u64 })
    }

    /// Gives a key, whose visible entry is `current`, another deadline and a new version.
    pub(crate) fn set_deadline(
        &mut self,
        at: At<'_>,
        current: Entry,
        deadline: Option<u64>,
    ) -> Result<Written, Rejection> {
        let Entry { created_ms, modified_ms, .. } = current;
        let (content, value) = (&current.content, Value::Own(current.value));
        self.write(at, Change { content, value, deadline, created: false, created_ms, modified_ms })
    }

    /// Removes a key that is there, and grows the version: a key created again gets a larger one.
    pub(crate) fn delete(&mut self, at: At<'_>) {
        self.next_version();
        let At { slot, hash, key } = at;
        if let Some(gone) = self.state.slots.remove(slot, hash, key)
            && let Some(deadline) = gone.deadline
        {
            self.due.remove(Due::new(deadline, slot, hash));
        }
    }

    /// Makes exactly `slots` the group's own and drops the entries of all others: their memory is kept for
    /// [`TtlMap::take_dropped`].
    pub(crate) fn assign(&mut self, epoch: u64, slots: &SlotSet) {
        let lost = self.state.head.owned.iter().filter(|&slot| !slots.contains(slot));
        self.drop_slots(&lost.collect::<SlotSet>());
        self.state.head.epoch = epoch;
        self.state.head.owned = slots.clone();
    }

    /// Drops the entries of these slots: their memory is kept for [`TtlMap::take_dropped`].
    pub(super) fn drop_slots(&mut self, slots: &SlotSet) {
        let before = self.dropped.len();
        self.dropped.extend(slots.iter().filter_map(|slot| self.state.slots.take(slot)));
        if self.state.slots.items() == 0 {
            self.due = DueIndex::default();
        } else if self.dropped.len() > before {
            self.due.retain(|due| !slots.contains(due.slot()));
        }
    }

    pub(super) fn next_version(&mut self) -> u64 {
        self.state.head.version += 1;
        self.state.head.version
    }

    /// Stores an entry. One that is replaced by a created key was expired, though not removed yet.
    fn put(&mut self, at: At<'_>, stamp: &Stamp, content: &Content, value: Value<'_>, created: bool) {
        let At { slot, hash, key } = at;
        debug_assert!(self.state.head.owned.contains(slot), "a command was not admitted");
        let mut record = std::mem::take(&mut self.scratch);
        record.clear();
        put_head(&mut record, stamp, key, content, value.as_bytes().len());
        let bytes = cost::of_parts(record.len(), value.as_bytes().len(), stamp.deadline.is_some());
        if value.as_bytes().len() <= INLINE_VALUE_BYTES_MAX {
            record.extend_from_slice(value.as_bytes());
        }
        debug_assert_eq!(bytes, cost::of(&Record::checked(&record)), "an entry is counted as what it is");
        let draft = Draft { hash, key, record: &record, large: value.into_large() };
        let gone = self.state.slots.put(slot, draft, bytes);
        self.scratch = record;
        self.state.head.expired_total += u64::from(gone.is_some() && created);
        let before = gone.and_then(|gone| gone.deadline);
        if before != stamp.deadline {
            before.into_iter().for_each(|deadline| self.due.remove(Due::new(deadline, slot, hash)));
            stamp.deadline.into_iter().for_each(|deadline| self.due.insert(Due::new(deadline, slot, hash)));
        }
    }
}
