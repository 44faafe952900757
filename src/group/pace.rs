//! Holds the snapshots a node sends to a rate, so that they leave processor, disk and network to its writes.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// A token bucket without a burst, shared by every stream of a node: who comes while it is empty waits its turn.
#[derive(Debug)]
pub(crate) struct Pace {
    bytes_per_s: u64,
    /// When what was let through so far has been paid for.
    paid_at: Mutex<Instant>,
}

impl Pace {
    /// Lets `bytes_per_s` through each second, which must be at least 1.
    pub(crate) fn new(bytes_per_s: u64) -> Self {
        Self { bytes_per_s: bytes_per_s.max(1), paid_at: Mutex::new(Instant::now()) }
    }

    /// Waits until `bytes` may go. Whoever gives up before has paid all the same.
    pub(crate) async fn take(&self, bytes: usize) {
        tokio::time::sleep_until(self.reserve(bytes, Instant::now())).await;
    }

    /// When `bytes` asked for at `now` may go: once all before them are paid for.
    fn reserve(&self, bytes: usize, now: Instant) -> Instant {
        let cost = Duration::from_secs_f64(bytes as f64 / self.bytes_per_s as f64);
        let mut paid_at = self.paid_at.lock();
        let goes_at = now.max(*paid_at);
        *paid_at = goes_at + cost;
        goes_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_rate_holds_over_all_who_take_and_idle_time_earns_nothing() {
        let pace = Pace::new(1000);
        let start = Instant::now() + Duration::from_secs(1);
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(pace.reserve(500, at(0)), at(0));
        assert_eq!(pace.reserve(250, at(0)), at(500));
        assert_eq!(pace.reserve(1, at(600)), at(750));
        assert_eq!(pace.reserve(1000, at(9000)), at(9000));
        assert_eq!(pace.reserve(1, at(9000)), at(10_000));
    }
}
