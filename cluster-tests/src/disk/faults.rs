//! What is wrong with a disk at the moment. Switched by tests while it is in use.

use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;

/// What a program asks of a disk, as far as faults tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Writing into a file.
    Write,
    /// fsync or fdatasync of a file or a directory.
    Sync,
}

/// Calls that fail with EIO.
#[derive(Debug, Clone)]
pub struct Failing {
    /// Which calls.
    pub call: Call,
    /// Only on files whose path contains this; empty: on all.
    pub path: &'static str,
    /// How many of them still succeed first.
    pub after: u64,
    /// How many fail then; `None`: all.
    pub times: Option<u64>,
}

/// What is wrong with a disk; by default nothing.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Calls that fail with EIO.
    pub failing: Option<Failing>,
    /// Bytes there is room for; beyond it ENOSPC.
    pub capacity: Option<u64>,
    /// Whatever would change anything fails with EROFS.
    pub read_only: bool,
    /// Each sync takes this long at least.
    pub sync_min: Duration,
    /// Each sync takes up to this much longer, at random.
    pub sync_extra: Duration,
}

impl Faults {
    /// Counts a call, and fails it if it is its turn.
    pub(super) fn count(&mut self, call: Call, path: &Path) -> Result<(), Errno> {
        let Some(failing) = &mut self.failing else { return Ok(()) };
        if failing.call != call || !path.to_string_lossy().contains(failing.path) {
            return Ok(());
        }
        match (failing.after, &mut failing.times) {
            (1.., _) => {
                failing.after -= 1;
                Ok(())
            }
            (0, Some(0)) => Ok(()),
            (0, times) => {
                times.iter_mut().for_each(|times| *times -= 1);
                Err(Errno::IO)
            }
        }
    }

    /// Refuses a change of a read-only disk.
    pub(super) fn writable(&self) -> Result<(), Errno> {
        if self.read_only { Err(Errno::ROFS) } else { Ok(()) }
    }

    /// Refuses what would need more room than there is.
    pub(super) fn room(&self, used: u64, more: u64) -> Result<(), Errno> {
        let full = more > 0 && self.capacity.is_some_and(|capacity| used + more > capacity);
        if full { Err(Errno::NOSPC) } else { Ok(()) }
    }
}
