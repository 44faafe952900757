//! One real node, and peers that answer as a test wants.

mod disk;
mod encodings;
mod fakes;
mod joining;
mod keyspace;
mod leaving;
mod local;
mod many;
mod repair;
mod routing;
#[cfg(feature = "simulation")]
mod simulated;
mod snapshots;
mod soak;
mod three;
mod together;
#[cfg(feature = "simulation")]
mod turns;
mod word;
