//! The database as the store sees it: shared by threads, bounded in memory, and outliving a full disk.
//!
//! - Writes that are not flushed yet are bounded, and so is what the database keeps in memory: past a bound
//!   it is flushed, or closed and opened again.
//! - Before a flush the free space is looked at. Without enough of it nothing is written, which leaves the
//!   database whole. If a write meets a full disk all the same, the database is given up and opened again
//!   with the next call: what was flushed is there, what was not is lost, and counted in `losses`.
//! - Damage found while reading is answered in the same way; the error is the reader's.
//! - Any other failed write ends it for good: what the disk holds is not known then.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::backend::{Backend, Pairs, Place, is_damage, is_full};
use super::error::SnapshotError;
use super::room::Room;
use super::{Result, SnapshotId, key};
use crate::limits::{SNAPSHOT_ABANDONED_MAX, SNAPSHOT_RESIDENT_BYTES_MAX, SNAPSHOT_UNFLUSHED_BYTES_MAX};

/// Chunks removed under one lock.
const CHUNKS_AT_ONCE: u32 = 16;
/// Pairs read at once: what a leaf of the database holds, since values can be large.
const PAIRS_AT_ONCE: usize = 4;

/// Writes until the database has cut off a free end of its files.
const SETTLING_FLUSHES: u8 = 3;

/// The database, its bounds and its failures.
pub(super) struct Table {
    inner: Mutex<Inner>,
    /// Apart, so that asking never waits.
    room: Arc<Room>,
}

pub(super) struct Inner {
    room: Arc<Room>,
    pub(super) place: Box<dyn Place>,
    /// `None` between a failure and the next call.
    pub(super) backend: Option<Box<dyn Backend>>,
    /// Whether one that was given up may still hold its locks.
    pub(super) abandoned: bool,
    /// How many were given up with writes in them: each keeps its memory.
    abandoned_count: u32,
    /// Whether the reserve is known to be there.
    reserved: bool,
    /// Whether anything was written since the last flush.
    pub(super) dirty: bool,
    /// Bytes written since the last flush.
    pub(super) unflushed: usize,
    /// Bytes written since it was opened: what the database keeps in memory.
    pub(super) resident: usize,
    /// How often writes that were not flushed were lost.
    pub(super) losses: u64,
    /// Why it serves nothing any more.
    closed: Option<String>,
    #[cfg(test)]
    injected: Option<io::ErrorKind>,
}

/// How the calls of [`Inner::run`] are judged when they fail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

impl Inner {
    pub(super) fn run<T>(
        &mut self,
        kind: Kind,
        doing: &str,
        work: impl FnOnce(&mut dyn Backend) -> io::Result<T>,
    ) -> Result<T> {
        self.open_if_need_be()?;
        let backend = self.backend.as_deref_mut().ok_or_else(|| SnapshotError::Closed(doing.to_owned()))?;
        work(backend).map_err(|error| self.give_up(kind, doing, error))
    }

    pub(super) fn open_if_need_be(&mut self) -> Result<()> {
        if let Some(why) = &self.closed {
            return Err(SnapshotError::Closed(why.clone()));
        }
        if self.backend.is_none() {
            let opened = self.place.open(self.abandoned);
            let opened = opened.inspect_err(|error| match error {
                SnapshotError::Full(why) => self.room.met(why),
                error => self.closed = Some(error.to_string()),
            });
            self.backend = Some(opened?);
            (self.abandoned, self.reserved) = (false, false);
        }
        Ok(())
    }

    /// Lets the database go after `error`; the next call opens it again, unless that cannot be trusted.
    fn give_up(&mut self, kind: Kind, doing: &str, error: io::Error) -> SnapshotError {
        if let Some(backend) = self.backend.take() {
            backend.abandon(self.dirty);
            self.abandoned |= self.dirty;
            self.abandoned_count += u32::from(self.dirty);
        }
        self.losses += u64::from(self.dirty);
        (self.dirty, self.unflushed, self.resident) = (false, 0, 0);
        let during = format!("{doing} in {}", self.place.name());
        let passes = is_full(&error) || is_damage(&error) || kind == Kind::Read;
        if !passes || self.abandoned_count > SNAPSHOT_ABANDONED_MAX {
            self.closed = Some(format!("{during}: {error}"));
        }
        if is_full(&error) {
            self.room.met(&format!("{during}: {error}"));
        }
        SnapshotError::failed(during, error)
    }

