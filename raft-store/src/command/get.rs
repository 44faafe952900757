//! `get`: what stands for a key at its place in a transaction. A read by itself does not go through the log.

use super::{Condition, Rejection, Reply, key, put_key};
use crate::codec::{DecodeError, Decoder};
use crate::key::Key;
use crate::map::{At, Found, TtlMap};

/// Answer the entry of a key ([`Reply::Found`]); nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Get {
    /// The key.
    pub key: Key,
}

impl Get {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let found = map.admit(At::of(&self.key), Condition::None)?;
        Ok(Reply::Found(found.map(Found::to_entry)))
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_key(out, &self.key);
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(Self { key: key(input)? })
    }
}
