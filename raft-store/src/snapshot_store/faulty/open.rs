//! An open database of the faulty disk: what it answers, and how it fails.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::{Disk, FlushFault, Map, bytes};
use crate::snapshot_store::backend::{Backend, Pairs};

/// The present database, or the fresh one that is to take its place.
pub(super) struct Open {
    disk: Arc<Mutex<Disk>>,
    map: Map,
    fresh: bool,
    dirty: bool,
    failed: Mutex<bool>,
}

impl Open {
    /// Opened with this in it.
    pub(super) fn new(disk: Arc<Mutex<Disk>>, map: Map, fresh: bool) -> Self {
        Self { disk, map, fresh, dirty: false, failed: Mutex::new(false) }
    }

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
        let mut disk = self.disk.lock();
        let fault =
            countdown(&mut disk.write_fault).or((!disk.power.operate()).then_some(io::ErrorKind::Other));
        drop(disk);
        fault.map_or(Ok(()), |kind| self.fail(kind))
    }

    /// Notes a write that the next flush makes durable.
    fn wrote(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.dirty = true;
        if !self.fresh {
            self.disk.lock().unflushed.push((key.to_vec(), value.map(Bytes::copy_from_slice)));
        }
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
        self.wrote(key, Some(value));
        self.map.insert(key.to_vec(), Bytes::copy_from_slice(value));
        Ok(())
    }

    fn remove(&mut self, key: &[u8]) -> io::Result<bool> {
        self.count_write(key)?;
        self.wrote(key, None);
        Ok(self.map.remove(key).is_some())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.check();
        let mut disk = self.disk.lock();
        let fault = countdown(&mut disk.flush_fault);
        let full = disk.capacity.is_some_and(|capacity| bytes(&self.map) > capacity);
        let fault = fault.or(full.then_some(FlushFault::Before(io::ErrorKind::StorageFull)));
        let dark = !disk.power.operate();
        let fault = fault.or(dark.then_some(FlushFault::Before(io::ErrorKind::Other)));
        if !matches!(fault, Some(FlushFault::Before(_))) {
            let map = self.map.clone();
            if self.fresh {
                disk.fresh = map;
            } else {
                disk.durable = map;
                disk.unflushed.clear();
            }
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
