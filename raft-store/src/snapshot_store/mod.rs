//! Snapshots on disk: one database for all groups of a node.
//!
//! A snapshot is a sequence of chunks and a record of what it covers. [`SnapshotStore::begin`] writes chunks,
//! [`SnapshotWriter::finish`] makes them durable, [`SnapshotStore::commit`] makes the snapshot its group's
//! current one. Guarantees:
//! - the current snapshot of a group is always whole; a crash leaves either the old one or the new one;
//! - a group's current snapshot never goes back to an older log id;
//! - what a handle ([`StoredSnapshot`]) shows stays readable until the handle drops, superseded or not;
//! - a damaged chunk or record is an error that names it, never data, and costs no other snapshot anything;
//! - memory is bounded whatever the snapshots' size (`limits.rs`).
//!
//! Calls block on the disk. Dropping handles and writers does not: what they held is removed by a later
//! call, or at the next start.

mod backend;
mod covers;
mod damage;
mod database;
mod error;
#[cfg(any(test, feature = "simulation"))]
pub(crate) mod faulty;
mod files;
mod frame;
mod keeper;
mod key;
mod lease;
mod metadata;
mod place;
mod rescue;
mod reserve;
mod rewrite;
mod room;
mod rot;
mod shared;
mod stored;
mod table;
#[cfg(test)]
mod tests;
mod upkeep;
mod writer;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::GroupId;
use backend::Place;
use place::Folder;
use table::Table;

pub use covers::{Covers, Position};
pub use damage::SetAside;
pub use error::{CorruptReason, Damage, SnapshotError};
use lease::{Debris, Garbage, Lease};
use shared::Shared;
pub use stored::StoredSnapshot;
pub use writer::SnapshotWriter;

type Result<T> = std::result::Result<T, SnapshotError>;

/// Names one snapshot of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId {
    /// The group it is of.
    pub group: GroupId,
    /// Grows with every snapshot the store begins.
    pub sequence: u64,
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "snapshot {} of group {}", self.sequence, self.group)
    }
}

/// What is known of a complete snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    id: SnapshotId,
    chunks: u32,
    /// Stored bytes of all chunks.
    bytes: u64,
    covers: Covers,
}

/// A current snapshot, kept from removal by its lease.
#[derive(Debug, Clone)]
struct Current {
    record: Arc<Record>,
    lease: Arc<Lease>,
}

/// All snapshots of a node. Cloning gives another handle to the same store.
#[derive(Clone)]
pub struct SnapshotStore(Arc<Shared>);

impl fmt::Debug for SnapshotStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SnapshotStore").field(&self.0.current.lock().keys()).finish()
    }
}

