//! The map as one would write it without a thought for speed, to compare the real one with: one sorted map,
//! every rule spelled out once more from its description.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::cost::*;
use super::record::INLINE_VALUE_BYTES_MAX;
use super::{Entry, Lookup, MapStats, SlotSet, hash_of};
use crate::command::*;
use crate::key::Key;

mod redis;

#[derive(Debug)]
pub(super) struct Model {
    pub(super) time_ms: u64,
    pub(super) wall_ms: u64,
    pub(super) version: u64,
    epoch: u64,
    owned: SlotSet,
    expired_total: u64,
    entries: BTreeMap<Key, Entry>,
}

impl Model {
    pub(super) fn owning_all() -> Self {
        let owned = SlotSet::all();
        let entries = BTreeMap::new();
        Self { time_ms: 0, wall_ms: 0, version: 0, epoch: 0, owned, expired_total: 0, entries }
    }

    pub(super) fn apply(&mut self, time_ms: u64, wall_ms: u64, commands: &[Command]) -> Replies {
        if time_ms >= self.time_ms {
            (self.time_ms, self.wall_ms) = (time_ms, wall_ms);
        }
        let replies = commands.iter().map(|c| self.command(c).unwrap_or_else(Reply::Rejected)).collect();
        let weight = |command: &Command| match command {
            Command::Txn(c) if !c.commands.is_empty() => c.commands.len(),
            Command::Branch(c) => 1.max(c.then.len()).max(c.otherwise.len()),
            _ => 1,
        };
        self.remove_expired(commands.iter().map(weight).sum());
        Replies { time_ms: self.time_ms, replies }
    }

