//! The log's thread: drives the writer, and sees to it that nobody is left waiting.

use std::io;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use tokio::sync::Semaphore;

use super::disk::Disk;
use super::error::{Failure, WalError};
use super::flushed::Flushed;
use super::memory::Memory;
use super::options::{IDLE_BEFORE_SEAL, WalOptions};
use super::recover::Recovered;
use super::segment::Pool;
use super::supply::{SegmentSource, Supply};
use super::writer::Writer;

/// What the handles and the threads of a log share.
pub(super) struct Shared {
    pub(super) memory: Mutex<Memory>,
    pub(super) work: Condvar,
    /// Free bytes of the queue.
    pub(super) space: Semaphore,
    pub(super) options: WalOptions,
    pub(super) supply: Arc<Supply>,
}

impl Shared {
    /// What a log that was read back starts with. Its segments come from what `source` makes of their pool and of the
    /// number of the next one.
    pub(super) fn begin(
        disk: Arc<dyn Disk>,
        options: WalOptions,
        mut recovered: Recovered,
        source: impl FnOnce(&Arc<Self>, Pool, u64) -> io::Result<Box<dyn SegmentSource>>,
    ) -> io::Result<(Arc<Self>, Writer)> {
        let spares = std::mem::take(&mut recovered.spares);
        let pool = Pool::new(disk, recovered.home.salt, spares, &options);
        let shared = Arc::new(Self {
            memory: Mutex::default(),
            work: Condvar::new(),
            space: Semaphore::new(options.queue_bytes),
            options,
            supply: Arc::new(Supply::new(recovered.prepared.take())),
        });
        let source = source(&shared, pool, recovered.home.segment + 1)?;
        let (writer, memory) = Writer::new(recovered, source, options)?;
        *shared.memory.lock() = memory;
        Ok((shared, writer))
    }

    /// Lets the writer look again whether there is room.
    pub(super) fn wake(&self) {
        self.memory.lock().retry = true;
        self.work.notify_one();
    }
}

/// The writer's thread. However it ends, nobody is left waiting.
pub(super) struct Driven(pub(super) Arc<Shared>);

/// What the writer's thread does next.
enum Next {
    Flush,
    Seal,
    Stop,
}

impl Driven {
    /// Drives `writer` until the log closes.
    pub(super) fn run(self, mut writer: Writer) {
        loop {
            let flushed = match self.next(writer.is_sealed()) {
                Next::Flush => writer.flush(&self.0.memory),
                Next::Seal => writer.seal(&self.0.memory),
                Next::Stop => break,
            };
            self.complete(flushed);
        }
        self.end(&mut writer);
    }

    /// The last that is done once all is written that has room.
    pub(super) fn end(&self, writer: &mut Writer) {
        self.complete(writer.seal(&self.0.memory));
        self.give_up();
    }

    /// Gives back the queue's space, and tells everyone.
    pub(super) fn complete(&self, flushed: Flushed) {
        self.0.space.add_permits(flushed.charged);
        flushed.complete();
    }

    fn next(&self, sealed: bool) -> Next {
        let mut memory = self.0.memory.lock();
        loop {
            if memory.has_work() {
                return Next::Flush;
            }
            if memory.closing {
                return Next::Stop;
            }
            if sealed || memory.failure.is_some() || !memory.waiting.is_empty() {
                self.0.work.wait(&mut memory);
            } else if self.0.work.wait_for(&mut memory, IDLE_BEFORE_SEAL).timed_out() {
                return Next::Seal;
            }
        }
    }

    /// Tells those who still wait for room at the end that there will be none.
    fn give_up(&self) {
        let mut memory = self.0.memory.lock();
        let waiting = memory.take_all();
        if waiting.is_empty() {
            return;
        }
        let why = self.0.supply.full().unwrap_or_else(|| "the next segment was not ready".to_owned());
        memory.unwritten = Some(why.clone());
        drop(memory);
        let error = io::Error::new(io::ErrorKind::StorageFull, WalError::Full(why));
        Flushed::new(waiting, Some(Failure::new(&error))).complete();
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.0.space.close();
        if std::thread::panicking() {
            let mut memory = self.0.memory.lock();
            let waiting = memory.fail(&io::Error::other("the log's thread has panicked"));
            let failure = memory.failure.clone();
            drop(memory);
            Flushed::new(waiting, failure).complete();
        }
    }
}