    fn insert(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.open_if_need_be()?;
        self.dirty = true;
        self.run(Kind::Write, "writing", |backend| backend.insert(key, value))?;
        self.unflushed += value.len();
        self.resident += value.len();
        Ok(())
    }

    fn remove(&mut self, key: &[u8]) -> Result<()> {
        self.open_if_need_be()?;
        self.dirty = true;
        self.run(Kind::Write, "removing", |backend| backend.remove(key)).map(drop)
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        #[cfg(test)]
        if let Some(kind) = self.injected.take() {
            self.run(Kind::Write, "flushing", |_| Err::<(), _>(kind.into()))?;
        }
        self.run(Kind::Write, "flushing", |backend| backend.flush())?;
        (self.dirty, self.unflushed) = (false, 0);
        self.keep_reserve();
        if self.resident < SNAPSHOT_RESIDENT_BYTES_MAX { Ok(()) } else { self.refresh() }
    }

    /// Makes the reserve anew after one was used, as soon as there is room.
    fn keep_reserve(&mut self) {
        if !self.reserved && self.room.ensure(0).is_ok() {
            self.reserved = self.place.keep_reserve().is_ok();
        }
    }

    fn flush_if_room(&mut self) -> Result<()> {
        self.ensure_room(0)?;
        self.flush()?;
        self.room.wrote();
        Ok(())
    }

    /// Whether what waits to be flushed, and `more`, has room.
    fn ensure_room(&self, more: usize) -> Result<()> {
        let doing = || format!("writing in {}", self.place.name());
        self.room.ensure((self.unflushed + more) as u64).map_err(|error| error.within(doing()))
    }

    /// Some pairs from the key `from` on.
    pub(super) fn pairs(&mut self, from: &[u8]) -> Result<Pairs> {
        if self.dirty {
            self.flush()?;
        }
        self.run(Kind::Read, "reading", |backend| backend.pairs(from, PAIRS_AT_ONCE))
    }

    /// Closes the flushed database and opens it again, so that its memory is free.
    fn refresh(&mut self) -> Result<()> {
        self.close()?;
        self.open_if_need_be()
    }

    fn close(&mut self) -> Result<()> {
        let Some(backend) = self.backend.take() else { return Ok(()) };
        self.resident = 0;
        backend.close().map_err(|error| {
            self.dirty = true;
            self.abandoned = true;
            self.abandoned_count += 1;
            self.give_up(Kind::Write, "closing", error)
        })
    }
}

impl Table {
    /// Opens the database at `place`.
    pub(super) fn open(place: Box<dyn Place>) -> Result<Self> {
        let room = Arc::new(Room::new(place.room()));
        let mut inner = Inner {
            room: room.clone(),
            place,
            backend: None,
            abandoned: false,
            abandoned_count: 0,
            reserved: false,
            dirty: false,
            unflushed: 0,
            resident: 0,
            losses: 0,
            closed: None,
            #[cfg(test)]
            injected: None,
        };
        inner.open_if_need_be()?;
        Ok(Self { inner: Mutex::new(inner), room })
    }

    /// The room on its disk.
    pub(super) fn room(&self) -> &Room {
        &self.room
    }

    pub(super) fn write<T>(&self, work: impl FnOnce(&mut Inner) -> Result<T>) -> Result<T> {
        work(&mut self.inner.lock())
    }

    /// How often writes that were not flushed were lost.
    pub(super) fn losses(&self) -> u64 {
        self.inner.lock().losses
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.inner.lock().run(Kind::Read, "reading", |backend| backend.get(key))
    }

    /// Sets `key` to a part of snapshot `id`, unless a part of it may be lost since `losses` was asked for.
    /// Flushes when much waits for it.
    pub(super) fn append(&self, id: SnapshotId, losses: u64, key: &[u8], value: &[u8]) -> Result<()> {
        self.write(|inner| {
            if inner.losses != losses {
                return Err(SnapshotError::Lost(id));
            }
            inner.insert(key, value)?;
            if inner.unflushed < SNAPSHOT_UNFLUSHED_BYTES_MAX { Ok(()) } else { inner.flush_if_room() }
        })
    }

    /// Makes all of snapshot `id` durable, unless a part of it may be lost since `losses` was asked for.
    pub(super) fn finish(&self, id: SnapshotId, losses: u64) -> Result<()> {
        self.write(|inner| {
            if inner.losses != losses {
                return Err(SnapshotError::Lost(id));
            }
            inner.flush_if_room()
        })
    }

