//! Jepsen-style checks of Quorate: drive real nodes, hurt them, record what clients saw, judge it.
//!
//! - [`history`]: what clients asked and were told, as JSON lines;
//! - [`edn`]: the same as Jepsen and Knossos write it;
//! - [`checker`]: pure functions from a history to a [`checker::Verdict`];
//! - [`timeline`]: a failing history as a drawing;
//! - [`disk`]: a disk that loses, tears, fails and fills, under real processes;
//! - [`cluster`]: real `quorate` processes on this machine, and the faults done to them;
//! - [`netns`]: a network namespace for every node, and wires between them that fail in every way;
//! - [`nemesis`]: rounds in which all of this goes wrong at once, drawn from a seed;
//! - [`http`], [`client`]: an HTTP client that maps every answer to `ok`, `fail` or `unknown`, exactly;
//! - [`admin`]: what the cluster says of itself, and changes of its members;
//! - [`workload`]: concurrent clients that write a history until told to stop; [`drive`] does no more than that;
//! - [`report`]: faults over time, and what a run did, for people.
//!
//! The checker relies on none of the rest, so that a simulation can use it as well.

pub mod admin;
pub mod binary;
pub mod checker;
pub mod client;
pub mod cluster;
pub mod crash;
pub mod disk;
pub mod drive;
pub mod edn;
pub mod history;
pub mod http;
#[cfg(feature = "mutants")]
pub mod mutants;
pub mod nemesis;
pub mod netns;
pub mod ports;
pub mod process;
pub mod public;
pub mod report;
pub mod scenario;
pub mod seed;
pub mod sim;
pub mod timeline;
pub mod wait;
pub mod workload;
