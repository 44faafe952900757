//! Whole groups: three replicas in one process, with partitions, restarts and leaders that move.
//!
//! What a test waits for is a condition with a deadline. Time itself is waited for only where it is what is
//! tested: leases, embargoes, deadlines of keys.

mod batching;
mod embargo;
mod expiry;
mod gate;
mod late_answers;
mod leases;
mod leaving;
mod members;
mod proposals;
mod reads;
mod rig;
mod scan;
mod snapshots;
mod steps;
mod streams;
mod succession;
