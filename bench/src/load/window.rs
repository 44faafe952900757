//! When what happens counts.

use std::time::{Duration, Instant};

/// A run: the warm-up, then the window in which things count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Beginning of the warm-up.
    pub(crate) begin: Instant,
    /// Its end.
    pub(crate) start: Instant,
    /// End of the run.
    pub(crate) end: Instant,
}

impl Window {
    /// A run that begins now.
    pub(crate) fn from_now(warmup: Duration, duration: Duration) -> Self {
        let begin = Instant::now();
        Self { begin, start: begin + warmup, end: begin + warmup + duration }
    }

    /// Whether what happens at `at` counts.
    pub(crate) fn has(&self, at: Instant) -> bool {
        (self.start..self.end).contains(&at)
    }
}
