//! The snapshot codec: a frozen map to a sequence of bounded chunks, and back.
//!
//! Pure: where chunks are kept and how they travel is not known here. The first chunk holds the header
//! (group time, wall clock, version counter, owned slots, counts), the others entries in order of slot and
//! key. The same map gives the same bytes on every replica.

use crate::codec::DecodeError;
use crate::map::{Frozen, TtlMap};

/// Chunks of a frozen map, made one at a time.
#[derive(Debug)]
pub struct ChunkWriter {
    _map: Frozen,
}

impl ChunkWriter {
    /// Starts at the beginning of `map`.
    pub fn new(map: Frozen) -> Self {
        Self { _map: map }
    }
}

impl Iterator for ChunkWriter {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        unimplemented!()
    }
}

/// Builds a map from chunks given in order.
#[derive(Debug, Default)]
pub struct ChunkReader {}

impl ChunkReader {
    /// Expects the first chunk.
    pub fn new() -> Self {
        Self {}
    }

    /// Takes the next chunk.
    pub fn push(&mut self, _chunk: &[u8]) -> Result<(), DecodeError> {
        unimplemented!()
    }

    /// The map, when every entry the header promised has come.
    pub fn finish(self) -> Result<TtlMap, DecodeError> {
        unimplemented!()
    }
}
