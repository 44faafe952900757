//! What one thread's connections saw: a histogram for each kind of operation, one for the current interval, errors.
//!
//! In a closed loop an answer counts if it came within the window; in an open loop if its operation was due within,
//! however late it came. Rates are always of answers that came within.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::mix::Kind;
use super::window::Window;

/// Longest latency a histogram holds, ns; longer ones count as this.
const LATENCY_NS_MAX: u64 = 120_000_000_000;
/// Significant figures a histogram keeps.
const FIGURES: u8 = 3;
/// Errors shown in words; all are counted.
const ERRORS_SHOWN_MAX: usize = 3;

/// A histogram of ns.
pub(crate) fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATENCY_NS_MAX, FIGURES)?)
}

/// One kind's operations.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    /// From when they were due (open loop) or begun (closed loop) to the answer, ns.
    pub(crate) latencies: Histogram<u64>,
    /// Answers that came within the window.
    pub(crate) within: u64,
}

/// What was seen in the window.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    window: Window,
    open: bool,
    /// In the order of [`Kind::ALL`].
    pub(crate) kinds: Vec<Counted>,
    /// Open loop: how long operations waited for a free connection, ns.
    pub(crate) waits: Histogram<u64>,
    /// All kinds since the last [`Recorder::take_interval`].
    interval: Interval,
    /// Operations without a good answer.
    pub(crate) errors: u64,
    /// Some of them in words.
    pub(crate) error_samples: Vec<String>,
}

/// What was seen in some time.
#[derive(Debug, Clone)]
pub(crate) struct Interval {
    /// Of good answers, ns.
    pub(crate) latencies: Histogram<u64>,
    /// Operations without one.
    pub(crate) errors: u64,
}

impl Interval {
    /// Nothing yet.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self { latencies: histogram()?, errors: 0 })
    }
}

impl Recorder {
    /// Nothing yet.
    pub(crate) fn new(window: Window, open: bool) -> anyhow::Result<Self> {
        let counted = || anyhow::Ok(Counted { latencies: histogram()?, within: 0 });
        Ok(Self {
            window,
            open,
            kinds: Kind::ALL.iter().map(|_| counted()).collect::<anyhow::Result<_>>()?,
            waits: histogram()?,
            interval: Interval::new()?,
            errors: 0,
            error_samples: Vec::new(),
        })
    }

    /// An operation due at `due` was sent at `sent`.
    pub(crate) fn sent(&mut self, due: Instant, sent: Instant) {
        if self.open && self.window.has(due) {
            self.waits.saturating_record(ns(sent - due));
        }
    }

    /// An operation due at `due` was answered at `at`.
    pub(crate) fn answered(&mut self, kind: Kind, due: Instant, at: Instant) {
        let counted = &mut self.kinds[kind as usize];
        counted.within += u64::from(self.window.has(at));
        if self.window.has(if self.open { due } else { at }) {
            let latency = ns(at.saturating_duration_since(due));
            counted.latencies.saturating_record(latency);
            self.interval.latencies.saturating_record(latency);
        }
    }

    /// An operation due at `due` had no good answer by `at`.
    pub(crate) fn failed(&mut self, due: Instant, at: Instant, why: impl FnOnce() -> String) {
        if self.window.has(if self.open { due } else { at }) {
            self.errors += 1;
            self.interval.errors += 1;
        }
        // Errors of the warm-up are told as well: they may explain why nothing follows.
        if self.error_samples.len() < ERRORS_SHOWN_MAX {
            let why = why();
            if !self.error_samples.contains(&why) {
                self.error_samples.push(why);
            }
        }
    }

    /// What was seen since this was last asked.
    pub(crate) fn take_interval(&mut self, into: &mut Interval) -> anyhow::Result<()> {
        into.latencies.add(&self.interval.latencies)?;
        into.errors += self.interval.errors;
        self.interval.latencies.reset();
        self.interval.errors = 0;
        Ok(())
    }

    /// Adds what another thread saw.
    pub(crate) fn add(&mut self, other: Self) -> anyhow::Result<()> {
        for (mine, theirs) in self.kinds.iter_mut().zip(other.kinds) {
            mine.latencies.add(&theirs.latencies)?;
            mine.within += theirs.within;
        }
        self.waits.add(&other.waits)?;
        self.errors += other.errors;
        self.error_samples.extend(other.error_samples);
        self.error_samples.sort();
        self.error_samples.dedup();
        self.error_samples.truncate(ERRORS_SHOWN_MAX);
        Ok(())
    }
}

fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn recorder(open: bool) -> (Recorder, Instant) {
        let window = Window::from_now(5 * MS, 10 * MS);
        (Recorder::new(window, open).unwrap(), window.start)
    }

    fn counts(recorder: &Recorder) -> (u64, u64) {
        let set = &recorder.kinds[Kind::Set as usize];
        (set.latencies.len(), set.within)
    }

    #[test]
    fn a_closed_loop_counts_what_was_answered_within() {
        let (mut recorder, start) = recorder(false);
        recorder.answered(Kind::Set, start - MS, start + MS);
        recorder.answered(Kind::Set, start + 9 * MS, start + 11 * MS);
        recorder.answered(Kind::Set, start - 2 * MS, start - MS);
        assert_eq!(counts(&recorder), (1, 1));
        assert!(recorder.kinds[Kind::Set as usize].latencies.max() >= 2_000_000);
    }

    #[test]
    fn an_open_loop_counts_what_was_due_within_however_late() {
        let (mut recorder, start) = recorder(true);
        recorder.answered(Kind::Set, start + 9 * MS, start + 900 * MS);
        recorder.answered(Kind::Set, start - MS, start + MS);
        assert_eq!(counts(&recorder), (1, 1));
        let latencies = &recorder.kinds[Kind::Set as usize].latencies;
        assert!(latencies.min() >= 890_000_000 && latencies.max() <= 892_000_000);
    }

    #[test]
    fn errors_count_in_no_latency_and_alike_ones_are_told_once() {
        let (mut recorder, start) = recorder(false);
        for _ in 0..5 {
            recorder.failed(start, start + MS, || "busy".into());
        }
        recorder.failed(start - 2 * MS, start - MS, || "early".into());
        assert_eq!((recorder.errors, counts(&recorder)), (5, (0, 0)));
        assert_eq!(recorder.error_samples, ["busy", "early"]);
    }

    #[test]
    fn an_interval_is_taken_once() {
        let (mut recorder, start) = recorder(false);
        recorder.answered(Kind::Get, start, start + MS);
        let (mut first, mut second) = (Interval::new().unwrap(), Interval::new().unwrap());
        recorder.take_interval(&mut first).unwrap();
        recorder.take_interval(&mut second).unwrap();
        assert_eq!((first.latencies.len(), second.latencies.len()), (1, 0));
    }

    #[test]
    fn threads_add_up() {
        let (mut one, start) = recorder(false);
        let mut other = one.clone();
        one.answered(Kind::Set, start, start + MS);
        other.answered(Kind::Set, start, start + MS);
        other.failed(start, start + MS, || "busy".into());
        one.add(other).unwrap();
        assert_eq!((counts(&one), one.errors), ((2, 2), 1));
    }
}
