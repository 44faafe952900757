//! Keeps the database open: bounded in memory, and outliving a full disk.
//!
//! - Writes that are not flushed yet are bounded, and so is what the database keeps in memory: past a bound
//!   it is flushed, or closed and opened again.
//! - Before a flush the free space is looked at. Without enough of it nothing is written, which leaves the
//!   database whole. If a write meets a full disk all the same, the database is given up and opened again
//!   with the next call: what was flushed is there, what was not is lost, and counted in `losses`.
//! - After that no flush is made without trying for its room first, and the bounds of what is kept in memory
//!   shrink, since a database that is given up keeps what it has. After `SNAPSHOT_ABANDONED_MAX` of them the
//!   store rests: it is read, and every write is refused as on a full disk, until a restart.
//! - Damage is answered in the same way, but costs nobody else anything: what waited to be flushed is written
//!   again (`rot`). The error is that of whoever met it.
//! - Any other failed write ends it for good: what the disk holds is not known then.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use super::Result;
use super::backend::{Backend, Pairs, Place, is_damage, is_full};
use super::error::SnapshotError;
use super::room::Room;
use super::rot::Rot;
use crate::limits::{SNAPSHOT_RESIDENT_BYTES_MAX, SNAPSHOT_UNFLUSHED_BYTES_MAX};

/// Pairs read at once: what a leaf of the database holds, since values can be large.
pub(super) const PAIRS_AT_ONCE: usize = 4;

/// How often the bounds of memory are halved, once each time a database was given up.
const HALVINGS_MAX: u32 = 3;

/// The database, its bounds and its failures.
pub(super) struct Inner {
    pub(super) room: Arc<Room>,
    pub(super) place: Box<dyn Place>,
    /// `None` between a failure and the next call.
    pub(super) backend: Option<Box<dyn Backend>>,
    /// Whether one that was given up may still hold its locks.
    pub(super) abandoned: bool,
    /// How many were given up with writes in them: each keeps its memory.
    pub(super) abandoned_count: u32,
    /// Whether the reserve is known to be there.
    pub(super) reserved: bool,
    /// Whether anything was written since the last flush.
    pub(super) dirty: bool,
    /// Bytes written since the last flush.
    pub(super) unflushed: usize,
    /// Bytes written since it was opened: what the database keeps in memory.
    pub(super) resident: usize,
    /// How often writes that were not flushed were lost.
    pub(super) losses: u64,
    /// What is known of damage, and kept against it.
    pub(super) rot: Rot,
    /// Keys written since a copy of it was begun, while one is being made.
    pub(super) changed: Option<BTreeSet<Vec<u8>>>,
    /// Why it serves nothing any more.
    pub(super) closed: Option<String>,
    /// Why it takes no more writes until a restart.
    pub(super) resting: Option<String>,
    #[cfg(test)]
    pub(super) injected: Option<(u32, io::ErrorKind)>,
}

/// How the calls of [`Inner::run`] are judged when they fail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
    /// A write of everything that waits: after it that may be durable or not.
    Flush,
}

impl Inner {
    pub(super) fn new(place: Box<dyn Place>, room: Arc<Room>) -> Self {
        Self {
            room,
            place,
            backend: None,
            abandoned: false,
            abandoned_count: 0,
            reserved: false,
            dirty: false,
            unflushed: 0,
            resident: 0,
            losses: 0,
            rot: Rot::default(),
            changed: None,
            closed: None,
            resting: None,
            #[cfg(test)]
            injected: None,
        }
    }

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
    pub(super) fn give_up(&mut self, kind: Kind, doing: &str, error: io::Error) -> SnapshotError {
        let damage = is_damage(&error);
        if let Some(backend) = self.backend.take() {
            backend.abandon(self.dirty);
            self.abandoned |= self.dirty;
            self.count_abandoned(u32::from(self.dirty && !damage));
        }
        let was_dirty = std::mem::take(&mut self.dirty);
        (self.unflushed, self.resident) = (0, 0);
        let waiting = self.rot.take_waiting();
        if damage && kind != Kind::Flush {
            self.write_again(waiting);
        } else {
            self.losses += u64::from(was_dirty);
        }
        self.rot.found |= damage;
        let during = format!("{doing} in {}", self.place.name());
        let passes = is_full(&error) || damage || kind == Kind::Read;
        if !passes {
            self.closed = Some(format!("{during}: {error}"));
        }
        if is_full(&error) {
            self.room.met(&format!("{during}: {error}"));
        }
        SnapshotError::failed(during, error)
    }

