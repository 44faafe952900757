//! What the commands that change some bytes of a value have in common.

use super::{Content, Rejection, Written};
use crate::limits::VALUE_BYTES_CEILING;
use crate::map::{At, Change, Found, TtlMap, Value};

/// A value on its way to be changed.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) bytes: Vec<u8>,
    content: Content,
    deadline: Option<u64>,
    created_ms: Option<u64>,
}

impl Edit {
    /// What stands for a key, or nothing, with zeros behind it up to `len` bytes. No value gets longer than `len_max`
    /// or `VALUE_BYTES_CEILING`.
    pub(super) fn of(current: Option<Found<'_>>, len: u64, len_max: u64) -> Result<Self, Rejection> {
        let before = current.as_ref().map_or(&[][..], Found::value);
        let len = len.max(before.len() as u64);
        if len > len_max.min(VALUE_BYTES_CEILING as u64) {
            return Err(Rejection::TooLarge);
        }
        let mut bytes = Vec::with_capacity(len as usize);
        bytes.extend_from_slice(before);
        bytes.resize(len as usize, 0);
        let stamp = current.map(|found| found.record.stamp);
        Ok(Self {
            bytes,
            content: current.map_or(Content::Octets, |found| found.record.content()),
            deadline: stamp.and_then(|stamp| stamp.deadline),
            created_ms: stamp.map(|stamp| stamp.created_ms),
        })
    }

    /// Writes the value. Deadline and media type stay; text stays text while it is UTF-8; JSON becomes octets, because
    /// nobody asked whether it is JSON still.
    pub(super) fn write(self, map: &mut TtlMap, at: At<'_>) -> Result<Written, Rejection> {
        let content = match self.content {
            Content::Text if std::str::from_utf8(&self.bytes).is_err() => Content::Octets,
            Content::Json => Content::Octets,
            other @ (Content::Text | Content::Octets | Content::Media(_)) => other,
        };
        let now_ms = map.time_ms();
        let change = Change {
            content: &content,
            value: Value::Own(self.bytes.into()),
            deadline: self.deadline,
            created: self.created_ms.is_none(),
            created_ms: self.created_ms.unwrap_or(now_ms),
            modified_ms: now_ms,
        };
        map.write(at, change)
    }
}