    pub(super) fn get(&self, key: &Key) -> Lookup {
        match self.visible(key) {
            _ if !self.owned.contains(key.slot()) => Lookup::NotOwner,
            Some(entry) => Lookup::Hit(entry.clone()),
            None => Lookup::Miss,
        }
    }

    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.entries.values().filter_map(|entry| entry.deadline).min()
    }

    pub(super) fn stats(&self) -> MapStats {
        let items = self.entries.len() as u64;
        let slots: BTreeSet<u16> = self.entries.keys().map(Key::slot).collect();
        let bytes = self.entries.iter().map(|(key, entry)| bytes_of(key, entry)).sum::<u64>()
            + slots.len() as u64 * SLOT_OVERHEAD_BYTES;
        let expired_pending = self.entries.values().filter(|entry| self.is_due(entry)).count() as u64;
        MapStats {
            items,
            bytes,
            expired_pending,
            expired_pending_bytes: (bytes * expired_pending).checked_div(items).unwrap_or(0),
            expired_total: self.expired_total,
        }
    }

    fn is_due(&self, entry: &Entry) -> bool {
        entry.deadline.is_some_and(|deadline| deadline <= self.time_ms)
    }

    fn visible(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| !self.is_due(entry))
    }

    fn remove_expired(&mut self, commands: usize) {
        let mut due: Vec<(u64, u16, u32, Key)> = (self.entries.iter())
            .filter(|(_, entry)| self.is_due(entry))
            .map(|(key, entry)| (entry.deadline.unwrap(), key.slot(), hash_of(key.into()), key.clone()))
            .collect();
        due.sort();
        let max = 64 + 2 * commands + (due.len() / 32).min(2048);
        for (.., key) in due.into_iter().take(max) {
            self.entries.remove(&key);
            self.expired_total += 1;
        }
    }

    fn command(&mut self, command: &Command) -> Result<Reply, Rejection> {
        if command.keys().any(|key| !self.owned.contains(key.slot())) {
            return Err(Rejection::NotOwner);
        }
        match command {
            Command::Set(c) => self.set(c),
            Command::Delete(c) => self.delete(c),
            Command::Touch(c) => self.deadline(
                &c.key,
                c.condition,
                Some(self.time_ms.saturating_add(c.ttl_ms).min((1 << 48) - 1)),
            ),
            Command::Persist(c) => self.deadline(&c.key, c.condition, None),
            Command::Incr(c) => self.incr(c),
            Command::Append(c) => self.append(c),
            Command::AssignSlots(c) => {
                if c.epoch > self.epoch {
                    (self.epoch, self.owned) = (c.epoch, c.slots.clone());
                    self.entries.retain(|key, _| c.slots.contains(key.slot()));
                }
                Ok(Reply::Done)
            }
            Command::Txn(c) => self.txn(c),
            Command::Branch(c) => self.branch(c),
            Command::Get(c) => Ok(Reply::Found(self.current(&c.key, Condition::None)?)),
            Command::Expire(c) => self.expire(c),
            Command::SetRange(c) => self.set_range(c),
            Command::SetBit(c) => self.set_bit(c),
            Command::IncrFloat(c) => self.incr_float(c),
            Command::Rename(c) => self.rename(c),
            Command::Copy(c) => self.copy(c),
            Command::Flush(c) => self.flush(c.namespace),
        }
    }

    fn current(&self, key: &Key, condition: Condition) -> Result<Option<Entry>, Rejection> {
        let entry = self.visible(key).cloned();
        let current = entry.as_ref().map(|entry| entry.version);
        match (condition, current) {
            (Condition::None, _) | (Condition::Absent, None) | (Condition::Present, Some(_)) => Ok(entry),
            (Condition::Version(wanted), Some(version)) if wanted == version => Ok(entry),
            _ => Err(Rejection::VersionMismatch { current }),
        }
    }

    /// Stores `entry` with the next version and answers as every write does.
    fn store(&mut self, key: &Key, mut entry: Entry, value: Option<Bytes>) -> Result<Reply, Rejection> {
        match &entry.content {
            Content::Media(m) if m.is_empty() || m.len() > 127 || m.iter().any(|b| *b > 127) => {
                return Err(Rejection::WrongContent);
            }
            _ => {}
        }
        self.version += 1;
        entry.version = self.version;
        let created = self.visible(key).is_none();
        let written = Written {
            version: self.version,
            created,
            deadline: entry.deadline,
            value,
            len: entry.value.len() as u64,
        };
        if self.entries.insert(key.clone(), entry).is_some() && created {
            self.expired_total += 1;
        }
        Ok(Reply::Written(written))
    }

    fn set(&mut self, c: &Set) -> Result<Reply, Rejection> {
        let old = self.current(&c.key, c.condition)?;
        let deadline = match c.expiry {
            Expiry::Never => None,
            Expiry::AfterMs(ms) => Some(self.time_ms.saturating_add(ms).min((1 << 48) - 1)),
            Expiry::Keep => old.as_ref().and_then(|old| old.deadline),
        };
        let created_ms = old.map_or(self.time_ms, |old| old.created_ms);
        let (value, content, modified_ms) = (c.value.clone(), c.content.clone(), self.time_ms);
        self.store(&c.key, Entry { value, content, version: 0, deadline, created_ms, modified_ms }, None)
    }

    fn delete(&mut self, c: &Delete) -> Result<Reply, Rejection> {
        let deleted = self.current(&c.key, c.condition)?.is_some();
        if deleted {
            self.entries.remove(&c.key);
            self.version += 1;
        }
        Ok(Reply::Deleted { deleted, version: self.version })
    }

    fn deadline(&mut self, key: &Key, on: Condition, deadline: Option<u64>) -> Result<Reply, Rejection> {
        let old = self.current(key, on)?.ok_or(Rejection::Missing)?;
        self.store(key, Entry { deadline, ..old }, None)
    }

    fn incr(&mut self, c: &Incr) -> Result<Reply, Rejection> {
        let fresh = |init: i64| Entry {
            value: Bytes::from(init.to_string()),
            content: Content::Json,
            version: 0,
            deadline: None,
            created_ms: self.time_ms,
            modified_ms: 0,
        };
        let old = self.current(&c.key, c.condition)?.or(c.init.map(fresh)).ok_or(Rejection::Missing)?;
        let text = String::from_utf8(old.value.to_vec()).map_err(|_| Rejection::NotANumber)?;
        let number: i64 = text.parse().map_err(|_| Rejection::NotANumber)?;
        if number.to_string() != text {
            return Err(Rejection::NotANumber);
        }
        let value = Bytes::from(number.checked_add(c.by).ok_or(Rejection::Overflow)?.to_string());
        self.store(&c.key, Entry { value: value.clone(), modified_ms: self.time_ms, ..old }, Some(value))
    }

    fn append(&mut self, c: &Append) -> Result<Reply, Rejection> {
        let old = self.current(&c.key, c.condition)?.unwrap_or(Entry {
            value: Bytes::new(),
            content: c.content.clone(),
            version: 0,
            deadline: None,
            created_ms: self.time_ms,
            modified_ms: 0,
        });
        let content = match old.content {
            Content::Json => return Err(Rejection::WrongContent),
            Content::Text if String::from_utf8(c.suffix.to_vec()).is_err() => Content::Octets,
            other => other,
        };
        let value = Bytes::from([&old.value[..], &c.suffix[..]].concat());
        if value.len() as u64 > c.len_max {
            return Err(Rejection::TooLarge);
        }
        self.store(&c.key, Entry { value, content, modified_ms: self.time_ms, ..old }, None)
    }
}

/// Record, value and overhead of an entry, as `record.rs` and `cost.rs` describe them.
fn bytes_of(key: &Key, entry: &Entry) -> u64 {
    let varint = |number: u64| (64 - (number | 1).leading_zeros()).div_ceil(7) as usize;
    let (key_len, value_len) = (key.user_key().len(), entry.value.len());
    let namespace_len = if key.namespace() == 0 { 0 } else { 2 };
    let media_len = if let Content::Media(media) = &entry.content { 1 + media.len() } else { 0 };
    let modified_len = match entry.modified_ms - entry.created_ms {
        0 => 0,
        later => varint(later),
    };
    let deadline_len = entry.deadline.map_or(0, |deadline| varint(deadline.wrapping_sub(entry.modified_ms)));
    let numbers_len = varint(entry.version) + varint(entry.created_ms) + modified_len + deadline_len;
    let record_len = 1
        + namespace_len
        + varint(key_len as u64)
        + key_len
        + numbers_len
        + media_len
        + varint(value_len as u64)
        + value_len;
    let large = if value_len > INLINE_VALUE_BYTES_MAX { LARGE_VALUE_OVERHEAD_BYTES } else { 0 };
    record_len as u64 + ENTRY_OVERHEAD_BYTES + entry.deadline.map_or(0, |_| DEADLINE_OVERHEAD_BYTES) + large
}
