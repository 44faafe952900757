//! The smallest database the store needs, and the place it lives in. The real ones are in `database` and
//! `place`; their faulty twin is in `faulty`.

use std::io;

use bytes::Bytes;

use super::Result;
use super::room::Probe;

/// Keys with their values, in order.
pub(super) type Pairs = Vec<(Bytes, Bytes)>;

/// An open, ordered map of byte strings. After a failed write nothing it says counts any more: it is
/// given up ([`Backend::abandon`]) and opened again.
pub(super) trait Backend: Send {
    /// The value of `key`.
    fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>>;
    /// The first `count` pairs from the key `from` on. Only when nothing waits to be flushed.
    fn pairs(&self, from: &[u8], count: usize) -> io::Result<Pairs>;
    /// Sets `key`; durable after the next flush.
    fn insert(&mut self, key: &[u8], value: &[u8]) -> io::Result<()>;
    /// Removes `key`, and says whether it was there; durable after the next flush.
    fn remove(&mut self, key: &[u8]) -> io::Result<bool>;
    /// Makes everything before durable, all of it or nothing.
    fn flush(&mut self) -> io::Result<()>;
    /// Closes it, flushed before; on an error it was abandoned.
    fn close(self: Box<Self>) -> io::Result<()>;
    /// Gives it up without another write. If it is `dirty` (written to since its last good flush), what it
    /// holds of memory and locks stays taken.
    fn abandon(self: Box<Self>, dirty: bool);
}

/// Where the database is kept.
pub(super) trait Place: Send {
    /// Opens it: what was flushed is there, what was not is gone. `abandoned` says that one opened before
    /// was given up and may still hold its locks.
    fn open(&mut self, abandoned: bool) -> Result<Box<dyn Backend>>;
    /// Opens the database that [`Place::replace`] puts in the present one's stead: empty the first time,
    /// as it was closed with `again`.
    fn open_fresh(&mut self, again: bool) -> Result<Box<dyn Backend>>;
    /// Throws away what [`Place::replace`] has not taken, closed or given up.
    fn discard_fresh(&mut self);
    /// Makes the fresh database, flushed and closed, the present one. Both or neither survive a crash. After an
    /// error other than a full disk it is not known which one does.
    fn replace(&mut self) -> Result<()>;
    /// What to ask for the bytes free for writing.
    fn room(&self) -> Probe;
    /// Takes `bytes` of the disk and gives them back: fails if they are not to be had. A place that cannot try
    /// says nothing.
    fn try_room(&self, bytes: u64) -> io::Result<()>;
    /// Keeps a few bytes of the disk in reserve, for opening a database when nothing else is left.
    fn keep_reserve(&self) -> io::Result<()>;
    /// Bytes of all files.
    fn disk_bytes(&self) -> io::Result<u64>;
    /// What the place is called in errors.
    fn name(&self) -> String;
}

/// Whether `error` says that the disk, or a share of it, is full.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether `error` says that stored bytes are not what was written.
pub(super) fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}
