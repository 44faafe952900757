//! How a map changes: one packed entry at a time, and by the few mutations the commands are made of.
//!
//! Everything here is a function of the replicated state and the entry, so it comes out the same on every
//! replica, restored from a snapshot or not. What is removed as expired is chosen by the exact order
//! (deadline, slot, key), never by when a replica got round to it.

use super::record::{Record, Stamp};
use super::{SlotSet, TtlMap};
use crate::codec::DecodeError;
use crate::command::{Command, Condition, Content, PackedEntry, Rejection, Replies, Written};
use crate::key::Key;
use crate::limits::{EXPIRED_REMOVED_PER_ENTRY, VALUE_BYTES_CEILING};
use crate::slot::Slot;

/// What a write makes of a key.
pub(crate) struct Change<'a> {
    pub(crate) content: &'a Content,
    /// The value in parts, which are joined.
    pub(crate) value: &'a [&'a [u8]],
    pub(crate) deadline: Option<u64>,
    pub(crate) modified_ms: u64,
}

impl TtlMap {
    /// Applies one entry: moves group time, carries out its commands in order, removes some due keys.
    ///
    /// An entry that does not decode is a bug or corruption; nothing of it is applied then.
    pub fn apply(&mut self, entry: &PackedEntry) -> Result<Replies, DecodeError> {
        let commands = entry.commands().collect::<Result<Vec<Command>, _>>()?;
        self.advance(entry.time_ms(), entry.wall_ms());
        let replies = commands.iter().map(|command| command.apply(self)).collect();
        self.remove_expired(EXPIRED_REMOVED_PER_ENTRY + commands.len());
        Ok(Replies { time_ms: self.time_ms(), replies })
    }

    /// Group time never goes back; a deposed leader's late entry leaves it, and the wall clock, alone.
    fn advance(&mut self, time_ms: u64, wall_ms: u64) {
        let head = &mut self.state.head;
        if time_ms >= head.time_ms {
            head.time_ms = time_ms;
            head.wall_ms = wall_ms;
        }
    }

    fn remove_expired(&mut self, max: usize) {
        for _ in 0..max {
            let Some(record) = self.due.first_due(self.time_ms()).cloned() else { return };
            self.take(record.slot(), record.key());
            self.state.head.expired_total += 1;
        }
    }

    /// Lets a command in: the slot must be the group's and the condition must hold. Returns what is stored
    /// for the key, when it is not expired. Every keyed command starts here.
    pub(crate) fn admit(&self, key: &Key, condition: Condition) -> Result<Option<Record>, Rejection> {
        let slot = key.slot();
        if !self.state.head.owned.contains(slot) {
            return Err(Rejection::NotOwner);
        }
        let current = self.visible(slot, key).cloned();
        condition.check(current.as_ref().map(Record::version))?;
        Ok(current)
    }

    /// Writes `key`, whose visible record is `current`, and grows the version. Bytes are copied, so that
    /// the map keeps no buffer alive that a command points into.
    pub(crate) fn write(
        &mut self,
        key: &Key,
        current: Option<&Record>,
        change: Change<'_>,
    ) -> Result<Written, Rejection> {
        change.content.check()?;
        let len: usize = change.value.iter().map(|part| part.len()).sum();
        if len > VALUE_BYTES_CEILING {
            return Err(Rejection::TooLarge);
        }
        let stamp = Stamp {
            version: self.next_version(),
            deadline: change.deadline,
            created_ms: current.map_or(self.time_ms(), Record::created_ms),
            modified_ms: change.modified_ms,
        };
        self.put(Record::build(stamp, key, change.content, change.value), current.is_none());
        let Stamp { version, deadline, .. } = stamp;
        Ok(Written { version, created: current.is_none(), deadline, value: None, len: len as u64 })
    }

    /// Gives `key`, whose visible record is `current`, another deadline and a new version.
    pub(crate) fn set_deadline(
        &mut self,
        key: &Key,
        current: &Record,
        deadline: Option<u64>,
    ) -> Result<Written, Rejection> {
        let (content, value, modified_ms) = (&current.content(), current.value(), current.modified_ms());
        self.write(key, Some(current), Change { content, value: &[value], deadline, modified_ms })
    }

    /// Removes a key that is there, and grows the version: a key created again gets a larger one.
    pub(crate) fn delete(&mut self, key: &Key) {
        self.next_version();
        self.take(key.slot(), key.as_bytes());
    }

    /// Makes exactly `slots` the group's own and drops the entries of all others.
    pub(crate) fn assign(&mut self, epoch: u64, slots: &SlotSet) {
        let lost: Vec<_> = self.state.head.owned.iter().filter(|&slot| !slots.contains(slot)).collect();
        for table in lost.into_iter().filter_map(|slot| self.state.slots.take(slot)) {
            table.iter().for_each(|record| self.due.remove(record));
        }
        self.state.head.epoch = epoch;
        self.state.head.owned = slots.clone();
    }

    fn next_version(&mut self) -> u64 {
        self.state.head.version += 1;
        self.state.head.version
    }

    /// Stores a record. One that is replaced by a created key was expired, though not removed yet.
    fn put(&mut self, record: Record, created: bool) {
        debug_assert!(self.state.head.owned.contains(record.slot()), "a command was not admitted");
        if let Some(old) = self.state.slots.insert(record.clone()) {
            self.due.remove(&old);
            self.state.head.expired_total += u64::from(created);
        }
        self.due.insert(&record);
    }

    fn take(&mut self, slot: Slot, key: &[u8]) {
        if let Some(record) = self.state.slots.remove(slot, key) {
            self.due.remove(&record);
        }
    }
}
