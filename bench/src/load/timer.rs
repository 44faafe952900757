//! A timer finer than tokio's millisecond: an open loop's operations are due at their microsecond.

use std::io::{self, ErrorKind};
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::net::unix::pipe::Receiver;

/// One timer of the kernel.
#[derive(Debug)]
pub(crate) struct Timer {
    /// Sets it.
    set: OwnedFd,
    /// Hears of it: to a reader a timer is a pipe that gives eight bytes once it is time.
    rung: Receiver,
}

impl Timer {
    /// A timer of the current runtime.
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let set = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self { rung: Receiver::from_owned_fd_unchecked(set.try_clone()?)?, set })
    }

    /// Waits; not a moment if there is nothing to wait for.
    pub(crate) async fn wait(&mut self, time: Duration) -> io::Result<()> {
        if time.is_zero() {
            return Ok(());
        }
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
        let once = Itimerspec { it_interval: never, it_value: value };
        timerfd_settime(&self.set, TimerfdTimerFlags::empty(), &once)?;
        loop {
            self.rung.readable().await?;
            match self.rung.try_read(&mut [0; 8]) {
                // It rang for a wait that was given up, and setting it anew silenced it.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read.map(drop),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn waits_as_long_as_it_is_told_each_time() {
        let mut timer = Timer::new().unwrap();
        let began = Instant::now();
        for _ in 0..10 {
            timer.wait(Duration::from_micros(300)).await.unwrap();
        }
        assert!(began.elapsed() >= Duration::from_millis(3));
        timer.wait(Duration::ZERO).await.unwrap();
    }

    #[tokio::test]
    async fn a_wait_given_up_does_not_end_the_next_one_early() {
        let mut timer = Timer::new().unwrap();
        let wait = Duration::from_millis(50);
        let began = Instant::now();
        assert!(timer.wait(wait).now_or_never().is_none());
        while began.elapsed() <= wait {
            std::thread::yield_now();
        }
        let began = Instant::now();
        timer.wait(Duration::from_millis(5)).await.unwrap();
        assert!(began.elapsed() >= Duration::from_millis(5));
    }
}
