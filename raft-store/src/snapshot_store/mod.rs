//! Snapshots on disk: one database for all groups of a node.
//!
//! A snapshot is a sequence of chunks and a record of what it covers. [`SnapshotStore::begin`] writes chunks,
//! [`SnapshotWriter::finish`] makes them durable, [`SnapshotStore::commit`] makes the snapshot its group's
//! current one. Guarantees:
//! - the current snapshot of a group is always whole; a crash leaves either the old one or the new one;
//! - a group's current snapshot never goes back to an older log id;
//! - what a handle ([`StoredSnapshot`]) shows stays readable until the handle drops, superseded or not;
//! - a damaged chunk or record is an error that names it, never data;
//! - memory is bounded whatever the snapshots' size (`limits.rs`).
//!
//! Calls block on the disk. Dropping handles and writers does not: what they held is removed by a later
//! call, or at the next start.

mod database;
mod error;
mod frame;
mod key;
mod stored;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::GroupId;
use crate::raft::SnapshotMeta;
use database::Database;

pub use error::{CorruptReason, SnapshotError};
pub use stored::StoredSnapshot;
use stored::{Garbage, Lease};
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
    meta: SnapshotMeta,
}

/// A current snapshot, kept from removal by its lease.
#[derive(Debug, Clone)]
struct Current {
    record: Arc<Record>,
    lease: Arc<Lease>,
}

/// A damaged database that was put out of the way.
#[derive(Debug)]
pub struct SetAside {
    /// What was wrong with it.
    pub error: SnapshotError,
    /// Where it is now.
    pub kept: std::path::PathBuf,
}

struct Shared {
    database: Database,
    next_sequence: AtomicU64,
    /// Locked over a whole commit, so that commits of one group are in a definite order.
    current: Mutex<BTreeMap<GroupId, Current>>,
    garbage: Arc<Garbage>,
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
    /// Opens the store in the folder `path`, creating it if need be, and removes every snapshot that is not
    /// current: those a crash left incomplete, and those superseded.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let database = Database::open(path.as_ref())?;
        let garbage = Arc::new(Garbage::default());
        let mut current = BTreeMap::new();
        for (key, value) in database.scan(key::CURRENT)? {
            let record = key::read_record(&key, &value)?;
            let lease = Arc::new(Lease::new(record.id, garbage.clone()));
            current.insert(record.id.group, Current { record: Arc::new(record), lease });
        }
        let mut last_sequence = current.values().map(|c| c.record.id.sequence).max().unwrap_or(0);
        for (key, value) in database.scan(key::BEGUN)? {
            let id = key::read_begun(&key, &value)?;
            last_sequence = last_sequence.max(id.sequence);
            if current.get(&id.group).is_none_or(|c| c.record.id != id) {
                garbage.add(id);
            }
        }
        let next_sequence = AtomicU64::new(last_sequence + 1);
        let store = Self(Arc::new(Shared { database, next_sequence, current: Mutex::new(current), garbage }));
        store.tidy();
        Ok(store)
    }

    /// Opens the store in `path`; a damaged one is renamed, and a fresh one takes its place.
    pub fn open_or_set_aside(path: impl AsRef<Path>) -> Result<(Self, Option<SetAside>)> {
        let path = path.as_ref();
        match Self::open(path) {
            Ok(store) => Ok((store, None)),
            Err(error @ (SnapshotError::InUse(_) | SnapshotError::Closed)) => Err(error),
            Err(error) => {
                let kept = path.with_extension("damaged");
                std::fs::rename(path, &kept)?;
                Ok((Self::open(path)?, Some(SetAside { error, kept })))
            }
        }
    }

    /// Reads all of the current snapshot of `group`, and fails where it is damaged.
    pub fn check(&self, group: GroupId) -> Result<()> {
        let Some(snapshot) = self.current(group)? else { return Ok(()) };
        (0..snapshot.chunks()).try_for_each(|index| snapshot.read_chunk(index).map(drop))
    }

    /// Makes the damaged snapshot of `group` no longer current: the others go to a fresh database.
    pub fn set_aside(&self, group: GroupId) -> Result<bool> {
        let mut current = self.0.current.lock();
        if current.remove(&group).is_none() {
            return Ok(false);
        }
        let mut pairs = Vec::new();
        current.retain(|_, Current { record, .. }| {
            let chunk =
                |index| Ok((key::chunk(record.id, index), self.0.chunk(record.id, index)?.0.to_vec()));
            let chunks: Result<Vec<_>> = (0..record.chunks).map(chunk).collect();
            let whole = chunks.is_ok();
            if whole {
                pairs.push((key::current(record.id.group), frame::encode_record(record)));
            }
            pairs.extend(chunks.unwrap_or_default());
            whole
        });
        self.0.database.replace(pairs)?;
        Ok(true)
    }

    /// Why nothing can be stored for want of space, while that is so.
    pub fn full(&self) -> Option<String> {
        None
    }

    /// Begins a snapshot of `group`.
    pub fn begin(&self, group: GroupId) -> Result<SnapshotWriter> {
        self.tidy();
        let sequence = self.0.next_sequence.fetch_add(1, Ordering::Relaxed);
        let id = SnapshotId { group, sequence };
        // Written before any chunk, so durable no later: a start finds whatever a crash left.
        self.0.database.insert(&key::begun(id), &frame::encode_begun(id))?;
        Ok(SnapshotWriter::new(self.0.clone(), Lease::new(id, self.0.garbage.clone())))
    }

    /// Makes `snapshot` its group's current one, durably, and removes the one before as soon as nobody
    /// holds it. Says whether it is current now: not if the group has one that covers more.
    pub fn commit(&self, snapshot: &StoredSnapshot) -> Result<bool> {
        if !self.owns(snapshot) {
            return Err(SnapshotError::Foreign(snapshot.id()));
        }
        let made_current = self.0.commit(snapshot)?;
        self.tidy();
        Ok(made_current)
    }

    /// The current snapshot of `group`.
    pub fn current(&self, group: GroupId) -> Result<Option<StoredSnapshot>> {
        let current = self.0.current.lock().get(&group).cloned();
        Ok(current.map(|Current { record, lease }| StoredSnapshot::new(self.0.clone(), record, lease)))
    }

    /// The groups that have a current snapshot, in order.
    pub fn groups(&self) -> Vec<GroupId> {
        self.0.current.lock().keys().copied().collect()
    }

    /// Forgets the current snapshot of `group`; its chunks go when nobody holds it.
    pub fn remove(&self, group: GroupId) -> Result<()> {
        let mut current = self.0.current.lock();
        if current.contains_key(&group) {
            self.0.database.remove(&key::current(group))?;
            self.0.database.flush()?;
            current.remove(&group);
        }
        drop(current);
        self.tidy();
        Ok(())
    }

    /// Removes the chunks of every snapshot that is neither current nor held. `begin`, `commit` and `remove`
    /// do this too. What cannot be removed is tried again at the next start.
    pub fn sweep(&self) -> Result<()> {
        let mut result = Ok(());
        let mut swept = false;
        while let Some(id) = self.0.garbage.next() {
            result = result.and(self.0.remove_chunks(id));
            swept = true;
        }
        if swept { result.and(self.0.database.flush()) } else { result }
    }

    /// Sweeps; space not freed is no reason to fail what is being done.
    fn tidy(&self) {
        if let Err(error) = self.sweep() {
            tracing::warn!(%error, "an old snapshot could not be removed");
        }
    }

    /// Bytes of the store's files.
    pub fn disk_bytes(&self) -> Result<u64> {
        self.0.database.disk_bytes()
    }

    /// Whether `snapshot` is one of this store's.
    pub fn owns(&self, snapshot: &StoredSnapshot) -> bool {
        snapshot.is_in(&self.0)
    }
}

