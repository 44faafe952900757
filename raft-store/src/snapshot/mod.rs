//! The snapshot codec: a frozen map to a sequence of bounded chunks, and back.
//!
//! Pure: where chunks are kept and how they travel is not known here, and neither are compression and
//! checksums, which the snapshot store adds. The first chunk holds the header (group time, wall clock,
//! version counter, owned slots, counts), the others entries in order of slot, hash and key:
//! records one after the other, each with its value (`map/record.rs`). The same map gives
//! the same bytes on every replica.
//!
//! A chunk is closed once it holds `SNAPSHOT_CHUNK_BYTES`, so it is larger by at most one entry. An entry
//! never spans two chunks.

mod digest;
mod header;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::ChunkReader;
pub use writer::ChunkWriter;
