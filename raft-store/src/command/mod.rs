//! What a client can ask a group to change: one file for each command, one exhaustive enum.
//!
//! A command is pure data. Applying it is a function of the map, the group time and the command alone,
//! so every replica that applies the same log holds the same map.
//!
//! Bounds that an adapter could get wrong (value length, media type) are judged when a command is applied
//! and answered with a [`Rejection`]. So whatever can be packed can be applied: no client can bring an
//! entry into the log that stops the replicas which read it.

mod append;
#[cfg(test)]
pub(crate) mod arbitrary;
mod assign;
mod condition;
mod content;
mod delete;
mod expiry;
mod incr;
mod pack;
mod persist;
mod reply;
mod set;
#[cfg(test)]
mod tests;
mod touch;

pub use append::Append;
pub use assign::AssignSlots;
pub use condition::Condition;
pub use content::{Content, content, put_content};
pub use delete::Delete;
pub use expiry::Expiry;
pub use incr::Incr;
pub use pack::{PackedEntry, Packer, decode_commands, encode_commands};
pub use persist::Persist;
pub use reply::{
    Rejection, Replies, Reply, Written, put_rejection, put_replies, put_reply, rejection, replies, reply,
};
pub use set::Set;
pub use touch::Touch;

pub(crate) use expiry::DEADLINE_MS_MAX;

use crate::codec::{DecodeError, Decoder, put_bytes};
use crate::key::Key;
use crate::map::TtlMap;

/// One change to a group's map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Set a value.
    Set(Set),
    /// Delete a key.
    Delete(Delete),
    /// Give an existing key a new deadline.
    Touch(Touch),
    /// Take the deadline from an existing key.
    Persist(Persist),
    /// Add to a number.
    Incr(Incr),
    /// Append bytes to a value.
    Append(Append),
    /// Make a set of slots the group's own.
    AssignSlots(AssignSlots),
}

/// The byte in front of each encoded command. Logs hold these for good: a number is never used again.
mod tag {
    pub(super) const SET: u8 = 1;
    pub(super) const DELETE: u8 = 2;
    pub(super) const TOUCH: u8 = 3;
    pub(super) const PERSIST: u8 = 4;
    pub(super) const INCR: u8 = 5;
    pub(super) const APPEND: u8 = 6;
    pub(super) const ASSIGN_SLOTS: u8 = 7;
}

impl Command {
    /// The key the command is about; `None` for commands about the group itself.
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Set(c) => Some(&c.key),
            Self::Delete(c) => Some(&c.key),
            Self::Touch(c) => Some(&c.key),
            Self::Persist(c) => Some(&c.key),
            Self::Incr(c) => Some(&c.key),
            Self::Append(c) => Some(&c.key),
            Self::AssignSlots(_) => None,
        }
    }

    /// Carries the command out at the map's group time. A rejected command changes nothing at all.
    pub(crate) fn apply(&self, map: &mut TtlMap) -> Reply {
        let outcome = match self {
            Self::Set(c) => c.apply(map),
            Self::Delete(c) => c.apply(map),
            Self::Touch(c) => c.apply(map),
            Self::Persist(c) => c.apply(map),
            Self::Incr(c) => c.apply(map),
            Self::Append(c) => c.apply(map),
            Self::AssignSlots(c) => c.apply(map),
        };
        outcome.unwrap_or_else(Reply::Rejected)
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Set(c) => c.put(tagged(out, tag::SET)),
            Self::Delete(c) => c.put(tagged(out, tag::DELETE)),
            Self::Touch(c) => c.put(tagged(out, tag::TOUCH)),
            Self::Persist(c) => c.put(tagged(out, tag::PERSIST)),
            Self::Incr(c) => c.put(tagged(out, tag::INCR)),
            Self::Append(c) => c.put(tagged(out, tag::APPEND)),
            Self::AssignSlots(c) => c.put(tagged(out, tag::ASSIGN_SLOTS)),
        }
    }

    fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(match input.u8()? {
            tag::SET => Self::Set(Set::read(input)?),
            tag::DELETE => Self::Delete(Delete::read(input)?),
            tag::TOUCH => Self::Touch(Touch::read(input)?),
            tag::PERSIST => Self::Persist(Persist::read(input)?),
            tag::INCR => Self::Incr(Incr::read(input)?),
            tag::APPEND => Self::Append(Append::read(input)?),
            tag::ASSIGN_SLOTS => Self::AssignSlots(AssignSlots::read(input)?),
            value => return Err(DecodeError::Unknown { what: "command", value: value.into() }),
        })
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8) -> &mut Vec<u8> {
    out.push(tag);
    out
}

fn put_key(out: &mut Vec<u8>, key: &Key) {
    put_bytes(out, key.as_bytes());
}

fn key(input: &mut Decoder) -> Result<Key, DecodeError> {
    Key::from_stored(input.bytes()?).map_err(|_| DecodeError::Invalid("key"))
}
