//! `set range`: write bytes over a part of a value, as Redis's SETRANGE does.

use bytes::Bytes;

use super::edit::Edit;
use super::{Condition, Rejection, Reply, key, put_key};
use crate::codec::{DecodeError, Decoder, put_bytes, put_varint};
use crate::key::Key;
use crate::map::{At, TtlMap};

/// Write bytes over those from `offset` on, with zeros before them where the value is shorter; an absent key counts as
/// empty. Answers [`Reply::Written`]. No bytes change nothing, whatever the offset: [`Reply::Length`] of what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetRange {
    /// The key.
    pub key: Key,
    /// Where the bytes go, in bytes from the start, or [`SetRange::AT_END`].
    pub offset: u64,
    /// The bytes.
    pub value: Bytes,
    /// Longest value this may leave, in bytes; `VALUE_BYTES_CEILING` holds whatever this says.
    pub len_max: u64,
}

impl SetRange {
    /// The offset of the value's end, however long it is: appends to a value of any content, which `Append` does not.
    pub const AT_END: u64 = u64::MAX;

    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let at = At::of(&self.key);
        let current = map.admit(at, Condition::None)?;
        let len = current.as_ref().map_or(0, |found| found.value().len() as u64);
        if self.value.is_empty() {
            return Ok(Reply::Length(len));
        }
        let offset = if self.offset == Self::AT_END { len } else { self.offset };
        let end = offset.checked_add(self.value.len() as u64).ok_or(Rejection::TooLarge)?;
        let mut edit = Edit::of(current, end, self.len_max)?;
        edit.bytes[offset as usize..end as usize].copy_from_slice(&self.value);
        edit.write(map, at).map(Reply::Written)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_key(out, &self.key);
        put_varint(out, self.offset);
        put_varint(out, self.len_max);
        put_bytes(out, &self.value);
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        let (key, offset, len_max) = (key(input)?, input.varint()?, input.varint()?);
        Ok(Self { key, offset, value: input.bytes()?, len_max })
    }
}
