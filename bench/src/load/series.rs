//! What was seen over time: rate and latencies of each interval.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::recorder::{Interval, Recorder};
use super::us;

/// What was seen in one interval; latencies count where the answer came, however long before it was due.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// End of the interval, seconds from the beginning of the window.
    pub(crate) at_s: f64,
    /// Good answers a second.
    pub(crate) per_second: f64,
    /// Operations without one, in all.
    pub(crate) errors: u64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) max_us: f64,
}

/// Takes samples at fixed times.
#[derive(Debug)]
pub(crate) struct Sampler {
    start: Instant,
    last: Instant,
    interval: Duration,
    samples: Vec<Sample>,
}

impl Sampler {
    /// A sample each `interval` from `start` on.
    pub(crate) fn new(start: Instant, interval: Duration) -> Self {
        Self { start, last: start, interval, samples: Vec::new() }
    }

    /// When the current interval ends.
    pub(crate) fn next_at(&self) -> Instant {
        self.last + self.interval
    }

    /// What was seen since the last sample, which is `at`'s unless nothing was.
    pub(crate) fn sample(
        &mut self,
        recorders: &[Arc<Mutex<Recorder>>],
        at: Instant,
    ) -> anyhow::Result<Option<Sample>> {
        let mut seen = Interval::new()?;
        for recorder in recorders {
            recorder.lock().take_interval(&mut seen)?;
        }
        let length = at.saturating_duration_since(self.last);
        self.last = self.last.max(at);
        let latencies = &seen.latencies;
        if length.is_zero() || (latencies.is_empty() && seen.errors == 0) {
            return Ok(None);
        }
        let sample = Sample {
            at_s: (self.last - self.start).as_secs_f64(),
            per_second: latencies.len() as f64 / length.as_secs_f64(),
            errors: seen.errors,
            p50_us: us(latencies.value_at_quantile(0.5)),
            p99_us: us(latencies.value_at_quantile(0.99)),
            max_us: us(latencies.max()),
        };
        self.samples.push(sample);
        Ok(Some(sample))
    }

    /// All samples.
    pub(crate) fn finish(self) -> Vec<Sample> {
        self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::super::mix::Kind;
    use super::super::window::Window;
    use super::*;

    #[test]
    fn a_sample_is_what_was_seen_in_its_interval() {
        let second = Duration::from_secs(1);
        let window = Window::from_now(Duration::ZERO, 10 * second);
        let start = window.start;
        let recorders = [Arc::new(Mutex::new(Recorder::new(window, false).unwrap()))];
        let mut sampler = Sampler::new(start, 2 * second);
        for _ in 0..10 {
            recorders[0].lock().answered(Kind::Get, start, start + second);
        }
        let first = sampler.sample(&recorders, sampler.next_at()).unwrap().unwrap();
        assert_eq!((first.at_s, first.per_second, first.errors), (2.0, 5.0, 0));
        assert!((first.p50_us / 1e6 - 1.0).abs() < 0.01, "{}", first.p50_us);
        assert_eq!(sampler.sample(&recorders, sampler.next_at()).unwrap(), None);
        recorders[0].lock().failed(start, start + second, String::new);
        let third = sampler.sample(&recorders, sampler.next_at()).unwrap().unwrap();
        assert_eq!((third.at_s, third.per_second, third.errors), (6.0, 0.0, 1));
        assert_eq!(sampler.finish().len(), 2);
    }
}
