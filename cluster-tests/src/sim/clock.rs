//! The clocks of one simulated machine, and its randomness.
//!
//! Three clocks, as Linux has them: the monotonic one, which is that of the node's paused tokio runtime; the boot clock,
//! which also counts suspends; the wall clock, which somebody can set. All three run at the machine's own rate. A process that is started again finds
//! the boot clock further on; a machine that lost power finds it near zero.

use std::cell::{Cell, RefCell};

use raft_store::simulation::World;
use rand::RngCore;
use rand::rngs::StdRng;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// Nanoseconds in a millisecond.
pub const MS: u64 = 1_000_000;
/// Nanoseconds in a second.
pub const SECOND: u64 = 1000 * MS;
/// The wall clock when a simulation begins, ms since 1970: some day in 2026.
const WALL_START_MS: u64 = 1_790_000_000_000;
/// Parts in a whole, of drift.
const MILLION: u128 = 1_000_000;

/// The clocks of one machine.
#[derive(Debug)]
pub struct Clock {
    /// What the boot clock showed, without suspends, when the present process started, ns.
    base_ns: Cell<u64>,
    /// When the present process started, on its runtime's clock.
    started: Cell<Option<Instant>>,
    /// How long the present process may have run by now, ns of this machine's clock.
    ran_ns: Cell<u64>,
    suspended_ns: Cell<u64>,
    /// Wall clock minus boot clock, ms.
    wall_offset_ms: Cell<i64>,
    /// Rate: how many parts in a million this machine's clocks are fast.
    fast_ppm: Cell<i64>,
    random: RefCell<StdRng>,
}

impl Clock {
    /// Clocks of a machine that has been up for a minute.
    pub fn new(random: StdRng) -> Self {
        let base_ns = 60 * SECOND;
        Self {
            base_ns: Cell::new(base_ns),
            started: Cell::new(None),
            ran_ns: Cell::new(0),
            suspended_ns: Cell::new(0),
            wall_offset_ms: Cell::new((WALL_START_MS - base_ns / MS).cast_signed()),
            fast_ppm: Cell::new(0),
            random: RefCell::new(random),
        }
    }

    /// Begins a process whose runtime's clock shows `now`.
    pub fn start(&self, now: Instant) {
        self.started.set(Some(now));
        self.ran_ns.set(0);
    }

    /// Ends the process: what its clock showed is kept.
    pub fn stop(&self) {
        self.base_ns.set(self.monotonic_ns());
        self.ran_ns.set(0);
        self.started.set(None);
    }

    /// The machine lost its power: the boot clock begins again, the wall clock goes on.
    pub fn power_loss(&self) {
        let (wall, boot) = (self.wall(), 2 * SECOND);
        self.base_ns.set(boot);
        self.suspended_ns.set(0);
        self.wall_offset_ms.set(wall - (boot / MS).cast_signed());
    }

    /// `true_ns` of true time pass; until when, on the runtime's clock, a process that runs may go on.
    pub fn pass(&self, true_ns: u64) -> Option<Instant> {
        let rate = MILLION.saturating_add_signed(i128::from(self.fast_ppm.get()));
        let local_ns = (u128::from(true_ns) * rate / MILLION) as u64;
        let Some(started) = self.started.get() else {
            self.base_ns.set(self.base_ns.get() + local_ns);
            return None;
        };
        self.ran_ns.set(self.ran_ns.get() + local_ns);
        Some(started + std::time::Duration::from_nanos(self.ran_ns.get()))
    }

    /// The machine sleeps for `true_ns` of true time: the monotonic clock stands still.
    pub fn suspend(&self, true_ns: u64) {
        self.suspended_ns.set(self.suspended_ns.get() + true_ns);
    }

    /// Sets the wall clock ahead by `ms`, or back.
    pub fn jump(&self, ms: i64) {
        self.wall_offset_ms.set(self.wall_offset_ms.get() + ms);
    }

    /// Changes the rate: the clocks gain `ppm` millionths from now on.
    pub fn drift(&self, ppm: i64) {
        self.fast_ppm.set(ppm);
    }

    fn wall(&self) -> i64 {
        (self.boot_ns() / MS).cast_signed() + self.wall_offset_ms.get()
    }

    /// Inside the process the runtime's clock, which moves from timer to timer; outside, as far as that may be.
    fn monotonic_ns(&self) -> u64 {
        let ran = match self.started.get() {
            Some(started) if Handle::try_current().is_ok() => started.elapsed().as_nanos() as u64,
            _ => self.ran_ns.get(),
        };
        self.base_ns.get() + ran
    }
}

impl World for Clock {
    fn boot_ns(&self) -> u64 {
        self.monotonic_ns() + self.suspended_ns.get()
    }

    fn suspended_ms(&self) -> u64 {
        self.suspended_ns.get() / MS
    }

    fn wall_ms(&self) -> u64 {
        self.wall().max(0).cast_unsigned()
    }

    fn random_u64(&self) -> u64 {
        self.random.borrow_mut().next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::seed::Seed;

    fn clock() -> Clock {
        Clock::new(Seed(1).stream("clock"))
    }

    #[test]
    fn a_fast_clock_gains_and_a_suspend_is_seen_by_the_boot_clock_alone() {
        let clock = clock();
        let (boot, wall) = (clock.boot_ns(), clock.wall_ms());
        clock.drift(10_000);
        clock.pass(100 * SECOND);
        assert_eq!((clock.boot_ns() - boot, clock.wall_ms() - wall), (101 * SECOND, 101_000));
        clock.suspend(SECOND);
        assert_eq!((clock.boot_ns() - boot, clock.suspended_ms()), (102 * SECOND, 1000));
        clock.jump(-5000);
        assert_eq!((clock.boot_ns() - boot, clock.wall_ms() - wall), (102 * SECOND, 97_000));
    }

    #[test]
    fn a_power_loss_sets_the_boot_clock_back_and_not_the_wall_clock() {
        let clock = clock();
        clock.pass(1000 * SECOND);
        let wall = clock.wall_ms();
        clock.power_loss();
        assert_eq!((clock.boot_ns(), clock.wall_ms()), (2 * SECOND, wall));
    }

    #[test]
    fn inside_a_process_the_runtime_tells_the_time() {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let clock = clock();
        let boot = clock.boot_ns();
        runtime.block_on(async { clock.start(Instant::now()) });
        let until = clock.pass(10 * MS).expect("a process runs");
        let halfway = runtime.block_on(async {
            tokio::time::sleep(std::time::Duration::from_millis(4)).await;
            let halfway = clock.boot_ns();
            tokio::time::sleep_until(until).await;
            halfway
        });
        assert_eq!((halfway - boot, clock.boot_ns() - boot), (4 * MS, 10 * MS));
    }
}
