//! Whether there is room to write, and why not.
//!
//! A lack of room is either foreseen, by asking the system for the free space, or met: a write failed although
//! that looked good (a quota, another writer). A foreseen one ends with the space; a met one with a write that
//! worked, or when space came free. Meanwhile attempts are let through less and less often. A lasting one ends
//! with the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::Result;
use super::error::SnapshotError;
use crate::limits::SNAPSHOT_ROOM_KEPT_BYTES;

/// What the system says of the space, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Space {
    /// Free on the disk.
    pub(super) free: u64,
    /// Taken by the database's files.
    pub(super) files: u64,
}

/// Asks the system for the space; `None` if it does not say.
pub(super) type Probe = Arc<dyn Fn() -> Option<Space> + Send + Sync>;

/// Attempts of which one is let through once many were made.
const ATTEMPTS_APART_MAX: u32 = 64;

#[derive(Debug, Clone)]
enum Lack {
    Foreseen { needed: u64, why: String },
    Met { room: Option<u64>, attempts: u32, why: String },
    Lasting { why: String },
}

/// The room on the store's disk.
pub(super) struct Room {
    probe: Probe,
    /// Stored bytes of all chunks not removed yet.
    live: AtomicU64,
    lack: Mutex<Option<Lack>>,
    /// Attempts in a row that seemed too large.
    too_large: AtomicU32,
}

/// What `bytes` may take in the database's files: it stores values in slots of fixed sizes, which takes up to
/// half as much again.
fn in_slots(bytes: u64) -> u64 {
    (bytes / 2).saturating_mul(3)
}

/// What has to be free before `bytes` are written.
pub(super) fn with_reserve(bytes: u64) -> u64 {
    in_slots(bytes).saturating_add(SNAPSHOT_ROOM_KEPT_BYTES)
}

impl Room {
    pub(super) fn new(probe: Probe) -> Self {
        Self { probe, live: AtomicU64::new(0), lack: Mutex::new(None), too_large: AtomicU32::new(0) }
    }

    /// Stored bytes of all chunks not removed yet.
    pub(super) fn live(&self) -> u64 {
        self.live.load(Ordering::Relaxed)
    }

