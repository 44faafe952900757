//! The two clocks a node may read. In a simulated world they are that world's.

use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(feature = "simulation")]
use raft_store::simulation::world;
use rustix::time::{ClockId, clock_gettime};

/// Milliseconds since the machine started, suspended time included: a clock that never steps.
pub fn boot_ms() -> u64 {
    boot_ns() / 1_000_000
}

/// The same in nanoseconds, for measuring.
pub fn boot_ns() -> u64 {
    #[cfg(feature = "simulation")]
    if let Some(world) = world() {
        return world.boot_ns();
    }
    ns(ClockId::Boottime)
}

/// How long the machine has been suspended since it started, ms, give or take the time between two readings.
/// Leases are counted on a clock that stands still meanwhile, so a leader looks here before it trusts one.
pub fn suspended_ms() -> u64 {
    #[cfg(feature = "simulation")]
    if let Some(world) = world() {
        return world.suspended_ms();
    }
    boot_ms().saturating_sub(ns(ClockId::Monotonic) / 1_000_000)
}

/// The wall clock, ms since 1970; it may step either way, so it decides no expiry.
pub fn wall_ms() -> u64 {
    #[cfg(feature = "simulation")]
    if let Some(world) = world() {
        return world.wall_ms();
    }
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

fn ns(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
