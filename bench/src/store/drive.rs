//! Drives one replica as a leader drives its group: what is due waits for one entry, which is appended, synced and
//! applied before the next one; ticks move group time while deadlines are held.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use raft_store::command::{Command, PackedEntry, Packer};
use raft_store::limits::PACKED_COMMANDS_MAX;

use super::latency::{histogram, record};
use super::replica::Replica;
use crate::schedule::Schedule;

/// Longest a leader lets group time stand still while it holds deadlines.
const TICK_INTERVAL: Duration = Duration::from_secs(1);
/// Longest the driver sleeps, so that it sees in time that what it waits for is over.
const NAP_MAX: Duration = Duration::from_millis(1);

/// Writes at a fixed rate.
pub(crate) struct Driver<F> {
    /// Group time counts from here.
    zero: Instant,
    schedule: Schedule,
    /// The command for piece `k`.
    command: F,
    last_entry: Instant,
}

/// What was seen while driving.
pub(crate) struct Seen {
    /// From when a write was due to when it was applied.
    pub(crate) writes: Histogram<u64>,
    /// Applying one entry.
    pub(crate) applies: Histogram<u64>,
    began: Instant,
    ended: Instant,
}

impl Seen {
    /// Nothing yet.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let now = Instant::now();
        Ok(Self { writes: histogram()?, applies: histogram()?, began: now, ended: now })
    }

    /// From the beginning to the end of the last step.
    pub(crate) fn seconds(&self) -> f64 {
        (self.ended - self.began).as_secs_f64()
    }

    /// Time since the beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl<F: FnMut(u64) -> Command> Driver<F> {
    /// `rate` writes each second from now on, made by `command`.
    pub(crate) fn new(zero: Instant, rate: u64, command: F) -> Self {
        let now = Instant::now();
        Self { zero, schedule: Schedule::new(now, rate), command, last_entry: now }
    }

    /// The leader's clock, ms.
    pub(crate) fn now_ms(&self) -> u64 {
        self.zero.elapsed().as_millis() as u64
    }

    /// One entry with what is due, or a short wait when nothing is. Returns the entry.
    pub(crate) async fn step(
        &mut self,
        replica: &mut Replica,
        seen: &mut Seen,
    ) -> anyhow::Result<Option<PackedEntry>> {
        let due = self.schedule.take_due(Instant::now(), PACKED_COMMANDS_MAX as u64);
        if due.is_empty() && !self.tick_is_due(replica) {
            let wait = self.schedule.next_at().saturating_duration_since(Instant::now());
            std::thread::sleep(wait.min(NAP_MAX));
            return Ok(None);
        }
        let mut packer = Packer::new();
        due.clone().for_each(|k| packer.push(&(self.command)(k)));
        let now_ms = self.now_ms();
        let entry = packer.finish(now_ms, now_ms);
        let apply = replica.commit(entry.clone()).await?;
        let done = Instant::now();
        record(&mut seen.applies, apply);
        due.for_each(|k| record(&mut seen.writes, done.saturating_duration_since(self.schedule.due_at(k))));
        self.last_entry = done;
        seen.ended = done;
        Ok(Some(entry))
    }

    fn tick_is_due(&self, replica: &Replica) -> bool {
        let deadline = replica.map().read().next_deadline();
        let late = self.last_entry.elapsed() >= TICK_INTERVAL;
        deadline.is_some_and(|deadline| late || deadline <= self.now_ms())
    }

    /// Drives for some time.
    pub(crate) async fn run(&mut self, replica: &mut Replica, time: Duration) -> anyhow::Result<Seen> {
        let mut seen = Seen::new()?;
        while seen.elapsed() < time {
            self.step(replica, &mut seen).await?;
        }
        Ok(seen)
    }
}
