//! The data commands against a real map: what Redis 7.0.15 answered, what differs, and what is asked for.
//!
//! `transcripts` holds sessions of `redis-cli --no-raw` with Redis 7.0.15, command by command; every answer must be the
//! same here. What differs from Redis is tested by hand beside them.

mod asked;
mod differs;
mod server;
mod shown;
mod texts;
mod transcripts;

use super::super::plan::Context;

/// Wall clock of the tests, far from group time, so that one taken for the other shows.
const WALL_MS: u64 = 1_800_000_000_000;
/// Group time when a test begins.
const TIME_MS: u64 = 5_000_000;

const CONTEXT: Context = Context { namespace: 0, value_bytes_max: 1 << 20, wall_ms: WALL_MS };
