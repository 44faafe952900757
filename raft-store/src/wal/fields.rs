//! Reads the fields of records, without copying.

use super::record::EntryId;
use crate::GroupId;
use crate::codec::DecodeError;

/// What an entry's record holds.
pub(super) struct EntryFields<'a> {
    pub(super) crc: u32,
    pub(super) group: GroupId,
    pub(super) id: EntryId,
    pub(super) kind: u8,
    pub(super) payload: &'a [u8],
}

/// Reads a record's fields one after the other.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, need: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) =
            self.0.split_at_checked(need).ok_or(DecodeError::Short { need, have: self.0.len() })?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) =
            self.0.split_first_chunk().ok_or(DecodeError::Short { need: N, have: self.0.len() })?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(super) fn id(&mut self) -> Result<EntryId, DecodeError> {
        Ok(EntryId { term: self.u64()?, node: self.u64()?, index: self.u64()? })
    }

    /// An entry behind its first byte.
    pub(super) fn entry(&mut self) -> Result<EntryFields<'a>, DecodeError> {
        let (crc, group, id, kind) = (self.u32()?, self.u32()?, self.id()?, self.u8()?);
        let len = self.u32()? as usize;
        Ok(EntryFields { crc, group, id, kind, payload: self.take(len)? })
    }
}
