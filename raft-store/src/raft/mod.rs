//! The adapters to openraft: its type configuration, log store and state machine for one group.
//!
//! openraft's API still moves, so its names stay within this module and the server's group layer.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod crash;
mod log_store;
pub mod messages;
#[cfg(feature = "mutants")]
mod mutants;
pub mod recovery;
#[cfg(any(test, feature = "simulation"))]
mod runtime;
mod state_machine;
mod types;

pub use log_store::GroupLog;
#[cfg(any(test, feature = "simulation"))]
pub use runtime::Runtime;
pub use state_machine::{
    ApplyObserver, CommitGate, GroupSnapshot, GroupSnapshotBuilder, GroupStateMachine, Prepared, SharedMap,
    SnapshotPin, snapshot_meta,
};
pub use types::*;

/// The runtime openraft runs on. For tests and simulation it is a thin one of our own, around this.
#[cfg(not(any(test, feature = "simulation")))]
pub type Runtime = openraft::impls::TokioRuntime;
