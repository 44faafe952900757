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
mod branch;
mod condition;
mod content;
mod copy;
mod decimal;
mod delete;
mod edit;
mod expire;
mod expiry;
mod flush;
mod get;
mod incr;
mod incr_float;
mod keys;
mod pack;
mod persist;
mod rename;
mod reply;
mod set;
mod set_bit;
mod set_range;
#[cfg(test)]
mod tests;
mod touch;
mod txn;

pub use append::Append;
pub use assign::AssignSlots;
pub use branch::Branch;
pub use condition::Condition;
pub use content::{Content, content, put_content};
pub use copy::Copy;
pub use delete::Delete;
pub use expire::{Expire, ExpireOnly};
pub use expiry::Expiry;
pub use flush::Flush;
pub use get::Get;
pub use incr::Incr;
pub use incr_float::IncrFloat;
pub use pack::{PackedEntry, Packer, decode_commands, encode_commands};
pub use persist::Persist;
pub use rename::Rename;
pub use reply::{
    Rejection, Replies, Reply, Written, put_rejection, put_replies, put_reply, rejection, replies, reply,
};
pub use set::Set;
pub use set_bit::SetBit;
pub use set_range::SetRange;
pub use touch::Touch;
pub use txn::Txn;

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
    /// Apply commands together, under an optimistic lock.
    Txn(Txn),
    /// Answer the entry of a key, within a transaction.
    Get(Get),
    /// Give a key a new deadline, if it compares with the old one as asked.
    Expire(Expire),
    /// Write bytes over a part of a value.
    SetRange(SetRange),
    /// Set or clear one bit of a value.
    SetBit(SetBit),
    /// Add to a decimal number.
    IncrFloat(IncrFloat),
    /// Move a value to another key.
    Rename(Rename),
    /// Write a key's value to another key.
    Copy(Copy),
    /// Remove every key of a namespace.
    Flush(Flush),
    /// Compare keys, then apply one list of commands or the other.
    Branch(Branch),
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
    pub(super) const TXN: u8 = 8;
    pub(super) const GET: u8 = 9;
    pub(super) const EXPIRE: u8 = 10;
    pub(super) const SET_RANGE: u8 = 11;
    pub(super) const SET_BIT: u8 = 12;
    pub(super) const INCR_FLOAT: u8 = 13;
    pub(super) const RENAME: u8 = 14;
    pub(super) const COPY: u8 = 15;
    pub(super) const FLUSH: u8 = 16;
    pub(super) const BRANCH: u8 = 17;
}

impl Command {
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
            Self::Txn(c) => c.apply(map),
            Self::Get(c) => c.apply(map),
            Self::Expire(c) => c.apply(map),
            Self::SetRange(c) => c.apply(map),
            Self::SetBit(c) => c.apply(map),
            Self::IncrFloat(c) => c.apply(map),
            Self::Rename(c) => c.apply(map),
            Self::Copy(c) => c.apply(map),
            Self::Flush(c) => c.apply(map),
            Self::Branch(c) => c.apply(map),
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
            Self::Txn(c) => c.put(tagged(out, tag::TXN)),
            Self::Get(c) => c.put(tagged(out, tag::GET)),
            Self::Expire(c) => c.put(tagged(out, tag::EXPIRE)),
            Self::SetRange(c) => c.put(tagged(out, tag::SET_RANGE)),
            Self::SetBit(c) => c.put(tagged(out, tag::SET_BIT)),
            Self::IncrFloat(c) => c.put(tagged(out, tag::INCR_FLOAT)),
            Self::Rename(c) => c.put(tagged(out, tag::RENAME)),
            Self::Copy(c) => c.put(tagged(out, tag::COPY)),
            Self::Flush(c) => c.put(tagged(out, tag::FLUSH)),
            Self::Branch(c) => c.put(tagged(out, tag::BRANCH)),
        }
    }

    fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        match input.u8()? {
            tag::ASSIGN_SLOTS => AssignSlots::read(input).map(Self::AssignSlots),
            tag::TXN => Txn::read(input).map(Self::Txn),
            tag::FLUSH => Flush::read(input).map(Self::Flush),
            tag::BRANCH => Branch::read(input).map(Self::Branch),
            tag => Self::read_tagged(tag, input),
        }
    }

    /// Reads a command that has keys and holds no others.
    fn read_keyed(input: &mut Decoder) -> Result<Self, DecodeError> {
        let tag = input.u8()?;
        Self::read_tagged(tag, input)
    }

    fn read_tagged(tag: u8, input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(match tag {
            tag::SET => Self::Set(Set::read(input)?),
            tag::DELETE => Self::Delete(Delete::read(input)?),
            tag::TOUCH => Self::Touch(Touch::read(input)?),
            tag::PERSIST => Self::Persist(Persist::read(input)?),
            tag::INCR => Self::Incr(Incr::read(input)?),
            tag::APPEND => Self::Append(Append::read(input)?),
            tag::GET => Self::Get(Get::read(input)?),
            tag::EXPIRE => Self::Expire(Expire::read(input)?),
            tag::SET_RANGE => Self::SetRange(SetRange::read(input)?),
            tag::SET_BIT => Self::SetBit(SetBit::read(input)?),
            tag::INCR_FLOAT => Self::IncrFloat(IncrFloat::read(input)?),
            tag::RENAME => Self::Rename(Rename::read(input)?),
            tag::COPY => Self::Copy(Copy::read(input)?),
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
