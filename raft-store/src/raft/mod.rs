//! The adapters to openraft: its type configuration, log store and state machine for one group.
//!
//! openraft's API still moves, so its names stay within this module and the server's group layer.

#[cfg(test)]
mod conformance;
mod log_store;
pub mod messages;
#[cfg(feature = "mutants")]
mod mutants;
mod state_machine;
mod types;

pub use log_store::GroupLog;
pub use state_machine::{
    ApplyObserver, GroupSnapshot, GroupSnapshotBuilder, GroupStateMachine, Prepared, SharedMap, SnapshotPin,
    snapshot_meta,
};
pub use types::*;