    /// Sets one key, or removes it, durably. `sure` hears whether a failure may have come after the fact.
    pub(super) fn change(&self, key: &[u8], value: Option<&[u8]>) -> std::result::Result<(), Unsure> {
        let mut unsure = false;
        self.write(|inner| {
            match value {
                // Asked before anything is written: what was refused must not become durable later.
                Some(value) => {
                    inner.ensure_room(value.len())?;
                    inner.insert(key, value)?;
                }
                None => inner.remove(key)?,
            }
            unsure = true;
            inner.flush()?;
            inner.room.wrote();
            Ok(())
        })
        .map_err(|error| Unsure { error, unsure })
    }

    /// Removes the snapshots `ids` durably, some chunks at a time so that others get their turn. Needs no room
    /// worth mention.
    pub(super) fn remove_snapshots(&self, ids: &[SnapshotId]) -> Result<()> {
        self.settle(1)?;
        for &id in ids {
            let mut left = self.count_chunks(id)?;
            while left > 0 {
                // From the last one on: what a crash leaves is still without holes.
                let some = left.saturating_sub(CHUNKS_AT_ONCE)..left;
                self.write(|inner| some.clone().rev().try_for_each(|at| inner.remove(&key::chunk(id, at))))?;
                left = some.start;
            }
            self.write(|inner| inner.remove(&key::begun(id)))?;
        }
        self.settle(SETTLING_FLUSHES)
    }

    /// How many chunks of snapshot `id` there are: they have no holes, so the first one missing is looked for
    /// in growing steps, then by halves.
    fn count_chunks(&self, id: SnapshotId) -> Result<u32> {
        let is_there = |at: u32| Ok::<_, SnapshotError>(self.get(&key::chunk(id, at))?.is_some());
        if !is_there(0)? {
            return Ok(0);
        }
        let (mut there, mut beyond) = (0, 1);
        while is_there(beyond)? {
            (there, beyond) = (beyond, beyond.saturating_mul(2));
        }
        while beyond - there > 1 {
            let middle = there + (beyond - there) / 2;
            if is_there(middle)? { there = middle } else { beyond = middle }
        }
        Ok(beyond)
    }

    /// Flushes so many times, each time with something to write: the database takes note of the length of its
    /// files when it writes, and cuts off a free end two writes after it became free.
    fn settle(&self, flushes: u8) -> Result<()> {
        (0..flushes).try_for_each(|round| {
            self.write(|inner| {
                inner.insert(key::SETTLING, &[])?;
                inner.insert(key::SETTLING, &[round])?;
                inner.flush()
            })
        })
    }

    /// Every key that begins with `prefix`, in order, with its value.
    pub(super) fn scan(&self, prefix: &[u8]) -> Result<Pairs> {
        let mut inner = self.inner.lock();
        let mut found = Pairs::new();
        let mut from = prefix.to_vec();
        loop {
            let some = inner.pairs(&from)?;
            let before = found.len();
            found.extend(some.into_iter().take_while(|(key, _)| key.starts_with(prefix)));
            match found.last() {
                Some((last, _)) if found.len() == before + PAIRS_AT_ONCE => from = behind(last),
                _ => return Ok(found),
            }
        }
    }

    /// Bytes of the database's files.
    pub(super) fn disk_bytes(&self) -> Result<u64> {
        let inner = self.inner.lock();
        let during = || format!("measuring {}", inner.place.name());
        inner.place.disk_bytes().map_err(|error| SnapshotError::failed(during(), error))
    }

    #[cfg(test)]
    pub(super) fn resident_bytes(&self) -> usize {
        self.inner.lock().resident
    }

    #[cfg(test)]
    pub(super) fn insert(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.write(|inner| inner.insert(key, value))
    }

    /// What a flush that fails with `kind` does to the database, without failing the disk.
    #[cfg(test)]
    pub(super) fn fail_next_flush(&self, kind: io::ErrorKind) {
        self.inner.lock().injected = Some(kind);
    }

    #[cfg(test)]
    pub(super) fn flush(&self) -> Result<()> {
        self.write(Inner::flush)
    }
}

/// The smallest key behind `key`.
pub(super) fn behind(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// A change that failed.
pub(super) struct Unsure {
    pub(super) error: SnapshotError,
    /// Whether it may be durable all the same.
    pub(super) unsure: bool,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({})", self.inner.lock().place.name())
    }
}
