//! One real node, and peers that answer as a test wants.

mod disk;
mod encodings;
mod fakes;
mod keyspace;
mod leaving;
mod many;
mod repair;
mod routing;
#[cfg(feature = "simulation")]
mod simulated;
mod soak;
mod three;
