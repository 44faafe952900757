//! The log's thread: drives the writer, and sees to it that nobody is left waiting.

use std::io;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use tokio::sync::Semaphore;

use super::error::{Failure, WalError};
use super::flushed::Flushed;
use super::memory::Memory;
use super::options::{IDLE_BEFORE_SEAL, WalOptions};
use super::supply::Supply;
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
        self.complete(writer.seal(&self.0.memory));
        self.give_up();
    }

    /// Gives back the queue's space, and tells everyone.
    fn complete(&self, flushed: Flushed) {
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
