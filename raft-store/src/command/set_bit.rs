//! `set bit`: set or clear one bit of a value, as Redis's SETBIT does.

use super::edit::Edit;
use super::{Condition, Rejection, Reply, key, put_key};
use crate::codec::{DecodeError, Decoder, put_varint};
use crate::key::Key;
use crate::map::{At, TtlMap};

/// Set or clear one bit, with zeros before it where the value is shorter; an absent key counts as empty. Answers
/// [`Reply::Bit`]: what it was before. A bit that is there and stays as it is changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetBit {
    /// The key.
    pub key: Key,
    /// Number of the bit; 0 is the highest bit of the first byte.
    pub offset: u64,
    /// What it becomes.
    pub bit: bool,
    /// Longest value this may leave, in bytes; `VALUE_BYTES_CEILING` holds whatever this says.
    pub len_max: u64,
}

impl SetBit {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        let at = At::of(&self.key);
        let current = map.admit(at, Condition::None)?;
        let (byte, mask) = (self.offset / 8, 0x80 >> (self.offset % 8));
        let old = current.as_ref().and_then(|found| found.value().get(usize::try_from(byte).ok()?));
        let was = old.is_some_and(|old| old & mask != 0);
        if old.is_none() || was != self.bit {
            let mut edit = Edit::of(current, byte + 1, self.len_max)?;
            let place = &mut edit.bytes[byte as usize];
            *place = if self.bit { *place | mask } else { *place & !mask };
            edit.write(map, at)?;
        }
        Ok(Reply::Bit(was))
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_key(out, &self.key);
        put_varint(out, self.offset);
        out.push(u8::from(self.bit));
        put_varint(out, self.len_max);
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        let (key, offset) = (key(input)?, input.varint()?);
        Ok(Self { key, offset, bit: input.bool()?, len_max: input.varint()? })
    }
}
