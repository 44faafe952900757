//! Quorate's store: what one Raft group replicates, and what keeps it on disk.
//!
//! Two halves that do not mix:
//! - the **pure core** ([`command`], [`map`], [`snapshot`]): commands, the TTL map, group time and the
//!   snapshot codec. No clock, no randomness, no I/O; same log in, same bytes out, on every replica.
//! - the **disk** ([`wal`], [`snapshot_store`]) and the thin adapters that give both halves to openraft
//!   ([`raft`]).
//!
//! This crate has no socket and never reads a clock (`clippy.toml` enforces it). `simulation`, which only tests and the
//! feature of that name compile, is where a simulator provides what would come from the system.

#[macro_use]
pub mod mutants;

pub mod blocking;
pub mod codec;
pub mod command;
pub mod key;
pub mod limits;
pub mod map;
#[cfg(any(test, feature = "simulation"))]
mod power;
pub mod raft;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
pub mod slot;
pub mod snapshot;
pub mod snapshot_store;
pub mod wal;

/// Number of one Raft group; 0 is the meta group.
pub type GroupId = u32;
/// Number of one node; never used again after its disk was wiped.
pub type NodeId = u64;
