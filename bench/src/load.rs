//! The closed loop: connections, warm-up, clock, histograms.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use hdrhistogram::Histogram;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::driver::{Connection, Driver, Request};

/// Longest latency a histogram holds, µs; longer ones count as this.
const LATENCY_US_MAX: u64 = 60_000_000;
/// Significant figures a histogram keeps.
const FIGURES: u8 = 3;
/// A request without an answer for so long is an error.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after an error, so that a refusing server is not flooded.
const RECONNECT_PAUSE: Duration = Duration::from_millis(10);
/// Errors shown in words; all are counted.
const ERRORS_SHOWN_MAX: usize = 3;

/// How hard to push, for how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct LoadArguments {
    /// Connections, each with one request under way.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=65_536))]
    pub(crate) connections: u64,
    /// How long to measure.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub(crate) duration: Duration,
    /// How long to push before that.
    #[arg(long, default_value = "2s", value_parser = duration)]
    pub(crate) warmup: Duration,
    /// Share of reads: 0.0 writes only, 1.0 reads only (of keys that are written first).
    #[arg(long, default_value_t = 0.0, value_parser = ratio)]
    pub(crate) read_ratio: f64,
    /// Number of keys, chosen evenly.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) keys: u64,
    /// Bytes of a key.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) key_size: u16,
    /// Bytes of a value.
    #[arg(long, default_value_t = 100)]
    pub(crate) value_size: u32,
    /// Where keys and the choice of reads come from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    /// How long answers were counted.
    pub(crate) elapsed: Duration,
    /// Latencies of reads, µs.
    pub(crate) reads: Histogram<u64>,
    /// Latencies of writes, µs.
    pub(crate) writes: Histogram<u64>,
    /// Requests without a good answer.
    pub(crate) errors: u64,
    /// Some of them in words.
    pub(crate) error_samples: Vec<String>,
}

/// When answers count: those that come within.
#[derive(Debug, Clone, Copy)]
struct Window {
    start: Instant,
    end: Instant,
}

/// Writes every key if reads are asked for, opens the connections, warms up and measures.
pub(crate) async fn run<D: Driver>(driver: &D, load: &LoadArguments) -> anyhow::Result<Measured> {
    if load.read_ratio > 0.0 {
        fill(driver, load).await?;
    }
    let mut connections = Vec::new();
    for index in 0..load.connections {
        connections.push(driver.connect(index).await?);
    }
    let start = Instant::now() + load.warmup;
    let window = Window { start, end: start + load.duration };
    let mut workers = JoinSet::new();
    for (index, connection) in (0..).zip(connections) {
        let worker = Worker {
            driver: driver.clone(),
            index,
            connection: Some(connection),
            random: SmallRng::seed_from_u64(load.seed.wrapping_add(index)),
            measured: Measured::new(load.duration)?,
        };
        workers.spawn(worker.run(load.clone(), window));
    }
    let mut all = Measured::new(load.duration)?;
    while let Some(measured) = workers.join_next().await {
        all.add(measured.context("a connection's task ended early")?)?;
    }
    Ok(all)
}

