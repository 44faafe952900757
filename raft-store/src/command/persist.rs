//! `persist`: an existing key never expires any more. Like `touch`, it grows the version and keeps the
//! modification time, also when the key had no deadline.

use super::{Condition, Rejection, Reply, key, put_key};
use crate::codec::{DecodeError, Decoder};
use crate::key::Key;
use crate::map::{At, TtlMap};

/// Take the deadline from an existing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persist {
    /// The key.
    pub key: Key,
    /// What must hold.
    pub condition: Condition,
}

impl Persist {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let at = At::of(&self.key);
        let current = map.admit(at, self.condition)?.ok_or(Rejection::Missing)?.to_entry();
        map.set_deadline(at, current, None).map(Reply::Written)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_key(out, &self.key);
        self.condition.put(out);
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(Self { key: key(input)?, condition: Condition::read(input)? })
    }
}
