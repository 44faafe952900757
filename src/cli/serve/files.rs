//! Room for connections: each is an open file, and of those a process may have few unless it asks.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Asks for as many open files as the system allows; says so when they are fewer than `connections`.
pub(super) fn open_many(connections: usize) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let asked = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    // Without a number there is no limit.
    let allowed = if asked.is_ok() { maximum } else { current };
    if let Some(allowed) = allowed.filter(|allowed| *allowed <= connections as u64) {
        warn!(allowed, connections, "the system allows fewer open files than --resp-connections needs");
    }
}