/// Writes every key once; the first error ends it, as reads would miss.
async fn fill<D: Driver>(driver: &D, load: &LoadArguments) -> anyhow::Result<()> {
    let mut writers = JoinSet::new();
    for index in 0..load.connections.min(load.keys) {
        let mut connection = driver.connect(index).await?;
        let numbers = (index..load.keys).step_by(load.connections as usize);
        writers.spawn(async move {
            for number in numbers {
                connection.request(Request::Set(number)).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(written) = writers.join_next().await {
        written.context("a writer ended early")?.context("write the keys that will be read")?;
    }
    Ok(())
}

/// One connection's loop.
struct Worker<D: Driver> {
    driver: D,
    index: u64,
    connection: Option<D::Connection>,
    random: SmallRng,
    measured: Measured,
}

impl<D: Driver> Worker<D> {
    async fn run(mut self, load: LoadArguments, window: Window) -> Measured {
        loop {
            let request = self.choose(&load);
            let began = Instant::now();
            if began >= window.end {
                return self.measured;
            }
            let result = self.request(request).await;
            let ended = Instant::now();
            let counts = (window.start..window.end).contains(&ended);
            match result {
                Ok(()) if counts => self.measured.record(request, ended - began),
                Ok(()) => {}
                Err(error) => {
                    self.connection = None;
                    self.measured.fail(counts, &error);
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                }
            }
        }
    }

    fn choose(&mut self, load: &LoadArguments) -> Request {
        let number = self.random.random_range(0..load.keys);
        if self.random.random_bool(load.read_ratio) { Request::Get(number) } else { Request::Set(number) }
    }

    async fn request(&mut self, request: Request) -> anyhow::Result<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.driver.connect(self.index).await?),
        };
        match timeout(REQUEST_TIMEOUT, connection.request(request)).await {
            Ok(result) => result,
            Err(_) => bail!("no answer within {REQUEST_TIMEOUT:?}"),
        }
    }
}

impl Measured {
    fn new(elapsed: Duration) -> anyhow::Result<Self> {
        let histogram = || Histogram::new_with_bounds(1, LATENCY_US_MAX, FIGURES);
        Ok(Self { elapsed, reads: histogram()?, writes: histogram()?, errors: 0, error_samples: Vec::new() })
    }

    fn record(&mut self, request: Request, latency: Duration) {
        let histogram = match request {
            Request::Get(_) => &mut self.reads,
            Request::Set(_) => &mut self.writes,
        };
        histogram.saturating_record(latency.as_micros() as u64);
    }

    fn fail(&mut self, counts: bool, error: &anyhow::Error) {
        self.errors += u64::from(counts);
        if self.error_samples.len() < ERRORS_SHOWN_MAX {
            self.error_samples.push(format!("{error:#}"));
        }
    }

    fn add(&mut self, other: Self) -> anyhow::Result<()> {
        self.reads.add(&other.reads)?;
        self.writes.add(&other.writes)?;
        self.errors += other.errors;
        self.error_samples.extend(other.error_samples);
        self.error_samples.sort();
        self.error_samples.dedup();
        self.error_samples.truncate(ERRORS_SHOWN_MAX);
        Ok(())
    }
}

/// A duration with its unit: `500ms`, `10s`, `2m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000)];
    let parse = |(unit, ms): (&str, u64)| text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(ms);
    let ms = units.into_iter().find_map(parse);
    ms.map(Duration::from_millis).ok_or_else(|| "a duration is like 500ms, 10s or 2m".into())
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio: f64 = text.parse().map_err(|_| "a ratio is like 0.0, 0.5 or 1.0".to_owned())?;
    if (0.0..=1.0).contains(&ratio) { Ok(ratio) } else { Err("a ratio is from 0.0 to 1.0".into()) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Answers after a fixed time; every tenth write fails. Counts what was asked.
    #[derive(Clone, Default)]
    struct Fake {
        connects: Arc<AtomicU64>,
        requests: Arc<AtomicU64>,
        failing: bool,
    }

    const ANSWER_TIME: Duration = Duration::from_millis(2);

    impl Driver for Fake {
        type Connection = Self;
        async fn connect(&self, _: u64) -> anyhow::Result<Self> {
            self.connects.fetch_add(1, Ordering::Relaxed);
            Ok(self.clone())
        }
    }

    impl Connection for Fake {
        async fn request(&mut self, _: Request) -> anyhow::Result<()> {
            tokio::time::sleep(ANSWER_TIME).await;
            let count = self.requests.fetch_add(1, Ordering::Relaxed);
            if self.failing && count % 10 == 9 { bail!("refused") } else { Ok(()) }
        }
    }

    fn load(read_ratio: f64) -> LoadArguments {
        LoadArguments {
            connections: 4,
            duration: Duration::from_millis(200),
            warmup: Duration::from_millis(50),
            read_ratio,
            keys: 8,
            key_size: 16,
            value_size: 100,
            seed: 1,
        }
    }

    #[tokio::test]
    async fn counts_answers_within_the_window_only() {
        let fake = Fake::default();
        let measured = run(&fake, &load(0.0)).await.unwrap();
        assert_eq!((measured.reads.len(), measured.errors), (0, 0));
        assert!(!measured.writes.is_empty() && measured.writes.len() < fake.requests.load(Ordering::Relaxed));
        assert!(measured.writes.min() >= ANSWER_TIME.as_micros() as u64);
    }

    #[tokio::test]
    async fn reads_are_of_keys_written_before() {
        let fake = Fake::default();
        let measured = run(&fake, &load(1.0)).await.unwrap();
        assert_eq!(measured.writes.len(), 0);
        assert!(fake.requests.load(Ordering::Relaxed) >= measured.reads.len() + 8);
    }

    #[tokio::test]
    async fn errors_are_counted_apart_and_reconnect() {
        let fake = Fake { failing: true, ..Fake::default() };
        let measured = run(&fake, &load(0.0)).await.unwrap();
        assert!(measured.errors > 0);
        assert_eq!(measured.error_samples, ["refused"]);
        assert!(fake.connects.load(Ordering::Relaxed) > 4);
    }

    #[test]
    fn durations_and_ratios() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("10").is_err() && duration("-1s").is_err());
        assert!(ratio("0.5").is_ok() && ratio("1.1").is_err() && ratio("NaN").is_err());
    }
}