impl SnapshotStore {
    /// Opens the store in the folder `path`, creating it if need be. Snapshots that are not current, left
    /// incomplete by a crash or superseded, go with the first sweep.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_at(Box::new(Folder::lock(path.as_ref())?))
    }

    /// Opens the store on a disk in memory that fails as it is told to.
    #[cfg(any(test, feature = "simulation"))]
    pub fn open_simulated(disk: &faulty::FaultySnapshots) -> Result<Self> {
        Self::open_at(Box::new(disk.clone()))
    }

    fn open_at(place: Box<dyn Place>) -> Result<Self> {
        let table = Table::open(place)?;
        let garbage = Arc::new(Garbage::default());
        let mut current = BTreeMap::new();
        for (key, value) in table.scan(key::CURRENT)? {
            let record = key::read_record(&key, &value)?;
            let lease = Arc::new(Lease::new(record.id, record.chunks, record.bytes, garbage.clone()));
            current.insert(record.id.group, Current { record: Arc::new(record), lease });
        }
        let mut last_sequence = current.values().map(|c| c.record.id.sequence).max().unwrap_or(0);
        for (key, value) in table.scan(key::BEGUN)? {
            let id = key::read_begun(&key, &value)?;
            last_sequence = last_sequence.max(id.sequence);
            if current.get(&id.group).is_none_or(|c| c.record.id != id) {
                garbage.add(Debris { id, bytes: 0, chunks: None });
            }
        }
        table.room().grow(current.values().map(|c| c.record.bytes).sum());
        Ok(Self(Arc::new(Shared {
            table,
            next_sequence: AtomicU64::new(last_sequence + 1),
            current: Mutex::new(current),
            unsure: Mutex::default(),
            garbage,
            spoiled: Mutex::default(),
        })))
    }

    /// Begins a snapshot of `group`.
    pub fn begin(&self, group: GroupId) -> Result<SnapshotWriter> {
        let beginning =
            |error: SnapshotError| error.within(format_args!("beginning a snapshot of group {group}"));
        // Before anything is written: what is begun on a full disk has to be removed there, which costs the database.
        self.0.table.room().ensure(0).map_err(beginning)?;
        self.tidy();
        self.0.heal().map_err(beginning)?;
        let sequence = self.0.next_sequence.fetch_add(1, Ordering::Relaxed);
        let id = SnapshotId { group, sequence };
        let losses = self.0.table.losses();
        // Held from the first moment, so that whoever rescues the database takes it along.
        let lease = Lease::new(id, 0, 0, self.0.garbage.clone());
        // Written before any chunk, so durable no later: a start finds whatever a crash left.
        let noted = self.0.table.append(id, losses, &key::begun(id), &frame::encode_begun(id));
        noted.map_err(|error| error.within(format_args!("beginning {id}")))?;
        Ok(SnapshotWriter::new(self.0.clone(), lease, losses))
    }

    /// Makes `snapshot` its group's current one, durably, and removes the one before as soon as nobody
    /// holds it. Says whether it is current now: not if the group has one that covers more.
    pub fn commit(&self, snapshot: &StoredSnapshot) -> Result<bool> {
        if !self.owns(snapshot) {
            return Err(SnapshotError::Foreign(snapshot.id()));
        }
        let made_current = self.0.commit(snapshot);
        // After a failure too: damage that was met is left behind then.
        self.tidy();
        made_current
    }

    /// Why there is no room for snapshots, if so. Ends by itself once a write worked or space came free.
    /// Waits for nothing.
    pub fn full(&self) -> Option<String> {
        self.0.table.room().full()
    }

    /// Whether there seems to be room for a snapshot of `bytes`, and no attempt failed lately. Waits for
    /// nothing.
    pub fn admits(&self, bytes: u64) -> bool {
        self.0.table.room().admits(bytes)
    }

    /// What stands for a snapshot of `group` that could not be made: it covers nothing.
    pub(crate) fn nothing(&self, group: GroupId) -> StoredSnapshot {
        StoredSnapshot::nothing(self.0.clone(), group)
    }

    /// The current snapshot of `group`.
    pub fn current(&self, group: GroupId) -> Result<Option<StoredSnapshot>> {
        let current = self.0.current.lock().get(&group).cloned();
        Ok(current.map(|Current { record, lease }| StoredSnapshot::new(self.0.clone(), record, lease)))
    }

    /// Whether `group` needs a new snapshot, whatever it covers: a part of the current one was found damaged, or there
    /// is none and that was found of one that is still held. True until another becomes current.
    pub fn is_damaged(&self, group: GroupId) -> bool {
        let current = self.0.current.lock().get(&group).map(|current| current.record.id);
        let spoiled = self.0.spoiled.lock();
        match current {
            Some(id) => spoiled.contains(&id),
            None => spoiled.iter().any(|id| id.group == group),
        }
    }

    /// The groups that have a current snapshot, in order.
    pub fn groups(&self) -> Vec<GroupId> {
        self.0.current.lock().keys().copied().collect()
    }

    /// Forgets the current snapshot of `group`; its chunks go when nobody holds it.
    pub fn remove(&self, group: GroupId) -> Result<()> {
        let removed = self.0.remove(group);
        self.tidy();
        removed
    }

    /// Removes the chunks of every snapshot that is neither current nor held, and rewrites the database if
    /// its files take much more than what is left. `begin`, `commit` and `remove` do this too. What could
    /// not be removed is tried again by the next sweep. A database in which damage was met is left behind: what
    /// is whole of all snapshots is copied into a fresh one.
    pub fn sweep(&self) -> Result<()> {
        self.0.sweep()
    }

    /// Sweeps; space not freed is no reason to fail what is being done.
    fn tidy(&self) {
        if let Err(error) = self.sweep() {
            tracing::warn!(%error, "an old snapshot could not be removed");
        }
    }

    /// Bytes of the store's files.
    pub fn disk_bytes(&self) -> Result<u64> {
        self.0.table.disk_bytes()
    }

    /// Makes the next flush fail as the disk's would.
    #[cfg(test)]
    pub(crate) fn fail_next_flush(&self, kind: std::io::ErrorKind) {
        self.fail_flushes(1, kind);
    }

    #[cfg(test)]
    pub(crate) fn fail_flushes(&self, count: u32, kind: std::io::ErrorKind) {
        self.0.table.fail_flushes(count, kind);
    }

    /// Whether `snapshot` is one of this store's.
    pub fn owns(&self, snapshot: &StoredSnapshot) -> bool {
        snapshot.is_in(&self.0)
    }
}
