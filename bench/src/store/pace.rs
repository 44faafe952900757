//! Open-loop schedules: work comes due at a fixed rate, whether or not the work before it is done, and a latency
//! counts from when the work was due. So what waits behind a stall is counted as late, each piece of it.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Longest latency a histogram holds, µs; longer ones count as this.
const LATENCY_US_MAX: u64 = 600_000_000;
/// Significant figures a histogram keeps.
const FIGURES: u8 = 3;

/// A fixed rate from a start on. Piece `k` is due at `start + k / rate`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    start: Instant,
    per_second: u64,
    taken: u64,
}

impl Schedule {
    /// `per_second` pieces each second from `start` on; at least one.
    pub(crate) fn new(start: Instant, per_second: u64) -> Self {
        Self { start, per_second: per_second.max(1), taken: 0 }
    }

    /// When piece `k` is due.
    pub(crate) fn due_at(&self, k: u64) -> Instant {
        let nanoseconds = u128::from(k) * 1_000_000_000 / u128::from(self.per_second);
        self.start + Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// When the next piece is due that was not taken.
    pub(crate) fn next_at(&self) -> Instant {
        self.due_at(self.taken)
    }

    /// Pieces taken so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Takes the pieces due at `now`, at most `max`; none is ever skipped.
    pub(crate) fn take_due(&mut self, now: Instant, max: u64) -> std::ops::Range<u64> {
        let first = self.taken;
        while self.taken - first < max && self.next_at() <= now {
            self.taken += 1;
        }
        first..self.taken
    }
}

/// A histogram of µs.
pub(crate) fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATENCY_US_MAX, FIGURES)?)
}

/// Counts a duration.
pub(crate) fn record(histogram: &mut Histogram<u64>, latency: Duration) {
    histogram.saturating_record(latency.as_micros() as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn pieces_come_due_at_the_rate() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 1000);
        assert_eq!(schedule.take_due(start, 100), 0..1);
        assert_eq!(schedule.take_due(start + MS / 2, 100), 1..1);
        assert_eq!(schedule.take_due(start + 2 * MS, 100), 1..3);
        assert_eq!(schedule.next_at(), start + 3 * MS);
        assert_eq!(Schedule::new(start, 3).due_at(3), start + 1000 * MS);
    }

    #[test]
    fn a_stall_skips_nothing_and_makes_what_waited_late() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 1000);
        let after_stall = start + 100 * MS;
        assert_eq!(schedule.take_due(after_stall, 64), 0..64);
        assert_eq!(schedule.take_due(after_stall, 64), 64..101);
        assert_eq!(after_stall - schedule.due_at(0), 100 * MS);
        assert_eq!(after_stall - schedule.due_at(100), Duration::ZERO);
    }

    #[test]
    fn long_latencies_are_kept_as_the_longest() {
        let mut histogram = histogram().unwrap();
        record(&mut histogram, Duration::from_secs(1_000_000));
        record(&mut histogram, MS);
        assert!(histogram.max() >= LATENCY_US_MAX && histogram.len() == 2);
    }
}
