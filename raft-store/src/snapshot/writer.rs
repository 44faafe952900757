//! A frozen map to chunks.

use super::header;
use crate::codec::put_bytes;
use crate::limits::SNAPSHOT_CHUNK_BYTES;
use crate::map::{Frozen, Position};
use crate::slot::{SLOTS, Slot};

/// Chunks of a frozen map, made one at a time.
#[derive(Debug)]
pub struct ChunkWriter {
    map: Frozen,
    header_done: bool,
    /// The entry that comes next: its slot and its place in the slot's table.
    slot: Slot,
    position: Position,
}

impl ChunkWriter {
    /// Starts at the beginning of `map`.
    pub fn new(map: Frozen) -> Self {
        Self { map, header_done: false, slot: 0, position: Position::default() }
    }

    fn fill(&mut self, chunk: &mut Vec<u8>) {
        while self.slot < SLOTS && chunk.len() < SNAPSHOT_CHUNK_BYTES {
            match self.map.slots.table(self.slot).and_then(|table| table.next(&mut self.position)) {
                Some(record) => put_bytes(chunk, record.as_bytes()),
                None => (self.slot, self.position) = (self.slot + 1, Position::default()),
            }
        }
    }
}

impl Iterator for ChunkWriter {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if !self.header_done {
            self.header_done = true;
            return Some(header::encode(&self.map.head, self.map.slots.items()));
        }
        let mut chunk = Vec::new();
        self.fill(&mut chunk);
        Some(chunk).filter(|chunk| !chunk.is_empty())
    }
}
