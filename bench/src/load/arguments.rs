//! What can be asked for, and what it comes to.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::mix::{Distribution, Mix, Ycsb};
use crate::driver::target::Endpoint;

/// Most connections.
const CONNECTIONS_MAX: u64 = 65_536;
/// Most requests under way on one connection.
const PIPELINE_MAX: u64 = 4_096;
/// Most threads.
const THREADS_MAX: u64 = 256;
/// Bytes of a value, unless told otherwise; of YCSB's records: ten fields of 100.
const VALUE_BYTES: u32 = 100;
const YCSB_VALUE_BYTES: u32 = 1_000;

/// The protocol to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// Quorate's HTTP JSON API.
    Http,
    /// Redis's protocol: Quorate's plain port, Redis, any such server.
    Resp,
    /// Redis's protocol, each request to the node that has its slot.
    RespCluster,
    /// etcd's gRPC API, version 3.
    Etcd,
    /// memcached's text protocol.
    Memcached,
}

impl Protocol {
    /// As it is printed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Resp => "resp",
            Self::RespCluster => "resp-cluster",
            Self::Etcd => "etcd",
            Self::Memcached => "memcached",
        }
    }
}

/// How fresh reads must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Consistency {
    Linearizable,
    Lease,
    Local,
}

impl Consistency {
    /// As Quorate writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Linearizable => "linearizable",
            Self::Lease => "lease",
            Self::Local => "local",
        }
    }
}

/// Where to, what, how hard and for how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct LoadArguments {
    /// The protocol to speak.
    #[arg(value_enum)]
    pub(crate) protocol: Protocol,
    /// Address of a server; given several times, connections are spread over all [default: where a local one listens].
    #[arg(long = "endpoint", value_name = "HOST:PORT")]
    pub(crate) endpoints: Vec<Endpoint>,
    /// How fresh reads must be, where the server can be told.
    #[arg(long, value_enum)]
    pub(crate) consistency: Option<Consistency>,
    /// Connections.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub(crate) connections: u64,
    /// Most requests under way on each connection.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=PIPELINE_MAX))]
    pub(crate) pipeline: u64,
    /// Threads; the load shares the machine with what it measures, so one unless one is too slow.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=THREADS_MAX))]
    pub(crate) threads: u64,
    /// How long to measure.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub(crate) duration: Duration,
    /// How long to push before that.
    #[arg(long, default_value = "2s", value_parser = duration)]
    pub(crate) warmup: Duration,
    /// Open loop: operations each second, whether or not earlier ones are answered; latencies count from when an
    /// operation was due. Without it a closed loop.
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rate: Option<u64>,
    /// Open loops at each of these rates in turn.
    #[arg(long, value_name = "PER_SECOND,…", value_delimiter = ',', conflicts_with = "rate")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) sweep: Vec<u64>,
    /// Share of reads: 0.0 writes only, 1.0 reads only (of keys that are written first).
    #[arg(long, default_value_t = 0.0, value_parser = ratio)]
    pub(crate) read_ratio: f64,
    /// One of YCSB's workloads: its operations, its choice of keys and its values of 1,000 bytes.
    #[arg(long, value_enum, ignore_case = true, conflicts_with = "read_ratio")]
    pub(crate) ycsb: Option<Ycsb>,
    /// Number of keys.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) keys: u64,
    /// How keys are chosen [default: uniform, or what the YCSB workload says].
    #[arg(long, value_enum)]
    pub(crate) distribution: Option<Distribution>,
    /// Skew of the distributions that are not uniform, between 0 and 1.
    #[arg(long, default_value_t = 0.99, value_parser = skew)]
    pub(crate) zipf_theta: f64,
    /// Bytes of a key.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) key_size: u16,
    /// Bytes of a value [default: 100; with --ycsb 1000].
    #[arg(long, value_parser = clap::value_parser!(u32).range(..=64 << 20))]
    pub(crate) value_size: Option<u32>,
    /// Length of the pieces of time that figures over time are of.
    #[arg(long, default_value = "1s", value_parser = duration)]
    pub(crate) interval: Duration,
    /// Reads keys as they are there, without writing them first.
    #[arg(long)]
    pub(crate) no_fill: bool,
    /// Where keys, operations and the value come from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// What this run is, as SYSTEM/WORKLOAD: for `quorate-bench ratios`.
    #[arg(long, value_name = "SYSTEM/WORKLOAD")]
    pub(crate) label: Option<Label>,
    /// Writes everything measured to this file, `-` for stdout in place of the table.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Writes a page with tables and plots to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

impl LoadArguments {
    /// What is done in which proportion.
    pub(crate) fn mix(&self) -> Mix {
        self.ycsb.map_or_else(|| Mix::of_reads(self.read_ratio), Ycsb::mix)
    }

