//! Chunks to a map. Nothing in them is trusted: a chunk that a map cannot have written is an error.

use bytes::Bytes;

use super::header;
use crate::codec::{DecodeError, Decoder};
use crate::map::{Frozen, Record, Slots, TtlMap};
use crate::slot::Slot;

/// Builds a map from chunks given in order. After an error it is of no more use.
#[derive(Debug, Default)]
pub struct ChunkReader {
    /// `None` until the header came.
    state: Option<Frozen>,
    items_promised: u64,
    last: Option<Record>,
}

impl ChunkReader {
    /// Expects the first chunk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next chunk.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), DecodeError> {
        let mut input = Decoder::new(Bytes::copy_from_slice(chunk));
        if self.state.is_none() {
            let (head, items) = header::decode(input)?;
            self.state = Some(Frozen { head, slots: Slots::default() });
            self.items_promised = items;
            return Ok(());
        }
        while input.remaining() > 0 {
            self.add(Record::from_stored(&input.bytes()?)?)?;
        }
        Ok(())
    }

    fn add(&mut self, record: Record) -> Result<(), DecodeError> {
        let Some(state) = &mut self.state else { return Err(DecodeError::Invalid("snapshot header")) };
        let head = &state.head;
        let rules = [
            (self.last.as_ref().map(order) < Some(order(&record)), "order of entries"),
            (state.slots.items() < self.items_promised, "number of entries"),
            (head.owned.contains(record.slot()), "slot of an entry"),
            (record.version() <= head.version, "version of an entry"),
            (record.modified_ms() <= head.time_ms, "time of an entry"),
        ];
        if let Some((_, what)) = rules.iter().find(|(holds, _)| !holds) {
            return Err(DecodeError::Invalid(what));
        }
        state.slots.insert(record.clone());
        self.last = Some(record);
        Ok(())
    }

    /// The map, when every entry the header promised has come.
    pub fn finish(self) -> Result<TtlMap, DecodeError> {
        let state = self.state.ok_or(DecodeError::Invalid("snapshot header"))?;
        if state.slots.items() != self.items_promised {
            return Err(DecodeError::Invalid("number of entries"));
        }
        Ok(TtlMap::from_frozen(state))
    }
}

fn order(record: &Record) -> (Slot, &[u8]) {
    (record.slot(), record.key())
}
