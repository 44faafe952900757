//! One file of the faulty disk, and what a crash makes of it.

use super::Chance;

/// Bytes a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A file: what a crash leaves at least, what readers see, and what lies between.
#[derive(Debug, Default, Clone)]
pub(super) struct Content {
    pub(super) durable: Vec<u8>,
    pub(super) current: Vec<u8>,
    /// Writes since the last sync.
    pub(super) pending: Vec<(usize, Vec<u8>)>,
}

impl Content {
    /// Writes into a file that grows if need be.
    pub(super) fn write(bytes: &mut Vec<u8>, at: usize, written: &[u8]) {
        bytes.resize(bytes.len().max(at + written.len()), 0);
        bytes[at..at + written.len()].copy_from_slice(written);
    }

    /// What is there after a crash.
    pub(super) fn crash(&self, chance: &mut Chance) -> Self {
        let mut bytes = self.durable.clone();
        if chance.below(2) == 0 {
            self.tear_at_a_byte(&mut bytes, chance);
        } else {
            self.tear_in_sectors(&mut bytes, chance);
        }
        Self { durable: bytes.clone(), current: bytes, pending: Vec::new() }
    }

    fn tear_at_a_byte(&self, bytes: &mut Vec<u8>, chance: &mut Chance) {
        let whole = chance.below(self.pending.len() as u64 + 1) as usize;
        for (at, written) in &self.pending[..whole] {
            Self::write(bytes, *at, written);
        }
        if let Some((at, written)) = self.pending.get(whole) {
            let len = chance.below(written.len() as u64 + 1) as usize;
            Self::write(bytes, *at, &written[..len]);
        }
    }

    fn tear_in_sectors(&self, bytes: &mut Vec<u8>, chance: &mut Chance) {
        for (at, written) in &self.pending {
            for (nth, sector) in written.chunks(SECTOR).enumerate() {
                if chance.below(2) == 0 {
                    Self::write(bytes, at + nth * SECTOR, sector);
                }
            }
        }
    }
}
