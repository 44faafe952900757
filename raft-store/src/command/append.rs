//! `append`: add bytes to the end of a value, creating it when absent.

use bytes::Bytes;

use super::{Condition, Content, Rejection, Reply, content, key, put_content, put_key};
use crate::codec::{DecodeError, Decoder, put_bytes, put_varint};
use crate::key::Key;
use crate::limits::VALUE_BYTES_CEILING;
use crate::map::{At, Change, Found, TtlMap, Value};

/// Append bytes to a value. Deadline and content stay, except that text which is no UTF-8 any more becomes
/// octets; a new key never expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The key.
    pub key: Key,
    /// What to append.
    pub suffix: Bytes,
    /// Content of the value when this creates it (`Text` or `Octets`; `Json` is `WrongContent`).
    pub content: Content,
    /// Longest value this may leave, in bytes; `VALUE_BYTES_CEILING` holds whatever this says. It travels with the
    /// command because replicas may be configured differently.
    pub len_max: u64,
    /// What must hold.
    pub condition: Condition,
}

impl Append {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let at = At::of(&self.key);
        let current = map.admit(at, self.condition)?;
        let content = self.new_content(current)?;
        let before = current.as_ref().map_or(&[][..], Found::value);
        let len_max = self.len_max.min(VALUE_BYTES_CEILING as u64);
        if (before.len() + self.suffix.len()) as u64 > len_max {
            return Err(Rejection::TooLarge);
        }
        let change = Change {
            content: &content,
            value: Value::Own([before, &self.suffix].concat().into()),
            deadline: current.and_then(|found| found.record.stamp.deadline),
            created: current.is_none(),
            created_ms: current.map_or(map.time_ms(), |found| found.record.stamp.created_ms),
            modified_ms: map.time_ms(),
        };
        map.write(at, change).map(Reply::Written)
    }

    /// Text followed by bytes is text exactly when the bytes are.
    fn new_content(&self, current: Option<Found<'_>>) -> Result<Content, Rejection> {
        match current.map_or_else(|| self.content.clone(), |found| found.record.content()) {
            Content::Json => Err(Rejection::WrongContent),
            Content::Text if std::str::from_utf8(&self.suffix).is_err() => Ok(Content::Octets),
            other @ (Content::Text | Content::Octets | Content::Media(_)) => Ok(other),
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_key(out, &self.key);
        put_content(out, &self.content);
        self.condition.put(out);
        put_varint(out, self.len_max);
        put_bytes(out, &self.suffix);
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        let (key, content, condition) = (key(input)?, content(input)?, Condition::read(input)?);
        let len_max = input.varint()?;
        Ok(Self { key, suffix: input.bytes()?, content, len_max, condition })
    }
}
