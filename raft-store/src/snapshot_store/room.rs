//! Whether there is room to write, and why not.
//!
//! A lack of room is either foreseen, by asking the system for the free space, or met: a write failed although
//! that looked good (a quota, another writer). A foreseen one ends with the space; a met one with a write that
//! worked, or when space came free. Meanwhile attempts are let through less and less often.

use std::sync::Arc;

use parking_lot::Mutex;

use super::Result;
use super::error::SnapshotError;
use crate::limits::SNAPSHOT_ROOM_KEPT_BYTES;

/// Asks for the bytes free for writing; `None` if that cannot be known.
pub(super) type Probe = Arc<dyn Fn() -> Option<u64> + Send + Sync>;

/// Attempts of which one is let through once many were made.
const ATTEMPTS_APART_MAX: u32 = 64;

#[derive(Debug, Clone)]
enum Lack {
    Foreseen { needed: u64, why: String },
    Met { room: Option<u64>, attempts: u32, why: String },
}

/// The room on the store's disk.
pub(super) struct Room {
    probe: Probe,
    lack: Mutex<Option<Lack>>,
}

impl Room {
    pub(super) fn new(probe: Probe) -> Self {
        Self { probe, lack: Mutex::new(None) }
    }

    /// Fails unless `bytes` have room with something to spare. The database stores values in slots of fixed
    /// sizes, which takes up to half as much again.
    pub(super) fn ensure(&self, bytes: u64) -> Result<()> {
        let needed = (bytes / 2).saturating_mul(3).saturating_add(SNAPSHOT_ROOM_KEPT_BYTES);
        match (self.probe)() {
            Some(room) if room < needed => {
                let why = format!("{room} bytes are left where {needed} are needed");
                let mut lack = self.lack.lock();
                if !matches!(*lack, Some(Lack::Met { .. })) {
                    *lack = Some(Lack::Foreseen { needed, why: why.clone() });
                }
                Err(SnapshotError::Full(why))
            }
            _ => Ok(()),
        }
    }

    /// A write met a full disk.
    pub(super) fn met(&self, why: &str) {
        let mut lack = self.lack.lock();
        let attempts = if let Some(Lack::Met { attempts, .. }) = *lack { attempts } else { 0 };
        *lack = Some(Lack::Met { room: (self.probe)(), attempts, why: why.to_owned() });
    }

    /// A write was made durable.
    pub(super) fn wrote(&self) {
        *self.lack.lock() = None;
    }

    /// Why there is no room, if so. Does not wait for anything but one question to the system.
    pub(super) fn full(&self) -> Option<String> {
        let mut lack = self.lack.lock();
        let over = match &*lack {
            None => false,
            Some(Lack::Foreseen { needed, .. }) => (self.probe)().is_none_or(|room| room >= *needed),
            Some(Lack::Met { room: then, .. }) => (self.probe)()
                .zip(*then)
                .is_some_and(|(now, then)| now >= then.saturating_add(SNAPSHOT_ROOM_KEPT_BYTES)),
        };
        if over {
            *lack = None;
        }
        lack.as_ref().map(|lack| match lack {
            Lack::Foreseen { why, .. } | Lack::Met { why, .. } => why.clone(),
        })
    }

    /// Whether an attempt to write `bytes` makes sense now.
    pub(super) fn admits(&self, bytes: u64) -> bool {
        if self.ensure(bytes).is_err() {
            return false;
        }
        if self.full().is_none() {
            return true;
        }
        match &mut *self.lack.lock() {
            Some(Lack::Met { attempts, .. }) => {
                *attempts = attempts.saturating_add(1);
                attempts.is_power_of_two() || attempts.is_multiple_of(ATTEMPTS_APART_MAX)
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn room(bytes: u64) -> (Room, Arc<AtomicU64>) {
        let free = Arc::new(AtomicU64::new(bytes));
        let theirs = free.clone();
        (Room::new(Arc::new(move || Some(theirs.load(Ordering::Relaxed)))), free)
    }

    #[test]
    fn a_foreseen_lack_ends_with_the_space() {
        let (room, free) = room(SNAPSHOT_ROOM_KEPT_BYTES + 14);
        assert!(!room.admits(10));
        assert!(room.full().is_some());
        free.fetch_add(1, Ordering::Relaxed);
        assert_eq!(room.full(), None);
        assert!(room.admits(10));
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
    fn nothing_is_foreseen_where_the_system_does_not_say() {
        let room = Room::new(Arc::new(|| None));
        assert!(room.admits(u64::MAX));
        room.met("full");
        assert!(room.full().is_some());
        room.wrote();
        assert_eq!(room.full(), None);
    }
}
