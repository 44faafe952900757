//! When operations begin. In a closed loop a connection begins as many as it may as soon as it is free. In an open
//! loop operations come due at a rate, and free connections take them in turn; whatever waits for a connection is
//! late, and its latency counts from when it was due (what Tene calls coordinated omission does not happen).

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::timer::Timer;
use super::window::Window;
use crate::schedule::Schedule;

/// After the end of an open loop's window, what came due before is still begun for so long.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Tells connections of one thread when to begin.
#[derive(Debug)]
pub(crate) enum Arrivals {
    /// At once, until the window ends.
    Closed(Window),
    /// As it comes due.
    Open(Window, Mutex<Due>),
}

/// What comes due, and the timer that says so.
#[derive(Debug)]
pub(crate) struct Due {
    schedule: Schedule,
    timer: Timer,
}

impl Arrivals {
    /// A closed loop, or `rate` operations each second from the beginning of the warm-up on.
    pub(crate) fn new(window: Window, rate: Option<u64>) -> std::io::Result<Self> {
        let Some(rate) = rate else { return Ok(Self::Closed(window)) };
        let due = Due { schedule: Schedule::new(window.begin, rate), timer: Timer::new()? };
        Ok(Self::Open(window, Mutex::new(due)))
    }

    /// Waits for the caller's turn, and puts the beginnings of up to `max` operations into `begun`. Nothing when the
    /// run is over.
    pub(crate) async fn take(&self, max: u64, begun: &mut Vec<Instant>) -> std::io::Result<()> {
        begun.clear();
        match self {
            Self::Closed(window) => {
                let now = Instant::now();
                let count = if now < window.end { max } else { 0 };
                begun.extend((0..count).map(|_| now));
                Ok(())
            }
            // The lock is fair, so free connections wait in a row; the first waits for the timer.
            Self::Open(window, due) => due.lock().await.take(window, max, begun).await,
        }
    }

    /// Operations due within the window that never began.
    pub(crate) async fn left(&self) -> u64 {
        let Self::Open(window, due) = self else { return 0 };
        let schedule = due.lock().await.schedule;
        let first = schedule.taken().max(schedule.due_before(window.start));
        schedule.due_before(window.end).saturating_sub(first)
    }
}

impl Due {
    async fn take(&mut self, window: &Window, max: u64, begun: &mut Vec<Instant>) -> std::io::Result<()> {
        loop {
            let now = Instant::now();
            if self.schedule.next_at() >= window.end || now >= window.end + DRAIN_MAX {
                return Ok(());
            }
            let before_end = self.schedule.due_before(window.end) - self.schedule.taken();
            let taken = self.schedule.take_due(now, max.min(before_end));
            if !taken.is_empty() {
                begun.extend(taken.map(|k| self.schedule.due_at(k)));
                return Ok(());
            }
            self.timer.wait(self.schedule.next_at().saturating_duration_since(now)).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn a_closed_loop_begins_at_once_and_ends() {
        let arrivals = Arrivals::new(Window::from_now(MS, 10 * MS), None).unwrap();
        let (mut begun, mut batches) = (Vec::new(), 0);
        loop {
            arrivals.take(3, &mut begun).await.unwrap();
            if begun.is_empty() {
                break;
            }
            assert_eq!(begun.len(), 3);
            batches += 1;
        }
        assert!(batches > 0);
    }

    #[tokio::test]
    async fn an_open_loop_begins_each_when_it_is_due_whatever_was_late() {
        let arrivals = Arrivals::new(Window::from_now(10 * MS, 40 * MS), Some(1000)).unwrap();
        let (mut begun, mut all) = (Vec::new(), Vec::new());
        loop {
            arrivals.take(4, &mut begun).await.unwrap();
            if begun.is_empty() {
                break;
            }
            assert!(begun.iter().all(|due| *due <= Instant::now()));
            all.append(&mut begun);
            if all.len() == 5 {
                // A stall: what comes due meanwhile is taken later, with the time at which it was due.
                std::thread::sleep(15 * MS);
            }
        }
        // 50 ms at 1,000 each second.
        assert_eq!(all.len(), 50);
        assert!(all.windows(2).all(|pair| pair[1] - pair[0] == MS));
        assert_eq!(arrivals.left().await, 0);
    }

    #[tokio::test]
    async fn what_never_began_is_counted() {
        let arrivals = Arrivals::new(Window::from_now(10 * MS, 20 * MS), Some(1000)).unwrap();
        let mut begun = Vec::new();
        arrivals.take(1, &mut begun).await.unwrap();
        // Due at 0, 1, … 29 ms; those of the warm-up do not count.
        assert_eq!(arrivals.left().await, 20);
    }
}
