//! `incr float`: add to a decimal number, as Redis's INCRBYFLOAT does.

use bytes::Bytes;

use super::decimal;
use super::{Condition, Content, Rejection, Reply, Written, key, put_key};
use crate::codec::{DecodeError, Decoder, put_bytes};
use crate::key::Key;
use crate::map::{At, Change, Found, TtlMap, Value};

/// Add to a decimal number; an absent key counts as zero. Content and deadline stay; a new key is JSON and never expires.
/// Answers [`Reply::Written`] with the sum as text, [`Rejection::NotAFloat`] or [`Rejection::Overflow`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncrFloat {
    /// The key.
    pub key: Key,
    /// What to add, as decimal text; judged when this is applied.
    pub by: Bytes,
}

impl IncrFloat {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let at = At::of(&self.key);
        let current = map.admit(at, Condition::None)?;
        let start = current.as_ref().map_or(&b"0"[..], Found::value);
        let text = Bytes::from(decimal::sum(start, &self.by)?);
        let (stamp, now_ms) = (current.map(|found| found.record.stamp), map.time_ms());
        let change = Change {
            content: &current.map_or(Content::Json, |found| found.record.content()),
            value: Value::Foreign(&text),
            deadline: stamp.and_then(|stamp| stamp.deadline),
            created: stamp.is_none(),
            created_ms: stamp.map_or(now_ms, |stamp| stamp.created_ms),
            modified_ms: now_ms,
        };
        let written = map.write(at, change)?;
        Ok(Reply::Written(Written { value: Some(text), ..written }))
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_key(out, &self.key);
        put_bytes(out, &self.by);
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        Ok(Self { key: key(input)?, by: input.bytes()? })
    }
}
