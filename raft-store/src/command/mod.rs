//! What a client can ask a group to change: one file for each command, one exhaustive enum.
//!
//! A command is pure data. Applying it is a function of the map, the group time and the command alone,
//! so every replica that applies the same log holds the same map.

mod append;
mod assign;
mod delete;
mod incr;
mod pack;
mod persist;
mod set;
mod touch;

use bytes::Bytes;

pub use append::Append;
pub use assign::AssignSlots;
pub use delete::Delete;
pub use incr::Incr;
pub use pack::{PackedEntry, Packer};
pub use persist::Persist;
pub use set::Set;
pub use touch::Touch;

use crate::key::Key;

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
}

/// What must hold for a command to be carried out; judged when it is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition {
    /// Nothing.
    #[default]
    None,
    /// The key is absent (or expired).
    Absent,
    /// The key is present.
    Present,
    /// The key is present with just this version: compare-and-set.
    Version(u64),
}

/// The deadline a written key gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expiry {
    /// None: the key never expires.
    #[default]
    Never,
    /// Group time when the command is applied plus this many milliseconds.
    AfterMs(u64),
    /// The deadline the key has now, if any.
    Keep,
}

/// What the bytes of a value are, so that each view of an entry can show them rightly.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Content {
    /// Bytes of no known type (`application/octet-stream`); what the Redis protocol writes.
    #[default]
    Octets,
    /// A JSON text other than a string (`application/json`).
    Json,
    /// A JSON string, stored as its plain UTF-8 text (`text/plain; charset=utf-8`).
    Text,
    /// Any other media type, as the client named it (at most `CONTENT_TYPE_BYTES_MAX` bytes of ASCII).
    Media(Bytes),
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The key was written.
    Written(Written),
    /// The key was absent already, or is now.
    Deleted {
        /// Whether there was anything to delete.
        deleted: bool,
        /// The group's version when this was applied.
        version: u64,
    },
    /// The group's own state was changed.
    Done,
    /// Nothing changed, and why.
    Rejected(Rejection),
}

/// A key as it stands after a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its new version.
    pub version: u64,
    /// Whether it was absent before.
    pub created: bool,
    /// When it expires, in group time (ms); `None`: never.
    pub deadline: Option<u64>,
    /// The new value, for commands that compute one (`Incr`); the new length for `Append` is in `len`.
    pub value: Option<Bytes>,
    /// Bytes of the value now.
    pub len: u64,
}

/// Why a command changed nothing. Certain: it never will.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The key is absent and the command needs it.
    #[error("no such key")]
    Missing,
    /// The condition did not hold; the version the key has now, if it is present.
    #[error("the key's version is not the expected one")]
    VersionMismatch {
        /// Version of the key as it stands.
        current: Option<u64>,
    },
    /// The value is not a 64-bit signed integer.
    #[error("the value is not an integer")]
    NotANumber,
    /// The sum does not fit into a 64-bit signed integer.
    #[error("the result is out of range")]
    Overflow,
    /// The value's content does not take this command (appending to a JSON number, say).
    #[error("the value's type does not allow this")]
    WrongContent,
    /// The value would be longer than `VALUE_BYTES_CEILING`.
    #[error("the value would be too large")]
    TooLarge,
    /// The slot is not this group's: the router's table is outdated.
    #[error("the group does not own this slot")]
    NotOwner,
}

/// The replies to one packed entry, with the group time at which it was applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replies {
    /// Group time after applying, ms.
    pub time_ms: u64,
    /// One for each command, in order.
    pub replies: Vec<Reply>,
}
