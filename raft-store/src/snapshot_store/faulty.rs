//! A database in memory that fails where it is told to, as the real one does: after a failure it answers
//! nothing any more, and what was not flushed is gone when it is opened again. For tests and simulation.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::Result;
use super::backend::{Backend, Pairs, Place};
use super::error::SnapshotError;
use super::room::{Probe, Space};

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
pub(super) struct Disk {
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

impl Place for FaultySnapshots {
    fn open(&mut self, _abandoned: bool) -> Result<Box<dyn Backend>> {
        let mut disk = self.0.lock();
        disk.opened += 1;
        let map = disk.durable.clone();
        Ok(Box::new(Open {
            disk: self.0.clone(),
            map,
            fresh: false,
            dirty: false,
            failed: Mutex::new(false),
        }))
    }

    fn open_fresh(&mut self, again: bool) -> Result<Box<dyn Backend>> {
        let mut disk = self.0.lock();
        if !again {
            disk.fresh.clear();
        }
        let map = disk.fresh.clone();
        Ok(Box::new(Open { disk: self.0.clone(), map, fresh: true, dirty: false, failed: Mutex::new(false) }))
    }

    fn discard_fresh(&mut self) {
        self.0.lock().fresh.clear();
    }

    fn replace(&mut self) -> Result<()> {
        let mut disk = self.0.lock();
        if let Some(kind) = disk.replace_fault.take() {
            return Err(SnapshotError::failed("replacing".to_owned(), io::Error::new(kind, "injected")));
        }
        disk.durable = std::mem::take(&mut disk.fresh);
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

struct Open {
    disk: Arc<Mutex<Disk>>,
    map: Map,
    fresh: bool,
    dirty: bool,
    failed: Mutex<bool>,
}

impl Open {
    fn fail<T>(&self, kind: io::ErrorKind) -> io::Result<T> {
        *self.failed.lock() = true;
        Err(io::Error::new(kind, "injected"))
    }

    fn check(&self) {
        assert!(!*self.failed.lock(), "used after it failed");
    }

    /// A key that is not there is looked for, and goes, in the leaf of the one before it.
    fn check_leaf(&self, key: &[u8]) -> io::Result<()> {
        let leaf = self.map.range(..=key.to_vec()).next_back().map(|(key, _)| key.clone());
        let damaged = leaf.is_some_and(|leaf| self.disk.lock().damaged.contains(&leaf));
        if damaged && !self.fresh { self.fail(io::ErrorKind::InvalidData) } else { Ok(()) }
    }

    fn count_write(&self, key: &[u8]) -> io::Result<()> {
        self.check();
        self.check_leaf(key)?;
        let fault = countdown(&mut self.disk.lock().write_fault);
        fault.map_or(Ok(()), |kind| self.fail(kind))
    }
}

/// Counts down to a fault, and gives it when it is due.
fn countdown<T: Copy>(fault: &mut Option<(u32, T)>) -> Option<T> {
    let (left, what) = fault.take()?;
    if left == 0 {
        return Some(what);
    }
    *fault = Some((left - 1, what));
    None
}

impl Backend for Open {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        self.check();
        self.check_leaf(key)?;
        Ok(self.map.get(key).cloned())
    }

    fn pairs(&self, from: &[u8], count: usize) -> io::Result<Pairs> {
        self.check();
        assert!(!self.dirty, "iterated over with writes that are not flushed");
        let keys = self.map.range(from.to_vec()..).take(count);
        keys.map(|(key, _)| Ok((Bytes::copy_from_slice(key), self.get(key)?.unwrap_or_default()))).collect()
    }

    fn insert(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.count_write(key)?;
        self.dirty = true;
        self.map.insert(key.to_vec(), Bytes::copy_from_slice(value));
        Ok(())
    }

    fn remove(&mut self, key: &[u8]) -> io::Result<bool> {
        self.count_write(key)?;
        self.dirty = true;
        Ok(self.map.remove(key).is_some())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.check();
        let mut disk = self.disk.lock();
        let fault = countdown(&mut disk.flush_fault);
        let full = disk.capacity.is_some_and(|capacity| bytes(&self.map) > capacity);
        let fault = fault.or(full.then_some(FlushFault::Before(io::ErrorKind::StorageFull)));
        if !matches!(fault, Some(FlushFault::Before(_))) {
            let map = self.map.clone();
            if self.fresh { disk.fresh = map } else { disk.durable = map }
        }
        drop(disk);
        self.dirty = false;
        match fault {
            Some(FlushFault::Before(kind) | FlushFault::After(kind)) => self.fail(kind),
            None => Ok(()),
        }
    }

    fn close(mut self: Box<Self>) -> io::Result<()> {
        self.flush()
    }

    fn abandon(self: Box<Self>, _dirty: bool) {}
}
