//! The only file that names sled: an ordered map of byte strings that is durable after a flush.
//!
//! What this relies on, from sled 1.0.0-alpha.124's source: flushes are atomic and in order of the writes
//! (its flush epochs), so a write is never durable before an earlier one. What it works around:
//! - sled keeps every leaf it has written in memory until it is opened again (`max_unflushed_epoch` is
//!   never cleared, so nothing evicts the leaf). A flush therefore opens it afresh once
//!   `SNAPSHOT_RESIDENT_BYTES_MAX` bytes were written.
//! - Its background flusher aborts the process when the disk fails. It is off: we flush, and get the error.
//! - A `Db` cannot be shared by threads and flushes when a clone is dropped, so there is one, in a mutex.
//! - Dropping a tree leaves a leaf that stops the next start. There is one tree, and keys have prefixes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use parking_lot::Mutex;

use super::error::SnapshotError;
use crate::limits::{SNAPSHOT_CACHE_BYTES, SNAPSHOT_RESIDENT_BYTES_MAX, SNAPSHOT_UNFLUSHED_BYTES_MAX};

/// Values in one leaf, sled's unit of reading and writing. Small, since the values are large.
const LEAF_FANOUT: usize = 4;
/// sled compresses leaves with zstd; chunks are compressed already, so the quickest level.
const ZSTD_LEVEL: i32 = 1;
/// Keys removed under one lock: what a few leaves hold.
const REMOVED_AT_ONCE: usize = 4 * LEAF_FANOUT;
/// How often the database's lock is tried before it counts as another's.
const LOCK_TRIES_MAX: u32 = 100;

type Db = sled::Db<LEAF_FANOUT>;
type Result<T> = std::result::Result<T, SnapshotError>;

/// An open database.
pub(super) struct Database(Mutex<Open>);

struct Open {
    path: PathBuf,
    /// `None` after a failed write, or when it could not be opened again.
    db: Option<Db>,
    /// Bytes written since the last flush.
    unflushed: usize,
    /// Bytes written since it was opened: what sled keeps in memory.
    resident: usize,
}

impl Open {
    fn insert(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let result = self.db()?.insert(key, value);
        self.written(result)?;
        self.unflushed += value.len();
        self.resident += value.len();
        Ok(())
    }

    fn remove(&mut self, key: &[u8]) -> Result<()> {
        let result = self.db()?.remove(key);
        self.written(result).map(drop)
    }

    fn flush(&mut self) -> Result<()> {
        let result = self.db()?.flush();
        self.written(result)?;
        self.unflushed = 0;
        if self.resident >= SNAPSHOT_RESIDENT_BYTES_MAX { self.refresh() } else { Ok(()) }
    }

    /// Poisons the database after a failed write: what sled holds and what the disk holds may differ then.
    /// It is left, not dropped, since dropping flushes, and that waits for the flush that failed.
    fn written<T>(&mut self, result: io::Result<T>) -> Result<T> {
        if result.is_err() {
            std::mem::forget(self.db.take());
        }
        Ok(result?)
    }

    fn db(&self) -> Result<&Db> {
        self.db.as_ref().ok_or(SnapshotError::Closed)
    }

    /// The first `count` pairs whose key begins with `prefix`. The range is left open at its end, since
    /// sled reads on to the last leaf to look for what an upper bound excludes.
    fn first(&self, prefix: &[u8], count: usize) -> Result<Vec<(Bytes, Bytes)>> {
        let mut found = Vec::new();
        for pair in self.db()?.range(prefix..).take(count) {
            let (key, value) = pair?;
            if !key.starts_with(prefix) {
                break;
            }
            found.push((Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value)));
        }
        Ok(found)
    }

    /// Closes the database and opens it again, so that its memory is free.
    fn refresh(&mut self) -> Result<()> {
        drop(self.db.take());
        self.db = Some(open(&self.path)?);
        self.resident = 0;
        Ok(())
    }
}

