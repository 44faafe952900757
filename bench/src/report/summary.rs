//! The figures that every form of report shows.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::load::arguments::{Label, LoadArguments};
use crate::load::mix::Kind;
use crate::load::recorder::{Counted, histogram};
use crate::load::series::Sample;
use crate::load::{Measured, us};

/// Layout of what is written; a reader refuses every other.
pub(crate) const FORMAT: u32 = 1;
/// Percentiles of the distribution.
const PERCENTILES: [f64; 18] = [
    0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.75, 99.9, 99.95, 99.975, 99.99, 99.995,
    99.999, 100.0,
];

/// A command's whole result.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) format: u32,
    /// Version of this program.
    pub(crate) version: String,
    /// When it was written, seconds since 1970.
    pub(crate) written_s: u64,
    pub(crate) machine: Machine,
    pub(crate) label: Option<Label>,
    pub(crate) load: Load,
    pub(crate) runs: Vec<Run>,
}

/// Where it was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
}

/// What was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) protocol: String,
    pub(crate) endpoints: Vec<String>,
    pub(crate) consistency: Option<String>,
    pub(crate) connections: u64,
    pub(crate) pipeline: u64,
    pub(crate) threads: u64,
    pub(crate) duration_s: f64,
    pub(crate) warmup_s: f64,
    /// Such as `95 % get, 5 % set`.
    pub(crate) mix: String,
    pub(crate) distribution: String,
    pub(crate) keys: u64,
    pub(crate) key_bytes: u16,
    pub(crate) value_bytes: u32,
    pub(crate) seed: u64,
}

/// What one run gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Operations due each second; none in a closed loop.
    pub(crate) rate: Option<u64>,
    /// One row for each kind that came up, and one for all where there are several.
    pub(crate) operations: Vec<Row>,
    pub(crate) errors: u64,
    pub(crate) error_samples: Vec<String>,
    /// Operations that were due and never begun.
    pub(crate) unsent: u64,
    /// Open loop: how long operations waited for a free connection.
    pub(crate) wait: Option<Latencies>,
    pub(crate) series: Vec<Sample>,
    /// Of all kinds: percentile and latency, µs.
    pub(crate) distribution: Vec<(f64, f64)>,
}

/// One kind of operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) operation: String,
    pub(crate) count: u64,
    pub(crate) per_second: f64,
    #[serde(flatten)]
    pub(crate) latencies: Latencies,
}

/// A histogram in a few figures.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Latencies {
    pub(crate) mean_us: f64,
    pub(crate) p50_us: f64,
    pub(crate) p90_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) p999_us: f64,
    pub(crate) max_us: f64,
}

impl Report {
    /// Of the runs of one command.
    pub(crate) fn new(load: &LoadArguments, measured: &[Measured]) -> anyhow::Result<Self> {
        let written = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
        Ok(Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            written_s: written.as_secs(),
            machine: Machine::this(),
            label: load.label.clone(),
            load: Load::new(load),
            runs: measured.iter().map(Run::new).collect::<anyhow::Result<_>>()?,
        })
    }
}

impl Machine {
    fn this() -> Self {
        let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: model.map_or("unknown", |(_, name)| name).into(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: kernel.trim().into(),
        }
    }
}

impl Load {
    fn new(load: &LoadArguments) -> Self {
        let shares: Vec<String> =
            load.mix().kinds().map(|(kind, percent)| format!("{percent} % {}", kind.name())).collect();
        Self {
            protocol: load.protocol.name().into(),
            endpoints: load.endpoints.iter().map(|endpoint| endpoint.authority().into()).collect(),
            consistency: load.consistency.map(|consistency| consistency.name().into()),
            connections: load.connections,
            pipeline: load.pipeline,
            threads: load.threads,
            duration_s: load.duration.as_secs_f64(),
            warmup_s: load.warmup.as_secs_f64(),
            mix: shares.join(", "),
            distribution: load.distribution().name().into(),
            keys: load.keys,
            key_bytes: load.key_size,
            value_bytes: load.value_bytes(),
            seed: load.seed,
        }
    }
}

impl Run {
    fn new(measured: &Measured) -> anyhow::Result<Self> {
        let Measured { rate, elapsed, recorder, unsent, series } = measured;
        let seen =
            Kind::ALL.into_iter().zip(&recorder.kinds).filter(|(_, counted)| !counted.latencies.is_empty());
        let row = |name: &str, counted: &Counted| Row {
            operation: name.into(),
            count: counted.latencies.len(),
            per_second: counted.within as f64 / elapsed.as_secs_f64(),
            latencies: Latencies::of(&counted.latencies),
        };
        let mut operations: Vec<Row> = seen.map(|(kind, counted)| row(kind.name(), counted)).collect();
        let mut all = Counted { latencies: histogram()?, within: 0 };
        for counted in &recorder.kinds {
            all.latencies.add(&counted.latencies)?;
            all.within += counted.within;
        }
        if operations.len() > 1 {
            operations.push(row("all", &all));
        }
        Ok(Self {
            rate: *rate,
            operations,
            errors: recorder.errors,
            error_samples: recorder.error_samples.clone(),
            unsent: *unsent,
            wait: rate.map(|_| Latencies::of(&recorder.waits)),
            series: series.clone(),
            distribution: PERCENTILES.map(|p| (p, us(all.latencies.value_at_percentile(p)))).to_vec(),
        })
    }

    /// The row that stands for the whole run: the only one, or that of all.
    pub(crate) fn whole(&self) -> Option<&Row> {
        self.operations.last()
    }
}

impl Latencies {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| us(histogram.value_at_quantile(quantile));
        Self {
            mean_us: histogram.mean() / 1000.0,
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: us(histogram.max()),
        }
    }
}

/// A report as the load would make it, for tests of what is made of it.
#[cfg(test)]
pub(crate) fn sample(system: &str, workload: &str, per_second: f64, rate: Option<u64>) -> Report {
    let latencies =
        Latencies { mean_us: 1.5, p50_us: 1.0, p90_us: 2.0, p99_us: 3.0, p999_us: 4.0, max_us: 5.0 };
    let row = Row { operation: "set".into(), count: 20, per_second, latencies: latencies.clone() };
    let at = |at_s| Sample { at_s, per_second, errors: 0, p50_us: 1.0, p99_us: 3.0, max_us: 5.0 };
    let run = Run {
        rate,
        operations: vec![row],
        errors: 1,
        error_samples: vec!["<busy>".into()],
        unsent: 0,
        wait: rate.map(|_| latencies),
        series: vec![at(1.0), at(2.0)],
        distribution: vec![(0.0, 1.0), (50.0, 1.0), (99.0, 3.0), (100.0, 5.0)],
    };
    let arguments = crate::load::arguments::parsed(&format!("resp --label {system}/{workload}"));
    let arguments = arguments.expect("arguments that parse");
    Report { runs: vec![run], ..Report::new(&arguments, &[]).expect("a report of nothing") }
}
