//! Whole clusters in one thread, from one seed.

pub mod clock;
pub mod entropy;
pub mod net;
pub mod seed;
pub mod trace;
