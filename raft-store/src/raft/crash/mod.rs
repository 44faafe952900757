//! Power loss over log and snapshots together, at every operation of either in turn.
//!
//! A plan of steps (append, vote, apply, build, purge, install, …) is drawn from a seed and led once without a fault,
//! which counts the operations on the disks. Then it is led again for each of them, with the power going there:
//! what was not synced is lost or torn as the seed says, the node starts as it would, often losing power once more
//! while it does, and the rest of the plan follows.
//!
//! The real [`GroupLog`] and [`GroupStateMachine`] run on the faulty twins of their disks, called as openraft calls them,
//! and started by openraft's own `StorageHelper`. What is found after each crash is compared with what was reported durable
//! and what was asked for since: votes, entries, purges, snapshots. Everything a state machine ever shows is compared
//! with the one history of its group.
//!
//! [`GroupLog`]: crate::raft::GroupLog
//! [`GroupStateMachine`]: crate::raft::GroupStateMachine

mod by_hand;
mod held;
mod history;
mod node;
mod plan;
mod replica;
mod steps;
mod tests;
