//! `expire`: a new deadline for an existing key, if it compares with the old one as asked; as Redis's PEXPIRE does.
//! Value, creation and modification times stay, the version grows.

use super::{Condition, Expiry, Rejection, Reply, key, put_key};
use crate::codec::{DecodeError, Decoder, put_varint};
use crate::key::Key;
use crate::map::{At, TtlMap};

/// Give an existing key a new deadline. Answers [`Reply::Written`], [`Reply::Deleted`] when it is over at once,
/// [`Rejection::Missing`] or [`Rejection::Unmet`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expire {
    /// The key.
    pub key: Key,
    /// Milliseconds of group time from now until it expires; 0 deletes it.
    pub ttl_ms: u64,
    /// What must hold of the deadline it has.
    pub only: ExpireOnly,
}

/// What must hold of a key's deadline for it to be replaced. No deadline counts as one that never comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpireOnly {
    /// Nothing.
    #[default]
    Always,
    /// It has none (`NX`).
    WithoutDeadline,
    /// It has one (`XX`).
    WithDeadline,
    /// The new one is later (`GT`).
    Later,
    /// The new one is sooner (`LT`).
    Sooner,
    /// It has one, and the new one is sooner (`XX` with `LT`).
    SoonerThanOne,
}

impl Expire {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let at = At::of(&self.key);
        let current = map.admit(at, Condition::None)?.ok_or(Rejection::Missing)?.to_entry();
        let deadline = Expiry::AfterMs(self.ttl_ms).deadline(map.time_ms(), current.deadline);
        if !self.only.allows(current.deadline, deadline) {
            return Err(Rejection::Unmet);
        }
        if self.ttl_ms == 0 {
            map.delete(at);
            return Ok(Reply::Deleted { deleted: true, version: map.version() });
        }
        map.set_deadline(at, current, deadline).map(Reply::Written)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_key(out, &self.key);
        put_varint(out, self.ttl_ms);
        out.push(self.only as u8);
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(Self { key: key(input)?, ttl_ms: input.varint()?, only: ExpireOnly::read(input)? })
    }
}

impl ExpireOnly {
    fn allows(self, current: Option<u64>, new: Option<u64>) -> bool {
        let never = |deadline: Option<u64>| deadline.unwrap_or(u64::MAX);
        match self {
            Self::Always => true,
            Self::WithoutDeadline => current.is_none(),
            Self::WithDeadline => current.is_some(),
            Self::Later => never(new) > never(current),
            Self::Sooner => never(new) < never(current),
            Self::SoonerThanOne => current.is_some() && never(new) < never(current),
        }
    }

    fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(match input.u8()? {
            0 => Self::Always,
            1 => Self::WithoutDeadline,
            2 => Self::WithDeadline,
            3 => Self::Later,
            4 => Self::Sooner,
            5 => Self::SoonerThanOne,
            value => return Err(DecodeError::Unknown { what: "rule for a deadline", value: value.into() }),
        })
    }
}
