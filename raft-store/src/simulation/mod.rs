//! Where a simulator takes hold of this code: time, randomness and disks that are its own.
//!
//! A [`World`] stands for the machine a node runs on. While one is entered on a thread ([`enter`]), code on that thread
//! reads its clocks, draws its random numbers and does blocking work in place ([`crate::blocking`]); everything else
//! stays tokio's: tasks, channels, and timers, whose clock the simulator pauses and moves. The disks are the faulty
//! twins that the store's own tests use: [`FaultyDisk`] under the log, which is driven by hand
//! ([`crate::wal::SharedLog::open_stepped`]), and [`FaultySnapshots`] under the snapshot store
//! ([`crate::snapshot_store::SnapshotStore::open_simulated`]).
//!
//! Compiled for tests and with the feature `simulation` only, which no shipped program has. Outside a world all code
//! behaves as without the feature.

#[cfg(test)]
mod fixed;
mod random;
mod world;

pub use crate::snapshot_store::faulty::{FaultySnapshots, FlushFault};
pub use crate::wal::testing::{Chance, Fault, FaultyDisk};
#[cfg(test)]
pub(crate) use fixed::Fixed;
pub use random::Random;
pub use world::{Entered, World, enter, world};
