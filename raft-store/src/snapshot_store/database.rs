//! The only file that names sled: an ordered map of byte strings that is durable after a flush.
//!
//! What this relies on, from sled 1.0.0-alpha.124's source: a flush is one frame of its metadata log,
//! written after the leaves it names are synced, and it never overwrites a leaf the last durable frame
//! names. So what a failed flush leaves is the state of the one before. What it works around:
//! - sled keeps every leaf it has written in memory until it is opened again (`max_unflushed_epoch` is
//!   never cleared, so nothing evicts the leaf); `table` opens it afresh now and then.
//! - Its background flusher aborts the process when the disk fails. It is off: we flush, and get the error.
//! - A flush that failed is never marked complete, so the next one waits for ever; and dropping a `Db`
//!   flushes, as does dropping an iterator, and opening. So after a failure it is forgotten, which keeps its
//!   locks (`place` opens a copy made of links), it is iterated over only when nothing waits to be flushed, and
//!   it moves no leaves of its own accord, so that such a flush writes nothing and cannot fail.
//! - A `Db` cannot be shared by threads and flushes when a clone is dropped, so there is one, behind a lock.
//! - Dropping a tree leaves a leaf that stops the next start. There is one tree, and keys have prefixes.
//! - Damage can make it panic; no panic leaves this file.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use bytes::Bytes;

use super::backend::{Backend, Pairs};
use super::files::CHILDREN;
use crate::limits::SNAPSHOT_CACHE_BYTES;

/// Values in one leaf, sled's unit of reading and writing. Small, since the values are large.
const LEAF_FANOUT: usize = 4;
/// sled compresses leaves with zstd, which cannot be turned off; chunks are compressed already, so one of its
/// quick levels (the example `compression` compares them: what a slower one saves, the slots' sizes take back).
const ZSTD_LEVEL: i32 = -7;
/// Part of a file's slots that must be taken before sled copies leaves into the gaps: never. Gaps are filled
/// by later writes; `rewrite` sees to the rest.
const FILL_RATIO: f32 = 0.0;
/// How often the database's lock is tried before it counts as another's.
const LOCK_TRIES_MAX: u32 = 100;

type Db = sled::Db<LEAF_FANOUT>;

/// An open sled database; `None` only while it is closed.
pub(super) struct Database(Option<Db>);

impl Database {
    /// Opens the database in the folder `path`, creating it if need be. Fails with `WouldBlock` when
    /// another has it open. Every try runs the `sync` command; children that others start may hold a lock just
    /// given up for a moment, so there is more than one.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut config = sled::Config::new()
            .path(path)
            .flush_every_ms(None)
            .cache_capacity_bytes(SNAPSHOT_CACHE_BYTES)
            .zstd_compression_level(ZSTD_LEVEL);
        config.target_heap_file_fill_ratio = FILL_RATIO;
        let _no_other_child = CHILDREN.lock();
        for _ in 0..LOCK_TRIES_MAX {
            match guarded(|| config.open()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                result => return Ok(Self(Some(result?))),
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn with<T>(&self, work: impl FnOnce(&Db) -> io::Result<T>) -> io::Result<T> {
        let db = self.0.as_ref().ok_or_else(|| io::Error::other("the database is closed"))?;
        guarded(|| work(db))
    }
}

/// Turns a panic into an error. What panicked is not used again: the caller gives it up.
fn guarded<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("the database panicked: {text}")))
    })
}

impl Backend for Database {
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        self.with(|db| Ok(db.get(key)?.map(Bytes::from_owner)))
    }

    /// The range is left open at its end, since sled reads on to the last leaf to look for what an upper
    /// bound excludes.
    fn pairs(&self, from: &[u8], count: usize) -> io::Result<Pairs> {
        let copied = |(key, value): (sled::InlineArray, sled::InlineArray)| {
            (Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value))
        };
        self.with(|db| db.range(from..).take(count).map(|pair| pair.map(copied)).collect())
    }

    fn insert(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.with(|db| db.insert(key, value).map(drop))
    }

    fn remove(&mut self, key: &[u8]) -> io::Result<bool> {
        self.with(|db| Ok(db.remove(key)?.is_some()))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(|db| db.flush().map(drop))
    }

    fn close(mut self: Box<Self>) -> io::Result<()> {
        match self.flush() {
            Ok(()) => {
                let db = self.0.take();
                guarded(move || {
                    drop(db);
                    Ok(())
                })
            }
            Err(error) => {
                self.abandon(true);
                Err(error)
            }
        }
    }

    /// Without anything to write the flush that dropping makes does nothing, whatever failed before.
    fn abandon(mut self: Box<Self>, dirty: bool) {
        let db = self.0.take();
        if dirty {
            std::mem::forget(db);
            return;
        }
        let dropped = guarded(move || {
            drop(db);
            Ok(())
        });
        if let Err(error) = dropped {
            tracing::warn!(%error, "the snapshot database was not closed cleanly");
        }
    }
}

impl Drop for Database {
    /// A store that is simply let go: flushed, as everything before a flush is allowed to be lost.
    fn drop(&mut self) {
        if let Some(db) = self.0.take()
            && let Err(error) = Box::new(Self(Some(db))).close()
        {
            tracing::warn!(%error, "the snapshot database was not closed cleanly");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_user_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let _first = Database::open(dir.path()).unwrap();
        let second = Database::open(dir.path()).map(drop);
        assert_eq!(second.unwrap_err().kind(), io::ErrorKind::WouldBlock);
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
    fn a_panic_becomes_an_error_that_quotes_it() {
        let error = guarded::<()>(|| panic!("leaf {}", 7)).unwrap_err();
        assert_eq!(error.to_string(), "the database panicked: leaf 7");
    }
}
