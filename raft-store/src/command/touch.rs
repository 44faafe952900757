//! `touch`: a new deadline for an existing key; its value, creation and modification times stay, its
//! version grows, so that an ETag never names two different deadlines.

use super::{Condition, Expiry, Rejection, Reply, key, put_key};
use crate::codec::{DecodeError, Decoder, put_varint};
use crate::key::Key;
use crate::map::{At, TtlMap};

/// Give an existing key a new deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The key.
    pub key: Key,
    /// Milliseconds of group time from now until it expires.
    pub ttl_ms: u64,
    /// What must hold.
    pub condition: Condition,
}

impl Touch {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let at = At::of(&self.key);
        let current = map.admit(at, self.condition)?.ok_or(Rejection::Missing)?.to_entry();
        let deadline = Expiry::AfterMs(self.ttl_ms).deadline(map.time_ms(), current.deadline);
        map.set_deadline(at, current, deadline).map(Reply::Written)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_key(out, &self.key);
        put_varint(out, self.ttl_ms);
        self.condition.put(out);
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(Self { key: key(input)?, ttl_ms: input.varint()?, condition: Condition::read(input)? })
    }
}
