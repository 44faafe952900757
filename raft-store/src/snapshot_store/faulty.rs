//! A database in memory that fails where it is told to, as the real one does: after a failure it answers
//! nothing any more, and what was not flushed is gone when it is opened again. For tests and simulation.

mod open;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use self::open::Open;
use super::Result;
#[cfg(test)]
use super::SnapshotStore;
use super::backend::{Backend, Place};
use super::error::SnapshotError;
use super::room::{Probe, Space};
#[cfg(test)]
use crate::power::Chance;
use crate::power::Power;

type Map = BTreeMap<Vec<u8>, Bytes>;

/// How a flush fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlushFault {
    /// Nothing of it is durable.
    Before(io::ErrorKind),
    /// All of it is durable, and the error is told all the same.
    After(io::ErrorKind),
}

#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// The present database as a crash would leave it.
    pub(super) durable: Map,
    pub(super) fresh: Map,
    /// Bytes of values that fit, if bounded.
    pub(super) capacity: Option<u64>,
    /// Whether asking for room tells the truth; otherwise it is not known.
    pub(super) tells_room: bool,
    /// Writes (inserts and removals) until one fails, and how.
    pub(super) write_fault: Option<(u32, io::ErrorKind)>,
    /// Flushes until one fails, and how.
    pub(super) flush_fault: Option<(u32, FlushFault)>,
    /// How the next fresh database fails to become the present one.
    pub(super) replace_fault: Option<io::ErrorKind>,
    /// Keys in damaged leaves: whoever needs such a leaf fails.
    pub(super) damaged: BTreeSet<Vec<u8>>,
    /// How often it was opened.
    pub(super) opened: u32,
    /// What was written to the present database since its last flush, in order.
    unflushed: Vec<(Vec<u8>, Option<Bytes>)>,
    /// A fresh database that was taking the present one's place when the power went.
    replacing: Option<Map>,
    power: Power,
}

/// The disk under a snapshot store, which tests and simulators hold on to. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct FaultySnapshots(pub(super) Arc<Mutex<Disk>>);

impl FaultySnapshots {
    /// What a power loss at this moment leaves, or the death of the process, which comes to the same: what was not
    /// flushed is gone. Handles of before do not reach it. Faults and bounds are left behind.
    pub fn crashed(&self) -> Self {
        let disk = self.0.lock();
        let durable = disk.durable.clone();
        Self(Arc::new(Mutex::new(Disk { durable, damaged: disk.damaged.clone(), ..Disk::default() })))
    }

    /// Gives the disk room for values of `bytes` in all, from now on; `None`: for everything. With `told` the store can
    /// ask how much is left; without it learns of a full disk only when a flush fails.
    pub fn set_capacity(&self, bytes: Option<u64>, told: bool) {
        let mut disk = self.0.lock();
        (disk.capacity, disk.tells_room) = (bytes, told);
    }

    /// Lets the `nth` write from now fail (0: the next one).
    pub fn fail_write(&self, nth: u32, kind: io::ErrorKind) {
        self.0.lock().write_fault = Some((nth, kind));
    }

    /// Lets the `nth` flush from now fail (0: the next one).
    pub fn fail_flush(&self, nth: u32, fault: FlushFault) {
        self.0.lock().flush_fault = Some((nth, fault));
    }

    /// Damages what is stored as the `nth` value (counted round): whoever needs it fails. `false`: nothing is stored.
    pub fn damage(&self, nth: u64) -> bool {
        let mut disk = self.0.lock();
        let count = disk.durable.len().max(1);
        let key = disk.durable.keys().nth((nth % count as u64) as usize).cloned();
        key.is_some_and(|key| disk.damaged.insert(key))
    }

    /// Bytes of all values flushed.
    pub fn used(&self) -> u64 {
        bytes(&self.0.lock().durable)
    }
}

/// For those who hold more than one kind of disk.
#[cfg(test)]
impl FaultySnapshots {
    /// The same disk on another supply, which may be that of others too.
    pub(crate) fn on(self, power: Power) -> Self {
        self.0.lock().power = power;
        self
    }

    /// Opens the store on it.
    pub(crate) fn open_store(&self) -> Result<SnapshotStore> {
        SnapshotStore::open_at(Box::new(self.clone()))
    }

    /// What a power loss at this moment may leave: any first part of what was not flushed, and of two databases
    /// one of which was taking the other's place, either. (That is more than the real one may leave, of which a flush is
    /// there whole or not at all.)
    pub(crate) fn crash(&self, chance: &mut Chance) -> Self {
        let disk = self.0.lock();
        let mut durable = disk.durable.clone();
        let kept = chance.below(disk.unflushed.len() as u64 + 1) as usize;
        for (key, value) in &disk.unflushed[..kept] {
            match value {
                Some(value) => drop(durable.insert(key.clone(), value.clone())),
                None => drop(durable.remove(key)),
            }
        }
        let replaced = disk.replacing.clone().filter(|_| chance.below(2) == 0);
        let durable = replaced.unwrap_or(durable);
        Self(Arc::new(Mutex::new(Disk { durable, damaged: disk.damaged.clone(), ..Disk::default() })))
    }
}

#[cfg(test)]
impl SnapshotStore {
    /// Rewrites the database, as a sweep does when that gives much space back.
    pub(crate) fn rewrite(&self) -> Result<()> {
        self.0.table.rewrite()
    }
}

impl Place for FaultySnapshots {
    fn open(&mut self, _abandoned: bool) -> Result<Box<dyn Backend>> {
        let mut disk = self.0.lock();
        disk.opened += 1;
        disk.unflushed.clear();
        let map = disk.durable.clone();
        Ok(Box::new(Open::new(self.0.clone(), map, false)))
    }

    fn open_fresh(&mut self, again: bool) -> Result<Box<dyn Backend>> {
        let mut disk = self.0.lock();
        if !again {
            disk.fresh.clear();
        }
        let map = disk.fresh.clone();
        Ok(Box::new(Open::new(self.0.clone(), map, true)))
    }

    fn discard_fresh(&mut self) {
        self.0.lock().fresh.clear();
    }

    fn replace(&mut self) -> Result<()> {
        let mut disk = self.0.lock();
        if let Some(kind) = disk.replace_fault.take() {
            return Err(SnapshotError::failed("replacing".to_owned(), io::Error::new(kind, "injected")));
        }
        if !disk.power.operate() {
            disk.replacing = Some(std::mem::take(&mut disk.fresh));
            return Err(SnapshotError::failed("replacing".to_owned(), io::Error::other("no power")));
        }
        disk.durable = std::mem::take(&mut disk.fresh);
        disk.unflushed.clear();
        disk.damaged.clear();
        Ok(())
    }

    fn room(&self) -> Probe {
        let disk = self.0.clone();
        Arc::new(move || {
            let disk = disk.lock();
            let capacity = disk.capacity.filter(|_| disk.tells_room)?;
            Some(Space { free: capacity.saturating_sub(bytes(&disk.durable)), files: bytes(&disk.durable) })
        })
    }

    fn try_room(&self, bytes: u64) -> io::Result<()> {
        let disk = self.0.lock();
        let taken = self::bytes(&disk.durable).saturating_add(bytes);
        match disk.capacity {
            Some(capacity) if taken > capacity => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    fn keep_reserve(&self) -> io::Result<()> {
        Ok(())
    }

    fn disk_bytes(&self) -> io::Result<u64> {
        Ok(bytes(&self.0.lock().durable))
    }

    fn name(&self) -> String {
        "memory".to_owned()
    }
}

fn bytes(map: &Map) -> u64 {
    map.values().map(|value| value.len() as u64).sum()
}
