//! The shared write-ahead log of all groups of a node.
//!
//! What it is for: entries, votes, truncations and purges of every group go through one writer thread,
//! which takes everything waiting, writes it as one batch, calls `fdatasync` once and then reports back.
//! It knows nothing of openraft: an entry is an id, a kind and bytes, a vote is bytes.
//!
//! What it relies on: [`Disk`] tells the truth about `sync_data`, and no other process writes the
//! directory (a lock file sees to that).
//!
//! What it guarantees:
//! - Everything reaches the disk in the order it was enqueued; nothing is reported durable before it is.
//! - A batch is on disk whole or not at all: after a crash the log ends at a batch boundary.
//! - Damage that a crash cannot explain is refused at open, by file and offset, and never served. The last batch alone
//!   cannot be told from a torn one; it stops being the last when the log is idle for a second, or closed.
//! - A full disk fails nothing: the log says so ([`SharedLog::full`]) while what it has prepared lasts, then callers
//!   wait, and it goes on by itself once there is room. Votes, truncations and purges have a reserve.
//! - The first failed write or sync ends the log for good: the kernel may have dropped the data, so a
//!   second `fdatasync` that succeeds proves nothing (Rebello et al., "Can Applications Recover from fsync
//!   Failures?", 2020).
//! - Votes are never forgotten. A group that lags cannot hold the disk: its entries are moved to the head.
//!
//! The parts: `frame` and `record` are the format; `index` is what the disk holds (12 bytes for each entry: `entries`,
//! `leaders`; by segment: `live`, `moving`); `memory` and `view` are what callers see; `recover` and `reading` read a directory back; `writer` makes batches; `segment` makes files, `background`
//! ahead of time; `driver` and `log` add the threads. Everything else runs without any; `stepped` is a whole log that does,
//! for simulation.

mod background;
mod disk;
mod driver;
mod entries;
mod error;
mod fields;
mod flushed;
mod found;
mod frame;
mod head;
mod histogram;
mod index;
mod leaders;
mod live;
mod log;
mod memory;
mod moving;
mod options;
mod reading;
mod record;
mod recover;
mod room;
mod segment;
mod stats;
#[cfg(any(test, feature = "simulation"))]
mod stepped;
mod supply;
mod view;
mod writer;

#[cfg(any(test, feature = "simulation"))]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use disk::{Disk, DiskFile, FsDisk};
pub use error::WalError;
pub use histogram::{Durations, Histogram, Numbers, Sizes};
pub use log::SharedLog;
pub use memory::Done;
pub use options::{APPEND_BYTES_MAX, WalOptions};
pub use record::{Entry, EntryId};
pub use stats::{GroupStats, WalStats};
#[cfg(any(test, feature = "simulation"))]
pub use stepped::LogSteps;