impl Shared {
    fn commit(&self, snapshot: &StoredSnapshot) -> Result<bool> {
        let new = snapshot.as_current();
        let group = new.record.id.group;
        let mut current = self.current.lock();
        if let Some(old) = current.get(&group) {
            if old.record.id == new.record.id {
                return Ok(true);
            }
            if old.record.meta.last_log_id > new.record.meta.last_log_id {
                return Ok(false);
            }
        }
        self.database.insert(&key::current(group), &frame::encode_record(&new.record))?;
        self.database.flush()?;
        // Only now may the old one go: dropping its last lease makes it garbage.
        current.insert(group, new);
        Ok(true)
    }

    fn remove_chunks(&self, id: SnapshotId) -> Result<()> {
        self.database.remove_all(&key::chunks(id))?;
        self.database.remove(&key::begun(id))
    }

    fn chunk(&self, id: SnapshotId, index: u32) -> Result<(Bytes, frame::Frame)> {
        let corrupt = |reason| SnapshotError::CorruptChunk { id, chunk: index, reason };
        let sealed = self.database.get(&key::chunk(id, index)).map_err(|error| match error {
            SnapshotError::Database(error) => SnapshotError::Unreadable { id, chunk: index, error },
            error => error,
        })?;
        let sealed = sealed.ok_or_else(|| corrupt(CorruptReason::Missing))?;
        let frame = frame::Frame::decode(&sealed).map_err(corrupt)?;
        if (frame.id, frame.index) != (id, index) {
            return Err(corrupt(CorruptReason::Misplaced));
        }
        Ok((sealed, frame))
    }
}