    fn resident_max(&self) -> usize {
        SNAPSHOT_RESIDENT_BYTES_MAX >> self.abandoned_count.min(HALVINGS_MAX)
    }

    /// Whether so much was written that it is time for a flush.
    pub(super) fn wants_flush(&self) -> bool {
        self.unflushed >= SNAPSHOT_UNFLUSHED_BYTES_MAX >> self.abandoned_count.min(HALVINGS_MAX)
    }

    pub(super) fn insert(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.ensure_awake()?;
        self.open_if_need_be()?;
        self.dirty = true;
        self.note_change(key);
        self.run(Kind::Write, "writing", |backend| backend.insert(key, value))?;
        self.rot.wait(key, Some(value));
        self.unflushed += value.len();
        self.resident += value.len();
        Ok(())
    }

    pub(super) fn remove(&mut self, key: &[u8]) -> Result<()> {
        self.ensure_awake()?;
        self.open_if_need_be()?;
        self.dirty = true;
        self.note_change(key);
        self.run(Kind::Write, "removing", |backend| backend.remove(key))?;
        self.rot.wait(key, None);
        Ok(())
    }

    /// From now on the keys that are written are noted.
    pub(super) fn note_changes(&mut self) {
        self.changed = Some(BTreeSet::new());
    }

    fn note_change(&mut self, key: &[u8]) {
        if let Some(changed) = &mut self.changed {
            changed.insert(key.to_vec());
        }
    }

    /// The keys written since, if they are more than `few`; none of them is noted any more then.
    pub(super) fn take_changed(&mut self, few: usize) -> BTreeSet<Vec<u8>> {
        self.changed.as_mut().filter(|changed| changed.len() > few).map(std::mem::take).unwrap_or_default()
    }

    /// Makes the fresh database the present one. If it is not certain which of them the next start finds,
    /// neither may be written to.
    pub(super) fn replace(&mut self) -> Result<()> {
        let replaced = self.place.replace();
        replaced.inspect_err(|error| {
            if !error.may_pass() {
                self.closed = Some(error.to_string());
            }
        })?;
        self.abandoned = false;
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        #[cfg(test)]
        if let Some((more, kind)) = self.injected.take() {
            self.injected = more.checked_sub(1).map(|more| (more, kind));
            self.run(Kind::Flush, "flushing", |_| Err::<(), _>(kind.into()))?;
        }
        self.run(Kind::Flush, "flushing", |backend| backend.flush())?;
        (self.dirty, self.unflushed) = (false, 0);
        self.rot.take_waiting();
        self.keep_reserve();
        if self.resident < self.resident_max() { Ok(()) } else { self.refresh() }
    }

    pub(super) fn flush_if_room(&mut self) -> Result<()> {
        self.ensure_room(0)?;
        self.flush()?;
        self.room.wrote();
        Ok(())
    }

    /// Some pairs from the key `from` on.
    pub(super) fn pairs(&mut self, from: &[u8]) -> Result<Pairs> {
        if self.dirty {
            self.flush()?;
        }
        self.run(Kind::Read, "reading", |backend| backend.pairs(from, PAIRS_AT_ONCE))
    }

    /// Closes the flushed database and opens it again, so that its memory is free.
    pub(super) fn refresh(&mut self) -> Result<()> {
        self.close()?;
        self.open_if_need_be()
    }

    pub(super) fn close(&mut self) -> Result<()> {
        let Some(backend) = self.backend.take() else { return Ok(()) };
        self.resident = 0;
        backend.close().map_err(|error| {
            self.dirty = true;
            self.abandoned = true;
            self.count_abandoned(1);
            self.give_up(Kind::Flush, "closing", error)
        })
    }
}
