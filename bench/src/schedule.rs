//! Open-loop schedules: work comes due at a fixed rate, whether or not the work before it is done, and a latency
//! counts from when the work was due. So what waits behind a stall is counted as late, each piece of it.

use std::time::{Duration, Instant};

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

    /// Pieces due before `at`.
    pub(crate) fn due_before(&self, at: Instant) -> u64 {
        let nanoseconds = at.saturating_duration_since(self.start).as_nanos();
        let pieces = (nanoseconds * u128::from(self.per_second)).div_ceil(1_000_000_000);
        u64::try_from(pieces).unwrap_or(u64::MAX)
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
    fn what_is_due_before_a_time_is_counted() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 1000);
        assert_eq!(schedule.due_before(start), 0);
        assert_eq!(schedule.due_before(start + MS / 2), 1);
        assert_eq!(schedule.due_before(start + MS), 1);
        assert_eq!(schedule.due_before(start + MS + Duration::from_nanos(1)), 2);
        assert_eq!(schedule.due_before(start - MS), 0);
        let thirds = Schedule::new(start, 3);
        let before = |k| thirds.due_before(thirds.due_at(k) + Duration::from_nanos(1));
        assert!((0..1000).all(|k| before(k) == k + 1));
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
}
