//! One number for a whole map, to compare replicas by.

use super::ChunkWriter;
use crate::map::{Frozen, TtlMap};

impl Frozen {
    /// A checksum of the whole replicated state: equal for replicas that applied the same entries, whatever
    /// snapshots they were restored from. CRC-32 of the snapshot's bytes above, their number (modulo 2³²)
    /// below. It visits every byte; against corruption and bugs, not against an adversary.
    pub fn digest(self) -> u64 {
        let (mut crc, mut len) = (crc32fast::Hasher::new(), 0u64);
        for chunk in ChunkWriter::new(self) {
            crc.update(&chunk);
            len += chunk.len() as u64;
        }
        u64::from(crc.finalize()) << 32 | (len & u64::from(u32::MAX))
    }
}

impl TtlMap {
    /// [`Frozen::digest`] of the map as it stands.
    pub fn digest(&self) -> u64 {
        self.freeze().digest()
    }
}
