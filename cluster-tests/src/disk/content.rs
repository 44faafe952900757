//! The bytes of one file: what was written, and what is left of it when the power goes. Pure.
//!
//! Writes collect in layers, each remembering what it covered. A sync that succeeds forgets the layers begun
//! before it, so they can no longer be taken back. A sync that fails marks them lost, as Linux does: the pages
//! count as clean and are still read, no later sync writes them, and only writing them again helps.

use std::collections::{BTreeMap, BTreeSet};

/// Bytes a disk writes whole or not at all.
pub const SECTOR_BYTES: usize = 512;

type Sector = [u8; SECTOR_BYTES];

/// What was written between two syncs.
#[derive(Debug)]
struct Layer {
    number: u64,
    /// A sync of it has begun: later writes go into the next layer.
    sealed: bool,
    /// A sync of it failed.
    lost: bool,
    /// The file's length when it began; `None` once a later sync made the length durable.
    length: Option<usize>,
    /// The sectors it wrote, as they were before.
    covered: BTreeMap<usize, Sector>,
}

/// What becomes of what was written and not synced.
pub(super) trait Fate {
    /// Whether this sector reached the disk.
    fn keeps(&mut self, sector: usize) -> bool;
    /// Whether the file's length did.
    fn keeps_length(&mut self) -> bool;
}

/// The bytes of one file.
#[derive(Debug, Default)]
pub(super) struct Content {
    bytes: Vec<u8>,
    /// Oldest first.
    layers: Vec<Layer>,
    next: u64,
}

impl Content {
    /// What a read sees.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes at `offset`; a gap is zeros.
    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        self.cover(offset, end);
        if end > self.bytes.len() {
            self.bytes.resize(end, 0);
        }
        self.bytes[offset..end].copy_from_slice(bytes);
    }

    /// Cuts or grows the file; what is new is zeros.
    pub(super) fn resize(&mut self, length: usize) {
        self.cover(length.min(self.bytes.len()), self.bytes.len());
        self.bytes.resize(length, 0);
    }

    /// Begins a sync of everything written so far; its ticket.
    pub(super) fn begin_sync(&mut self) -> u64 {
        if let Some(layer) = self.layers.last_mut() {
            layer.sealed = true;
        }
        self.next
    }

    /// Everything written before this ticket is on disk now, but for what an earlier sync lost.
    pub(super) fn end_sync(&mut self, ticket: u64) {
        let (synced, kept) =
            std::mem::take(&mut self.layers).into_iter().partition(|l: &Layer| !l.lost && l.number < ticket);
        self.layers = kept;
        let newest = synced.iter().map(|layer| layer.number).max();
        for lost in self.layers.iter_mut().filter(|layer| layer.lost && Some(layer.number) < newest) {
            lost.length = None;
            for layer in synced.iter().filter(|layer| layer.number > lost.number) {
                lost.covered.retain(|sector, _| !layer.covered.contains_key(sector));
            }
        }
    }

    /// The sync failed: what was written before this ticket never reaches the disk unless it is written again.
    pub(super) fn fail_sync(&mut self, ticket: u64) {
        self.layers.iter_mut().filter(|layer| layer.number < ticket).for_each(|layer| layer.lost = true);
    }

    /// Bytes in sectors that are not on disk as they are read.
    pub(super) fn unsynced_bytes(&self) -> usize {
        let sectors: BTreeSet<_> = self.layers.iter().flat_map(|layer| layer.covered.keys()).collect();
        sectors.len() * SECTOR_BYTES
    }

    /// The power goes: of what was not synced there is left what `fate` keeps.
    pub(super) fn lose_power(&mut self, fate: &mut impl Fate) {
        let keeps_length = self.layers.iter().any(|layer| !layer.lost) && fate.keeps_length();
        let mut length = self.bytes.len();
        let mut kept = BTreeSet::new();
        for layer in std::mem::take(&mut self.layers).into_iter().rev() {
            for (sector, before) in layer.covered {
                if kept.contains(&sector) || (!layer.lost && fate.keeps(sector)) {
                    kept.insert(sector);
                } else {
                    self.put_back(sector, &before);
                }
            }
            length = layer.length.filter(|_| !keeps_length).unwrap_or(length);
        }
        self.bytes.resize(length, 0);
    }

    /// Flips bits of one byte, as a decaying disk does: no sync takes part. `false`: there is no such byte.
    pub(super) fn flip(&mut self, offset: usize, mask: u8) -> bool {
        self.bytes.get_mut(offset).map(|byte| *byte ^= mask).is_some()
    }

    /// Remembers the sectors of a range as they are, once for each layer.
    fn cover(&mut self, from: usize, to: usize) {
        if self.layers.last().is_none_or(|layer| layer.sealed || layer.lost) {
            let length = Some(self.bytes.len());
            let layer =
                Layer { number: self.next, sealed: false, lost: false, length, covered: BTreeMap::new() };
            self.layers.push(layer);
            self.next += 1;
        }
        let Some(layer) = self.layers.last_mut() else { return };
        for sector in from / SECTOR_BYTES..to.div_ceil(SECTOR_BYTES) {
            layer.covered.entry(sector).or_insert_with(|| copy(&self.bytes, sector));
        }
    }

    fn put_back(&mut self, sector: usize, before: &Sector) {
        let at = sector * SECTOR_BYTES;
        let end = at + SECTOR_BYTES;
        if end > self.bytes.len() {
            self.bytes.resize(end, 0);
        }
        self.bytes[at..end].copy_from_slice(before);
    }
}

/// One sector; zeros behind the end.
fn copy(bytes: &[u8], sector: usize) -> Sector {
    let mut copied = [0; SECTOR_BYTES];
    let from = bytes.get(sector * SECTOR_BYTES..).unwrap_or_default();
    let length = from.len().min(SECTOR_BYTES);
    copied[..length].copy_from_slice(&from[..length]);
    copied
}
