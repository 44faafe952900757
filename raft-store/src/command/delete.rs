//! `delete`: remove a key; an absent one is no error.

use super::{Condition, Rejection, Reply, key, put_key};
use crate::codec::{DecodeError, Decoder};
use crate::key::Key;
use crate::map::{At, TtlMap};

/// Remove a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    /// The key.
    pub key: Key,
    /// What must hold.
    pub condition: Condition,
}

impl Delete {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let at = At::of(&self.key);
        let deleted = map.admit(at, self.condition)?.is_some();
        if deleted {
            map.delete(at);
        }
        Ok(Reply::Deleted { deleted, version: map.version() })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_key(out, &self.key);
        self.condition.put(out);
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(Self { key: key(input)?, condition: Condition::read(input)? })
    }
}