    /// Chunks of so many bytes are written.
    pub(super) fn grow(&self, bytes: u64) {
        self.live.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Chunks of so many bytes were removed.
    pub(super) fn shrink(&self, bytes: u64) {
        self.live.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// What can be written: the free space, and half of the gaps in the files, since not every value fits
    /// into every gap.
    fn writable(&self) -> Option<u64> {
        let space = (self.probe)()?;
        Some(space.free.saturating_add(space.files.saturating_sub(in_slots(self.live())) / 2))
    }

    /// Fails unless `bytes` have room with something to spare. For what need not be: nobody else hears of it.
    pub(super) fn fits(&self, bytes: u64) -> Result<()> {
        let needed = with_reserve(bytes);
        match self.writable() {
            Some(room) if room < needed => {
                Err(SnapshotError::Full(format!("{room} bytes are left where {needed} are needed")))
            }
            _ => Ok(()),
        }
    }

    /// As [`Self::fits`], for what is about to be written: its lack of room is everybody's.
    pub(super) fn ensure(&self, bytes: u64) -> Result<()> {
        self.fits(bytes).inspect_err(|error| {
            let (needed, mut lack) = (with_reserve(bytes), self.lack.lock());
            if matches!(*lack, None | Some(Lack::Foreseen { .. })) {
                *lack = Some(Lack::Foreseen { needed, why: error.to_string() });
            }
        })
    }

    /// A write met a full disk.
    pub(super) fn met(&self, why: &str) {
        let mut lack = self.lack.lock();
        if matches!(*lack, Some(Lack::Lasting { .. })) {
            return;
        }
        let attempts = if let Some(Lack::Met { attempts, .. }) = *lack { attempts } else { 0 };
        *lack = Some(Lack::Met { room: self.writable(), attempts, why: why.to_owned() });
    }

    /// No write is tried any more.
    pub(super) fn rest(&self, why: &str) {
        *self.lack.lock() = Some(Lack::Lasting { why: why.to_owned() });
    }

    /// A write was made durable.
    pub(super) fn wrote(&self) {
        self.lack.lock().take_if(|lack| !matches!(lack, Lack::Lasting { .. }));
    }

    /// Why there is no room, if so. Does not wait for anything but one question to the system.
    pub(super) fn full(&self) -> Option<String> {
        let mut lack = self.lack.lock();
        let over = match &*lack {
            None | Some(Lack::Lasting { .. }) => false,
            Some(Lack::Foreseen { needed, .. }) => self.writable().is_none_or(|room| room >= *needed),
            Some(Lack::Met { room: then, .. }) => self
                .writable()
                .zip(*then)
                .is_some_and(|(now, then)| now >= then.saturating_add(SNAPSHOT_ROOM_KEPT_BYTES)),
        };
        if over {
            *lack = None;
        }
        lack.as_ref().map(|lack| match lack {
            Lack::Foreseen { why, .. } | Lack::Met { why, .. } | Lack::Lasting { why } => why.clone(),
        })
    }

    /// Whether an attempt to write about `bytes` makes sense now. That they seem too many is not a full disk: the
    /// guess may be wrong, and one such attempt in `ATTEMPTS_APART_MAX` is let through.
    pub(super) fn admits(&self, bytes: u64) -> bool {
        if self.ensure(0).is_err() {
            return false;
        }
        let met = self.full().is_some();
        match &mut *self.lack.lock() {
            Some(Lack::Lasting { .. }) => false,
            Some(Lack::Met { attempts, .. }) if met => {
                *attempts = attempts.saturating_add(1);
                attempts.is_power_of_two() || attempts.is_multiple_of(ATTEMPTS_APART_MAX)
            }
            _ => self.admits_guess(bytes),
        }
    }

    fn admits_guess(&self, bytes: u64) -> bool {
        if self.fits(bytes).is_ok() {
            self.too_large.store(0, Ordering::Relaxed);
            return true;
        }
        let before = self.too_large.fetch_add(1, Ordering::Relaxed);
        before.wrapping_add(1).is_multiple_of(ATTEMPTS_APART_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(bytes: u64) -> (Room, Arc<AtomicU64>) {
        let free = Arc::new(AtomicU64::new(bytes));
        let theirs = free.clone();
        (Room::new(Arc::new(move || Some(Space { free: theirs.load(Ordering::Relaxed), files: 0 }))), free)
    }

    #[test]
    fn a_foreseen_lack_ends_with_the_space() {
        let (room, free) = room(SNAPSHOT_ROOM_KEPT_BYTES + 14);
        assert!(room.ensure(10).is_err());
        assert!(room.full().is_some());
        free.fetch_add(1, Ordering::Relaxed);
        assert_eq!(room.full(), None);
        assert!(room.ensure(10).is_ok());
    }

    #[test]
    fn what_seems_too_large_is_put_off_and_no_full_disk() {
        let (room, free) = room(SNAPSHOT_ROOM_KEPT_BYTES + 14);
        let through: Vec<u32> = (1..=200).filter(|_| room.admits(10)).collect();
        assert_eq!(through, [64, 128, 192]);
        assert!(room.fits(10).is_err());
        assert_eq!(room.full(), None);
        free.fetch_add(1, Ordering::Relaxed);
        assert!(room.admits(10));
        free.fetch_sub(16, Ordering::Relaxed);
        assert!(!room.admits(0));
        assert!(room.full().is_some(), "the reserve itself is touched");
    }

    #[test]
    fn a_lack_that_was_met_lets_fewer_and_fewer_attempts_through() {
        let (room, free) = room(1 << 40);
        room.met("quota");
        let through: Vec<u32> = (1..=200).filter(|_| room.admits(1)).collect();
        assert_eq!(through, [1, 2, 4, 8, 16, 32, 64, 128, 192]);
        room.met("quota");
        assert!(!room.admits(1), "another failure does not begin the count again");
        assert_eq!(room.full().as_deref(), Some("quota"));
        free.fetch_add(SNAPSHOT_ROOM_KEPT_BYTES, Ordering::Relaxed);
        assert_eq!(room.full(), None);
        room.met("quota");
        room.wrote();
        assert!(room.admits(1));
    }

    #[test]
    fn a_lasting_lack_does_not_end() {
        let (room, free) = room(1 << 40);
        room.rest("given up too often");
        room.wrote();
        room.met("quota");
        free.fetch_add(1 << 40, Ordering::Relaxed);
        assert_eq!(room.full().as_deref(), Some("given up too often"));
        assert!(!room.admits(0));
    }

    #[test]
    fn gaps_in_the_files_count_by_half() {
        let room = Room::new(Arc::new(|| Some(Space { free: SNAPSHOT_ROOM_KEPT_BYTES, files: 1000 })));
        room.grow(500);
        assert!(room.ensure(82).is_ok());
        assert!(room.ensure(84).is_err());
        room.grow(500);
        assert!(room.ensure(2).is_err());
    }

    #[test]
    fn nothing_is_foreseen_where_the_system_does_not_say() {
        let room = Room::new(Arc::new(|| None));
        assert!(room.admits(u64::MAX));
        room.met("full");
        assert!(room.full().is_some());
        room.wrote();
        assert_eq!(room.full(), None);
    }
}
