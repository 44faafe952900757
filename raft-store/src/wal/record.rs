//! The inner format: records within a batch, and what each does to the [`super::index::Index`].
//!
//! A record is one byte of kind, then its fields. Writer and recovery make the same [`Effect`]s from it,
//! so what a running log believes and what it will find after a crash cannot drift apart.

use std::io;

use bytes::Bytes;

use super::fields::Fields;
use super::frame;
use crate::GroupId;
use crate::codec::{DecodeError, put_u32, put_u64};

const ENTRY: u8 = 1;
const VOTE: u8 = 2;
const TRUNCATE: u8 = 3;
const PURGE: u8 = 4;
const CHECKPOINT: u8 = 5;
const CLEAR: u8 = 6;

/// Bytes of an entry's record besides its payload: kind, crc, group, id, the entry's kind, length.
pub(super) const ENTRY_OVERHEAD: usize = 1 + 4 + 4 + 24 + 1 + 4;
/// Bound of the bytes of any other record, a vote's own bytes aside.
pub(super) const RECORD_BYTES_MAX: usize = 1 + 4 + 24;
const CRC_FROM: usize = 5;

/// Identity of an entry: where in its group's log, and which leader put it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryId {
    /// The leader's term.
    pub term: u64,
    /// The leader.
    pub node: u64,
    /// Index in the group's log.
    pub index: u64,
}

/// An entry as the log keeps it. Cloning shares the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its identity.
    pub id: EntryId,
    /// What the payload is; the log does not look.
    pub kind: u8,
    /// Its bytes.
    pub payload: Bytes,
}

impl Entry {
    /// Bytes it takes in a segment.
    pub(super) fn stored_bytes(&self) -> usize {
        ENTRY_OVERHEAD + self.payload.len()
    }
}

/// Where an entry's record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// The segment.
    pub(super) segment: u64,
    /// Offset of the record in it.
    pub(super) offset: u64,
    /// Bytes of the record.
    pub(super) len: u32,
}

/// What a record does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// An entry is at a position: a new one, or one that was moved to the head of the log.
    Entry { group: GroupId, id: EntryId, at: Position },
    /// A group's vote.
    Vote { group: GroupId, vote: Bytes },
    /// Entries from this index on are gone.
    Truncate { group: GroupId, from: u64 },
    /// Entries up to this one are gone.
    Purge { group: GroupId, upto: EntryId },
    /// Of a group nothing is left but its vote.
    Clear { group: GroupId },
    /// The votes and purges that follow in this batch are those of all groups: nothing older is needed
    /// for them.
    Checkpoint,
}

/// A batch in the making: its bytes, and what it will do once it is durable.
#[derive(Debug)]
pub(super) struct Batch {
    segment: u64,
    offset: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) effects: Vec<Effect>,
}

impl Batch {
    /// A batch to be written at `offset` of `segment`; `buffer` is reused.
    pub(super) fn begin(segment: u64, offset: u64, mut buffer: Vec<u8>) -> Self {
        frame::begin(&mut buffer);
        Self { segment, offset, bytes: buffer, effects: Vec::new() }
    }

    /// Adds an entry: the one copy of its payload on its way to the disk.
    pub(super) fn entry(&mut self, group: GroupId, entry: &Entry) -> io::Result<()> {
        let len = |bytes: usize| u32::try_from(bytes).map_err(|_| too_large());
        let at = Position {
            segment: self.segment,
            offset: self.offset + self.bytes.len() as u64,
            len: len(entry.stored_bytes())?,
        };
        let out = &mut self.bytes;
        let start = out.len();
        out.push(ENTRY);
        put_u32(out, 0);
        put_u32(out, group);
        put_id(out, &entry.id);
        out.push(entry.kind);
        put_u32(out, len(entry.payload.len())?);
        out.extend_from_slice(&entry.payload);
        let crc = crc32fast::hash(&out[start + CRC_FROM..]);
        out[start + 1..start + CRC_FROM].copy_from_slice(&crc.to_le_bytes());
        self.effects.push(Effect::Entry { group, id: entry.id, at });
        Ok(())
    }

    /// Adds a record other than an entry's.
    pub(super) fn push(&mut self, effect: Effect) {
        let out = &mut self.bytes;
        match &effect {
            Effect::Entry { .. } => unreachable!("entries come with their payload, by Batch::entry"),
            Effect::Vote { group, vote } => {
                begin(out, VOTE, *group);
                // Votes are tens of bytes; `enqueue` bounds them like everything else.
                put_u32(out, vote.len() as u32);
                out.extend_from_slice(vote);
            }
            Effect::Truncate { group, from } => {
                begin(out, TRUNCATE, *group);
                put_u64(out, *from);
            }
            Effect::Purge { group, upto } => {
                begin(out, PURGE, *group);
                put_id(out, upto);
            }
            Effect::Clear { group } => begin(out, CLEAR, *group),
            Effect::Checkpoint => out.push(CHECKPOINT),
        }
        self.effects.push(effect);
    }
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a log entry of more than 4 GiB")
}

fn begin(out: &mut Vec<u8>, kind: u8, group: GroupId) {
    out.push(kind);
    put_u32(out, group);
}

