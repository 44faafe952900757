//! A world for tests in which nothing moves.

use super::World;

/// Every clock and every random number says this.
pub(crate) struct Fixed(pub(crate) u64);

impl World for Fixed {
    fn boot_ns(&self) -> u64 {
        self.0
    }

    fn suspended_ms(&self) -> u64 {
        self.0
    }

    fn wall_ms(&self) -> u64 {
        self.0
    }

    fn random_u64(&self) -> u64 {
        self.0
    }
}
