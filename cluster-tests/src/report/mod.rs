//! Reports: what a run did, what was done to it, and what came of it.
//!
//! Pure but for reading and writing a run's folder; relies on [`crate::history`] and the checker alone.

pub mod fault;

pub use self::fault::{At, FaultEvent};
