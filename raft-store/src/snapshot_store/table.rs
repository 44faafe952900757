//! The database as the store sees it: shared by threads, a little at a time.

#[cfg(test)]
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::backend::{Pairs, Place};
use super::error::SnapshotError;
use super::keeper::{Inner, PAIRS_AT_ONCE};
use super::lease::Debris;
use super::room::Room;
use super::{Result, SnapshotId, key};

/// Chunks removed under one lock.
const CHUNKS_AT_ONCE: u32 = 16;
/// Writes until the database has cut off a free end of its files.
const SETTLING_FLUSHES: u8 = 3;

/// The shared database.
pub(super) struct Table {
    inner: Mutex<Inner>,
    /// Locked while the database is copied, before `inner`.
    pub(super) copying: Mutex<()>,
    /// Apart, so that asking never waits.
    room: Arc<Room>,
}

impl Table {
    /// Opens the database at `place`.
    pub(super) fn open(place: Box<dyn Place>) -> Result<Self> {
        let room = Arc::new(Room::new(place.room()));
        let mut inner = Inner::new(place, room.clone());
        inner.open_if_need_be()?;
        Ok(Self { inner: Mutex::new(inner), copying: Mutex::default(), room })
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
        self.inner.lock().value(key)
    }

    /// Sets `key` to a part of snapshot `id`, unless a part of it may be lost since `losses` was asked for.
    /// Flushes when much waits for it.
    pub(super) fn append(&self, id: SnapshotId, losses: u64, key: &[u8], value: &[u8]) -> Result<()> {
        self.write(|inner| {
            if inner.losses != losses {
                return Err(SnapshotError::Lost(id));
            }
            inner.insert(key, value)?;
            if inner.wants_flush() { inner.flush_if_room() } else { Ok(()) }
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

    /// Removes snapshots durably, some chunks at a time so that others get their turn. Needs no room
    /// worth mention. Gives those back that damage keeps from being removed.
    pub(super) fn remove_snapshots(&self, garbage: &[Debris]) -> Result<Vec<Debris>> {
        // What waits to be flushed may have no room, and be just what is removed.
        if self.write(|inner| Ok(inner.unflushed == 0 || inner.ensure_room(0).is_ok()))? {
            self.settle(1)?;
        }
        let mut stuck = Vec::new();
        for debris in garbage {
            match self.remove_snapshot(debris) {
                Err(error) if error.is_damage() => {
                    tracing::error!(snapshot = %debris.id, %error, "a damaged snapshot could not be removed");
                    stuck.push(*debris);
                }
                result => result?,
            }
        }
        self.settle(SETTLING_FLUSHES)?;
        Ok(stuck)
    }

    fn remove_snapshot(&self, debris: &Debris) -> Result<()> {
        let id = debris.id;
        let mut left = debris.chunks.map_or_else(|| self.count_chunks(id), Ok)?;
        while left > 0 {
            // From the last one on: what a crash leaves is still without holes.
            let some = left.saturating_sub(CHUNKS_AT_ONCE)..left;
            self.write(|inner| some.clone().rev().try_for_each(|at| inner.remove(&key::chunk(id, at))))?;
            left = some.start;
        }
        self.write(|inner| inner.remove(&key::begun(id)))
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

    /// What flushes that fail with `kind` do to the database, without failing the disk: so many.
    #[cfg(test)]
    pub(super) fn fail_flushes(&self, count: u32, kind: io::ErrorKind) {
        self.inner.lock().injected = count.checked_sub(1).map(|more| (more, kind));
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