    /// How keys are chosen.
    pub(crate) fn distribution(&self) -> Distribution {
        self.distribution.or(self.ycsb.map(Ycsb::distribution)).unwrap_or(Distribution::Uniform)
    }

    /// Bytes of a value.
    pub(crate) fn value_bytes(&self) -> u32 {
        let default = if self.ycsb.is_some() { YCSB_VALUE_BYTES } else { VALUE_BYTES };
        self.value_size.unwrap_or(default)
    }

    /// Refuses what does not go together.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            !self.duration.is_zero() && !self.interval.is_zero(),
            "--duration and --interval are at least 1ms"
        );
        ensure!(self.threads <= self.connections, "more --threads than --connections");
        let slow = |rate: &u64| *rate < self.threads;
        ensure!(!self.rates().iter().flatten().any(slow), "a rate below one for each thread");
        Ok(())
    }

    /// The runs, each with its rate; none is a closed loop.
    pub(crate) fn rates(&self) -> Vec<Option<u64>> {
        if self.sweep.is_empty() { vec![self.rate] } else { self.sweep.iter().copied().map(Some).collect() }
    }
}

/// What a run is: of which system, which workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Label {
    pub(crate) system: String,
    pub(crate) workload: String,
}

impl FromStr for Label {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((system, workload)) if !system.is_empty() && !workload.is_empty() => {
                Ok(Self { system: system.into(), workload: workload.into() })
            }
            _ => Err("a label is like quorate/set-64"),
        }
    }
}

/// A duration with its unit: `500ms`, `10s`, `2m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000)];
    let parse = |(unit, ms): (&str, u64)| text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(ms);
    let ms = units.into_iter().find_map(parse);
    ms.map(Duration::from_millis).ok_or_else(|| "a duration is like 500ms, 10s or 2m".into())
}

fn ratio(text: &str) -> Result<f64, &'static str> {
    let ratio: f64 = text.parse().map_err(|_| "a ratio is like 0.0, 0.5 or 1.0")?;
    if (0.0..=1.0).contains(&ratio) { Ok(ratio) } else { Err("a ratio is from 0.0 to 1.0") }
}

fn skew(text: &str) -> Result<f64, &'static str> {
    let skew: f64 = text.parse().map_err(|_| "a skew is like 0.99")?;
    if skew > 0.0 && skew < 1.0 { Ok(skew) } else { Err("a skew is between 0 and 1") }
}

/// The arguments a command line comes to.
#[cfg(test)]
pub(crate) fn parsed(line: &str) -> Result<LoadArguments, clap::Error> {
    use clap::Parser;

    #[derive(Parser)]
    #[command(args_override_self = true)]
    struct Line {
        #[command(flatten)]
        load: LoadArguments,
    }
    Line::try_parse_from(std::iter::once("load").chain(line.split(' '))).map(|line| line.load)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_ratios_and_skews() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("10").is_err() && duration("-1s").is_err());
        assert!(ratio("0.5").is_ok() && ratio("1.1").is_err() && ratio("NaN").is_err());
        assert!(skew("0.5").is_ok() && skew("1").is_err() && skew("0").is_err() && skew("NaN").is_err());
    }

    #[test]
    fn a_preset_brings_its_keys_and_values_unless_told_otherwise() {
        let preset = parsed("http --ycsb d").unwrap();
        assert_eq!((preset.distribution(), preset.value_bytes()), (Distribution::Latest, 1000));
        let told = parsed("http --ycsb A --distribution uniform --value-size 10").unwrap();
        assert_eq!((told.distribution(), told.value_bytes()), (Distribution::Uniform, 10));
        let plain = parsed("resp --read-ratio 0.5").unwrap();
        assert_eq!((plain.distribution(), plain.value_bytes()), (Distribution::Uniform, 100));
        assert!(parsed("http --ycsb a --read-ratio 0.5").is_err());
    }

    #[test]
    fn a_sweep_is_a_run_for_each_rate() {
        assert_eq!(parsed("http --sweep 10,20").unwrap().rates(), [Some(10), Some(20)]);
        assert_eq!(parsed("http --rate 10").unwrap().rates(), [Some(10)]);
        assert_eq!(parsed("http").unwrap().rates(), [None]);
        assert!(parsed("http --sweep 0").is_err() && parsed("http --sweep 1 --rate 1").is_err());
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        assert!(parsed("http").unwrap().check().is_ok());
        for line in ["http --threads 2 --connections 1", "http --duration 0s", "http --threads 2 --rate 1"] {
            assert!(parsed(line).unwrap().check().is_err(), "{line}");
        }
        assert!(parsed("http --label x").is_err() && parsed("http --label a/b").is_ok());
    }
}
