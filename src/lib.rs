//! Quorate, a strongly consistent, sharded cache: the server's library.
pub mod ring;
