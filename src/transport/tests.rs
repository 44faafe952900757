//! Tests of the whole transport over loopback.

mod calls;
mod failures;
mod greeting;
mod harness;
#[cfg(feature = "simulation")]
mod simulated;
mod tls;