/// Opens the database, trying for its lock more than once. Every try runs the `sync` command, and until
/// such a child has become that command it holds every lock of this process, those just given up too.
fn open(path: &Path) -> Result<Db> {
    let config = sled::Config::new()
        .path(path)
        .flush_every_ms(None)
        .cache_capacity_bytes(SNAPSHOT_CACHE_BYTES)
        .zstd_compression_level(ZSTD_LEVEL);
    for _ in 0..LOCK_TRIES_MAX {
        match config.open() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
            result => return Ok(result?),
        }
    }
    Err(SnapshotError::InUse(path.to_owned()))
}

/// Makes durable what sled makes without syncing it when it begins: its cookie, and the names of its folders.
/// Without them it would begin anew after a power loss.
fn sync_names(path: &Path) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    for entry in std::fs::read_dir(&path)? {
        File::open(entry?.path())?.sync_all()?;
    }
    path.ancestors().take(2).try_for_each(|folder| File::open(folder)?.sync_all())
}

impl Database {
    /// Opens the database in the folder `path`, creating it if need be. One process at a time can.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let (path, db) = (path.to_owned(), Some(open(path)?));
        sync_names(&path)?;
        Ok(Self(Mutex::new(Open { path, db, unflushed: 0, resident: 0 })))
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let value = self.0.lock().db()?.get(key)?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    /// Sets `key`; durable after the next flush, or earlier.
    pub(super) fn insert(&self, key: &[u8], value: &[u8]) -> Result<()> {
        let mut open = self.0.lock();
        open.insert(key, value)?;
        if open.unflushed >= SNAPSHOT_UNFLUSHED_BYTES_MAX { open.flush() } else { Ok(()) }
    }

    /// Removes `key`, if it is there; durable after the next flush, or earlier.
    pub(super) fn remove(&self, key: &[u8]) -> Result<()> {
        self.0.lock().remove(key)
    }

    /// Makes everything written before durable.
    pub(super) fn flush(&self) -> Result<()> {
        self.0.lock().flush()
    }

    /// Every key that begins with `prefix`, in order, with its value.
    pub(super) fn scan(&self, prefix: &[u8]) -> Result<Vec<(Bytes, Bytes)>> {
        self.0.lock().first(prefix, usize::MAX)
    }

    /// Removes every key that begins with `prefix`, some at a time so that others get their turn.
    pub(super) fn remove_all(&self, prefix: &[u8]) -> Result<()> {
        loop {
            let mut open = self.0.lock();
            let some = open.first(prefix, REMOVED_AT_ONCE)?;
            for (key, _) in &some {
                open.remove(key)?;
            }
            if some.len() < REMOVED_AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Bytes of the database's files.
    pub(super) fn disk_bytes(&self) -> Result<u64> {
        Ok(self.0.lock().db()?.size_on_disk()?)
    }

    #[cfg(test)]
    pub(super) fn resident_bytes(&self) -> usize {
        self.0.lock().resident
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_served_after_a_failed_write() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).unwrap();
        database.insert(b"key", b"value").unwrap();
        let failed: Result<()> = database.0.lock().written(Err(io::Error::other("no space")));
        assert!(matches!(failed, Err(SnapshotError::Database(_))));
        assert!(matches!(database.get(b"key"), Err(SnapshotError::Closed)));
        assert!(matches!(database.flush(), Err(SnapshotError::Closed)));
    }

    #[test]
    fn a_second_user_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let _first = Database::open(dir.path()).unwrap();
        assert!(matches!(Database::open(dir.path()), Err(SnapshotError::InUse(_))));
    }

    #[test]
    fn databases_open_again_while_others_do() {
        let open_often = || {
            let dir = tempfile::tempdir().unwrap();
            (0..20).for_each(|_| drop(Database::open(dir.path()).unwrap()));
        };
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(open_often))));
    }

    #[test]
    fn removing_by_prefix_leaves_the_neighbours() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).unwrap();
        for index in 0..100_u8 {
            database.insert(&[b'b', index], &[index]).unwrap();
        }
        database.insert(b"a", b"before").unwrap();
        database.insert(b"c", b"behind").unwrap();
        database.remove_all(b"b").unwrap();
        let keys: Vec<Bytes> = database.scan(b"").unwrap().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [b"a".as_slice(), b"c"]);
    }
}