fn put_id(out: &mut Vec<u8>, id: &EntryId) {
    put_u64(out, id.term);
    put_u64(out, id.node);
    put_u64(out, id.index);
}

/// Hands out the effects of a batch whose records start at `offset` of `segment`. The batch's own checksum was
/// verified, so those of its entries are not computed again.
pub(super) fn for_each_effect(
    segment: u64,
    offset: u64,
    records: &[u8],
    mut each: impl FnMut(Effect),
) -> Result<(), DecodeError> {
    let end = offset + records.len() as u64;
    let mut input = Fields(records);
    while !input.0.is_empty() {
        let start = end - input.0.len() as u64;
        each(match input.u8()? {
            ENTRY => {
                let entry = input.entry()?;
                let len = (ENTRY_OVERHEAD + entry.payload.len()) as u32;
                Effect::Entry {
                    group: entry.group,
                    id: entry.id,
                    at: Position { segment, offset: start, len },
                }
            }
            VOTE => {
                let (group, len) = (input.u32()?, input.u32()?);
                Effect::Vote { group, vote: Bytes::copy_from_slice(input.take(len as usize)?) }
            }
            TRUNCATE => Effect::Truncate { group: input.u32()?, from: input.u64()? },
            PURGE => Effect::Purge { group: input.u32()?, upto: input.id()? },
            CLEAR => Effect::Clear { group: input.u32()? },
            CHECKPOINT => Effect::Checkpoint,
            kind => return Err(unknown_kind(kind)),
        });
    }
    Ok(())
}

/// Whether a batch's records begin with those of all groups.
pub(super) fn starts_with_checkpoint(records: &[u8]) -> bool {
    records.first() == Some(&CHECKPOINT)
}

/// The groups of the undamaged entries a damaged batch begins with; in order, each once. For messages only.
pub(super) fn groups_in(records: &[u8]) -> Vec<GroupId> {
    let mut groups = std::collections::BTreeSet::new();
    // Damage ends it, and is what brought us here.
    let _ = for_each_effect(0, 0, records, |effect| {
        if let Effect::Entry { group, id, at } = effect {
            let start = at.offset as usize;
            let record = Bytes::copy_from_slice(&records[start..start + at.len as usize]);
            groups.extend(read_entry(&record, group, id).ok().map(|_| group));
        }
    });
    groups.into_iter().collect()
}

/// Reads an entry's record back, and checks that it is undamaged and the one expected.
pub(super) fn read_entry(record: &Bytes, group: GroupId, id: EntryId) -> Result<Entry, DecodeError> {
    let mut input = Fields(record);
    if input.u8()? != ENTRY {
        return Err(DecodeError::Invalid("log record: no entry"));
    }
    let found = input.entry()?;
    if !input.0.is_empty() {
        return Err(DecodeError::Trailing(input.0.len()));
    }
    if found.crc != crc32fast::hash(&record[CRC_FROM..]) {
        return Err(DecodeError::Invalid("checksum of a log entry"));
    }
    if (found.group, found.id) != (group, id) {
        return Err(DecodeError::Invalid("log entry: another one is in its place"));
    }
    Ok(Entry { id, kind: found.kind, payload: record.slice_ref(found.payload) })
}

fn unknown_kind(kind: u8) -> DecodeError {
    DecodeError::Unknown { what: "log record", value: kind.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: EntryId = EntryId { term: 2, node: 1, index: 7 };

    fn batch() -> Batch {
        let mut batch = Batch::begin(4, 96, Vec::new());
        batch.push(Effect::Checkpoint);
        batch.push(Effect::Vote { group: 1, vote: Bytes::from_static(b"v") });
        batch.entry(1, &Entry { id: ID, kind: 1, payload: Bytes::from_static(b"payload") }).unwrap();
        batch.push(Effect::Truncate { group: 1, from: 8 });
        batch.push(Effect::Purge { group: 1, upto: ID });
        batch.push(Effect::Clear { group: 1 });
        batch
    }

    #[test]
    fn recovery_reads_the_effects_the_writer_meant() {
        let batch = batch();
        let records = &batch.bytes[frame::FRAME_BYTES..];
        let mut effects = Vec::new();
        for_each_effect(4, 96 + frame::FRAME_BYTES as u64, records, |effect| effects.push(effect)).unwrap();
        assert_eq!(effects, batch.effects);
        assert_eq!(groups_in(&records[..records.len() - 3]), [1]);
    }

    #[test]
    fn an_entry_is_read_back_from_its_position_or_refused() {
        let batch = batch();
        let Effect::Entry { at, .. } = &batch.effects[2] else { panic!("an entry") };
        let start = (at.offset - 96) as usize;
        let record = batch.bytes[start..start + at.len as usize].to_vec();
        assert_eq!(read_entry(&record.clone().into(), 1, ID).unwrap().payload, &b"payload"[..]);
        assert!(read_entry(&record.clone().into(), 2, ID).is_err());
        for bit in 0..record.len() * 8 {
            let mut damaged = record.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read_entry(&damaged.into(), 1, ID).is_err(), "bit {bit}");
        }
    }
}
