//! A frozen map to chunks.

use std::fmt;

use super::header;
use crate::limits::SNAPSHOT_CHUNK_BYTES;
use crate::map::{Frozen, Leaf};

/// Chunks of a frozen map, made one at a time. What was written is let go of at once, so what the map copies
/// because of the freeze, and the memory that takes, fall while the snapshot proceeds.
pub struct ChunkWriter {
    /// `None`: it was given out.
    header: Option<Vec<u8>>,
    leaves: Box<dyn Iterator<Item = Leaf> + Send>,
    /// The leaf being written, and the next entry of it.
    leaf: Option<Leaf>,
    next: usize,
}

impl fmt::Debug for ChunkWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkWriter").finish_non_exhaustive()
    }
}

impl ChunkWriter {
    /// Starts at the beginning of `map`.
    pub fn new(map: Frozen) -> Self {
        let header = Some(header::encode(&map.head, map.slots.items()));
        let leaves_of =
            |table: std::sync::Arc<crate::map::SlotTable>| table.leaves().cloned().collect::<Vec<_>>();
        let leaves = Box::new(map.slots.into_tables().flat_map(leaves_of));
        Self { header, leaves, leaf: None, next: 0 }
    }

    fn fill(&mut self, chunk: &mut Vec<u8>) {
        while chunk.len() < SNAPSHOT_CHUNK_BYTES {
            match &self.leaf {
                Some(leaf) if self.next < leaf.count() => {
                    let found = leaf.at(self.next);
                    chunk.extend_from_slice(found.record.head);
                    chunk.extend_from_slice(found.value());
                    self.next += 1;
                }
                _ => {
                    (self.leaf, self.next) = (self.leaves.next(), 0);
                    if self.leaf.is_none() {
                        return;
                    }
                }
            }
        }
    }
}

impl Iterator for ChunkWriter {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if let Some(header) = self.header.take() {
            return Some(header);
        }
        let mut chunk = Vec::with_capacity(SNAPSHOT_CHUNK_BYTES + (SNAPSHOT_CHUNK_BYTES >> 6));
        self.fill(&mut chunk);
        Some(chunk).filter(|chunk| !chunk.is_empty())
    }
}
