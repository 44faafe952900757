//! `set`: write a value, under a condition if asked.

use bytes::Bytes;

use super::{Condition, Content, Expiry, Rejection, Reply, content, key, put_content, put_key};
use crate::codec::{DecodeError, Decoder, put_bytes};
use crate::key::Key;
use crate::map::{At, Change, TtlMap, Value};

/// Write a value. An existing key keeps its creation time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The key.
    pub key: Key,
    /// Its new value.
    pub value: Bytes,
    /// What the value is.
    pub content: Content,
    /// When it expires.
    pub expiry: Expiry,
    /// What must hold.
    pub condition: Condition,
}

impl Set {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let at = At::of(&self.key);
        let current = map.admit(at, self.condition)?.map(|found| found.record.stamp);
        let now_ms = map.time_ms();
        let change = Change {
            content: &self.content,
            value: Value::Foreign(&self.value),
            deadline: self.expiry.deadline(now_ms, current.and_then(|stamp| stamp.deadline)),
            created: current.is_none(),
            created_ms: current.map_or(now_ms, |stamp| stamp.created_ms),
            modified_ms: now_ms,
        };
        map.write(at, change).map(Reply::Written)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_key(out, &self.key);
        put_content(out, &self.content);
        self.expiry.put(out);
        self.condition.put(out);
        put_bytes(out, &self.value);
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        let (key, content) = (key(input)?, content(input)?);
        let (expiry, condition) = (Expiry::read(input)?, Condition::read(input)?);
        Ok(Self { key, value: input.bytes()?, content, expiry, condition })
    }
}
