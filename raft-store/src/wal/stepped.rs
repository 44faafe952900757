//! A log without threads: whoever opens it says when a batch reaches the disk.

use std::fmt;
use std::sync::Arc;

use super::background::Inline;
use super::disk::Disk;
use super::driver::{Driven, Shared};
use super::error::WalError;
use super::log::SharedLog;
use super::options::WalOptions;
use super::recover::recover;
use super::writer::Writer;

/// Drives the log it was opened with, in the place of the log's own threads. Dropping it is the death of the process:
/// what waits is never written.
///
/// The calls do on the spot all that they do, and tell those who wait. In a simulation whoever makes them is in the
/// world of the log's node, since the log reads that world's clock.
pub struct LogSteps {
    driven: Driven,
    writer: Writer,
}

impl fmt::Debug for LogSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSteps").field("idle", &self.is_idle()).finish_non_exhaustive()
    }
}

impl SharedLog {
    /// [`Self::open_on`] without threads: nothing is written but by the steps. [`Self::close`] only ends the log for its
    /// callers; [`LogSteps::finish`] does the rest.
    pub fn open_stepped(disk: Arc<dyn Disk>, options: WalOptions) -> Result<(Self, LogSteps), WalError> {
        let options = options.bounded();
        let recovered = recover(&*disk, &options, &|_, _| ())?;
        let inline = |shared: &Arc<Shared>, pool, next| {
            Ok(Box::new(Inline::new(shared.supply.clone(), pool, next, options.segment_bytes)) as _)
        };
        let (shared, writer) =
            Shared::begin(disk, options, recovered, inline).map_err(WalError::io("starting the log"))?;
        Ok((Self::of(shared.clone(), None), LogSteps { driven: Driven(shared), writer }))
    }
}

impl LogSteps {
    /// Writes and syncs what waits, as one batch, or as much as has room; `false`: there was nothing to do.
    pub fn step(&mut self) -> bool {
        let busy = !self.is_idle();
        if busy {
            self.driven.complete(self.writer.flush(&self.driven.0.memory));
        }
        busy
    }

    /// Whether [`Self::step`] has nothing to do.
    pub fn is_idle(&self) -> bool {
        !self.driven.0.memory.lock().has_work()
    }

    /// What the log does by itself once it has been idle for a second: marks its last batch as synced, if it is not and
    /// if nothing waits.
    pub fn seal(&mut self) {
        if self.is_idle() && self.driven.0.memory.lock().waiting.is_empty() {
            self.driven.complete(self.writer.seal(&self.driven.0.memory));
        }
    }

    /// What the log does by itself every second while its disk is full: tries again to make the next segment. What waits
    /// for room is looked at by the next step.
    pub fn retry(&mut self) {
        self.writer.retry(&self.driven.0.memory);
    }

    /// Closes the log as its thread would: writes what waits, seals, and tells whoever still waits for room that there
    /// will be none.
    pub fn finish(mut self) {
        self.driven.0.memory.lock().closing = true;
        while self.step() {}
        self.driven.end(&mut self.writer);
    }
}
