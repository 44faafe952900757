//! The log as its users hold it: a handle, a bounded queue, and the thread that drives the writer.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{SemaphorePermit, oneshot};

use super::background::Background;
use super::disk::{Disk, FsDisk};
use super::driver::{Driven, Shared};
use super::error::WalError;
use super::found::Found;
use super::frame::segment_of;
use super::memory::{Callback, Change, Done, Memory, Operation, closed};
use super::options::WalOptions;
use super::record::{Entry, EntryId};
use super::recover::{Recovered, recover};
use super::stats::{GroupStats, WalStats};
use crate::{GroupId, blocking};

/// A node's log. Clones share it; the last one to go closes it.
#[derive(Clone)]
pub struct SharedLog {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl SharedLog {
    /// Opens the log in `dir`, or makes a new one there.
    ///
    /// Fails when another process has it, when a file cannot be read, and when the log is damaged in a way
    /// that a crash cannot explain; see [`WalError`].
    pub fn open(dir: &Path, options: WalOptions) -> Result<Self, WalError> {
        Self::open_with(dir, options, &|_, _| ())
    }

    /// Whether there is a log in `dir` already. A caller who knows that there was one opens none if there is none:
    /// a new log would have forgotten its votes.
    pub fn is_in(dir: &Path) -> io::Result<bool> {
        match std::fs::read_dir(dir) {
            Ok(mut files) => Ok(files.any(|file| {
                file.is_ok_and(|file| {
                    file.file_name().to_str().is_some_and(|name| segment_of(name).is_some())
                })
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// [`Self::open`], telling `progress` how many bytes of how many were read, every few MiB.
    pub fn open_with(dir: &Path, options: WalOptions, progress: &dyn Fn(u64, u64)) -> Result<Self, WalError> {
        Self::start(Arc::new(FsDisk::lock(dir)?), options, progress)
    }

    /// [`Self::open`] on any [`Disk`], which must be this log's alone.
    pub fn open_on(disk: Arc<dyn Disk>, options: WalOptions) -> Result<Self, WalError> {
        Self::start(disk, options, &|_, _| ())
    }

    fn start(
        disk: Arc<dyn Disk>,
        options: WalOptions,
        progress: &dyn Fn(u64, u64),
    ) -> Result<Self, WalError> {
        let options = options.bounded();
        let recovered = recover(&*disk, &options, progress)?;
        Self::run(disk, options, recovered).map_err(WalError::io("starting the log"))
    }

    /// Starts the two threads of a log that was read back.
    fn run(disk: Arc<dyn Disk>, options: WalOptions, recovered: Recovered) -> io::Result<Self> {
        let (shared, writer) = Shared::begin(disk, options, recovered, |shared, pool, next| {
            let (waker, supply) = (shared.clone(), shared.supply.clone());
            let wake = Box::new(move || waker.wake());
            Ok(Box::new(Background::start(supply, pool, next, options.segment_bytes, wake)?))
        })?;
        let driven = Driven(shared.clone());
        let thread = std::thread::Builder::new().name("wal".into()).spawn(move || driven.run(writer))?;
        Ok(Self::of(shared, Some(thread)))
    }

    /// A handle to what `shared` is of, with the thread to be waited for when it closes.
    pub(super) fn of(shared: Arc<Shared>, thread: Option<JoinHandle<()>>) -> Self {
        Self { inner: Arc::new(Inner { shared, thread: Mutex::new(thread) }) }
    }

    /// Groups the log knows, by an entry, a purge or only a vote.
    pub fn groups(&self) -> Vec<GroupId> {
        let memory = self.memory();
        let mut groups: Vec<GroupId> = memory.view.groups.keys().copied().collect();
        groups.extend(memory.index.groups().keys().filter(|group| !memory.view.groups.contains_key(group)));
        groups.sort_unstable();
        groups
    }

    /// Appends entries, which can be read when this returns; `done` is called once they are durable or
    /// the log has failed. Waits while the queue is full.
    ///
    /// On an error here nothing was appended and `done` is not called: the entries leave a hole, are more
    /// than [`super::APPEND_BYTES_MAX`], or the log has failed or is closed.
    pub async fn append(&self, group: GroupId, entries: Vec<Entry>, done: Done) -> io::Result<()> {
        self.submit(Change::Append { group, entries }, Some(done)).await
    }

    /// Saves a group's vote; it is durable when this returns.
    pub async fn save_vote(&self, group: GroupId, vote: Bytes) -> io::Result<()> {
        self.submit_and_wait(Change::Vote { group, vote }).await
    }

    /// Removes a group's entries from index `from` on; it is durable when this returns, because what follows may
    /// be made durable elsewhere: a snapshot that takes their place must not come to stand beside them.
    pub async fn truncate(&self, group: GroupId, from: u64) -> io::Result<()> {
        self.submit_and_wait(Change::Truncate { group, from }).await
    }

    /// Removes a group's entries up to `upto`, which may lie behind its last one. It is durable before
    /// anything appended later is; after a crash older entries may be back.
    pub async fn purge(&self, group: GroupId, upto: EntryId) -> io::Result<()> {
        self.submit(Change::Purge { group, upto }, None).await
    }

    /// Removes all entries of a group and what is known of purged ones, so that its log may begin anywhere; its vote
    /// stays. It is durable when this returns.
    pub async fn clear(&self, group: GroupId) -> io::Result<()> {
        self.submit_and_wait(Change::Clear { group }).await
    }

    async fn submit_and_wait(&self, change: Change) -> io::Result<()> {
        let (saved, wait) = oneshot::channel();
        let done: Done = Box::new(move |result| {
            // The caller may have gone away; the change stands all the same.
            let _ = saved.send(result);
        });
        self.submit(change, Some(done)).await?;
        wait.await.map_err(|_| closed())?
    }

    async fn submit(&self, change: Change, done: Option<Done>) -> io::Result<()> {
        let shared = &self.inner.shared;
        // Whoever votes, truncates, purges or clears waits for that or does it rarely; a queue full of entries must not keep
        // them out, least of all on a full disk.
        let charged = match &change {
            Change::Append { .. } => change.cost().min(shared.options.queue_bytes),
            Change::Vote { .. } | Change::Truncate { .. } | Change::Purge { .. } | Change::Clear { .. } => 0,
        };
        let permits = u32::try_from(charged).unwrap_or(u32::MAX);
        let permit = match permits {
            0 => None,
            _ => Some(shared.space.acquire_many(permits).await.map_err(|_| closed())?),
        };
        let (done, enqueued_ns) = (Callback::new(done), (shared.options.clock)());
        shared.memory.lock().enqueue(Operation { change, done, charged, number: 0, enqueued_ns })?;
        // Given back by the writer.
        permit.into_iter().for_each(SemaphorePermit::forget);
        shared.work.notify_one();
        Ok(())
    }

    /// The entries of `start..end` that the log has, in order: those up to `bytes_max` bytes in all, but at
    /// least one if there is any. Reads the disk for those no longer in memory, and verifies them.
    pub fn read(&self, group: GroupId, start: u64, end: u64, bytes_max: u64) -> io::Result<Vec<Entry>> {
        let found = self.memory().find(group, start, end, bytes_max)?;
        found.into_iter().map(Found::load).collect()
    }

    /// [`Self::read`] for async callers: what must come from disk is read on a thread that may block. Needs tokio's
    /// runtime for that.
    pub async fn fetch(
        &self,
        group: GroupId,
        start: u64,
        end: u64,
        bytes_max: u64,
    ) -> io::Result<Vec<Entry>> {
        let found = self.memory().find(group, start, end, bytes_max)?;
        let stored = found.iter().any(Found::is_stored);
        let load = move || found.into_iter().map(Found::load).collect();
        if !stored {
            return load();
        }
        blocking::run(load).await.map_err(io::Error::other)?
    }

    /// A group's last purged entry, and its last entry (the purged one if there is no other).
    pub fn bounds(&self, group: GroupId) -> io::Result<(Option<EntryId>, Option<EntryId>)> {
        let memory = self.memory();
        memory.check()?;
        Ok(memory.bounds(group))
    }

    /// A group's last durable vote.
    pub fn vote(&self, group: GroupId) -> io::Result<Option<Bytes>> {
        let memory = self.memory();
        memory.check()?;
        Ok(memory.index.groups().get(&group).and_then(|state| state.vote.clone()))
    }

    /// What a group takes of the log since its last purge.
    pub fn group_stats(&self, group: GroupId) -> GroupStats {
        self.memory().view.groups.get(&group).map(|view| view.stats()).unwrap_or_default()
    }

    /// Numbers of the log as a whole.
    pub fn stats(&self) -> WalStats {
        let memory = self.memory();
        let segments = memory.files.len() as u64;
        WalStats {
            segments,
            disk_bytes: segments * self.inner.shared.options.segment_bytes,
            live_bytes: memory.index.live().total(),
            segments_prepared: self.inner.shared.supply.prepared(),
            cached_bytes: memory.view.cached_bytes(),
            ..memory.stats
        }
    }

    /// Why the log takes no more writes, if so. It never recovers from that; only opening it again does.
    pub fn health(&self) -> Result<(), WalError> {
        self.memory().failure.as_ref().map_or(Ok(()), |failure| Err(failure.to_wal()))
    }

    /// Why the log cannot grow, and by how much the disk is short, while that is so: whoever can should write less.
    /// What is prepared still takes writes; once that is used up they wait. It ends by itself when there is room.
    /// Costs one atomic load while there is room.
    pub fn full(&self) -> Option<String> {
        self.inner.shared.supply.full()
    }

    /// Writes everything that waits, and stops. What comes later fails; so does what waits for room, of which
    /// [`WalError::Full`] tells.
    pub fn close(&self) -> Result<(), WalError> {
        self.inner.close();
        self.health()?;
        self.memory().unwritten.clone().map_or(Ok(()), |why| Err(WalError::Full(why)))
    }

    fn memory(&self) -> parking_lot::MutexGuard<'_, Memory> {
        self.inner.shared.memory.lock()
    }
}

impl fmt::Debug for SharedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedLog").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Inner {
    fn close(&self) {
        self.shared.memory.lock().closing = true;
        self.shared.work.notify_one();
        let Some(thread) = self.thread.lock().take() else { return };
        // The last handle may be dropped by a callback, on the very thread that would be waited for.
        if thread.thread().id() != std::thread::current().id() {
            // It can only have panicked, which the panic hook has told.
            let _ = thread.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}
