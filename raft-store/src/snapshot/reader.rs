//! Chunks to a map. Nothing in them is trusted: a chunk that a map cannot have written is an error.

use bytes::Bytes;

use super::header;
use crate::codec::{DecodeError, Decoder};
use crate::key::NamespaceId;
use crate::map::{Due, DueIndex, Frozen, Head, KeyHash, Record, SlotsBuilder, TtlMap, hash_of};
use crate::slot::{Slot, slot_of};

/// Builds a map from chunks given in order. After an error it is of no more use.
#[derive(Debug, Default)]
pub struct ChunkReader {
    /// `None` until the header came; with the number of entries it promised.
    head: Option<(Head, u64)>,
    slots: SlotsBuilder,
    due: Vec<Due>,
    last: Option<(Slot, KeyHash, NamespaceId)>,
    last_key: Vec<u8>,
}

impl ChunkReader {
    /// Expects the first chunk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next chunk.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), DecodeError> {
        if self.head.is_none() {
            self.head = Some(header::decode(Decoder::new(Bytes::copy_from_slice(chunk)))?);
            return Ok(());
        }
        let mut rest = chunk;
        while !rest.is_empty() {
            let record = Record::read(rest)?;
            let short = DecodeError::Short { need: record.value_len, have: record.behind.len() };
            let (value, behind) = record.behind.split_at_checked(record.value_len).ok_or(short)?;
            self.add(&record, value)?;
            rest = behind;
        }
        Ok(())
    }

    fn add(&mut self, record: &Record<'_>, value: &[u8]) -> Result<(), DecodeError> {
        let Some((head, promised)) = &self.head else { return Err(DecodeError::Invalid("snapshot header")) };
        let (slot, hash) = (slot_of(record.key.user_key), hash_of(record.key));
        let (stamp, place) = (record.stamp, Some((slot, hash, record.key.namespace)));
        let rules = [
            (
                self.last < place || self.last == place && *self.last_key < *record.key.user_key,
                "order of entries",
            ),
            (self.slots.items() < *promised, "number of entries"),
            (head.owned.contains(slot), "slot of an entry"),
            (stamp.version <= head.version, "version of an entry"),
            (stamp.modified_ms <= head.time_ms, "time of an entry"),
        ];
        if let Some((_, what)) = rules.iter().find(|(holds, _)| !holds) {
            return Err(DecodeError::Invalid(what));
        }
        self.slots.push(slot, hash, record, value);
        self.due.extend(stamp.deadline.map(|deadline| Due::new(deadline, slot, hash)));
        self.last = place;
        self.last_key.clear();
        self.last_key.extend_from_slice(record.key.user_key);
        Ok(())
    }

    /// The map, when every entry the header promised has come.
    pub fn finish(self) -> Result<TtlMap, DecodeError> {
        let (head, promised) = self.head.ok_or(DecodeError::Invalid("snapshot header"))?;
        let slots = self.slots.finish();
        if slots.items() != promised {
            return Err(DecodeError::Invalid("number of entries"));
        }
        Ok(TtlMap::from_parts(Frozen { head, slots }, DueIndex::of(self.due)))
    }
}
