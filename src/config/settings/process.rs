//! The settings as they are used: the node's, and those of the process it runs in.

use super::Setting;
use super::read::{drain_timeout, log_format, number, plain_url, put, text, yes_no};
use crate::config::Config;
use crate::config::units::duration_or;

/// What `serve` runs with: the node's configuration and that of its process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The node's part.
    pub node: Config,
    /// Filter of the log, as `tracing`'s `EnvFilter` reads it.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Threads that serve clients and peers; 0: as many as suit the machine.
    pub threads: usize,
    /// How long a graceful stop may take, ms.
    pub drain_timeout: u64,
    /// Where the spans of requests are sent; `None`: nowhere. For programs with the feature `otlp`.
    pub otlp_endpoint: Option<String>,
}

/// The log's filter unless told otherwise: openraft tells every vote and every tick at `info`, and at `warn` every heartbeat
/// that a node which is down does not answer: a hundred lines a second, among which nothing else is found.
const LOG_DEFAULT: &str = "info,openraft=warn,openraft::core::heartbeat=error";

impl Default for Settings {
    fn default() -> Self {
        let (log, log_format) = (LOG_DEFAULT.into(), LogFormat::Human);
        let node = Config::default();
        Self { node, log, log_format, threads: 0, drain_timeout: 10_000, otlp_endpoint: None }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

pub(super) const LOG: Setting = Setting {
    name: "log",
    value: "FILTER",
    default: Some(LOG_DEFAULT),
    help: "What to log on stderr: error, warn, info, debug, trace, or a filter such as info,quorate::node=debug",
    apply: |s, t| put(&mut s.log, text(t)),
};
pub(super) const LOG_FORMAT: Setting = Setting {
    name: "log-format",
    value: "human|json",
    default: Some("human"),
    help: "How log lines look",
    apply: |s, t| put(&mut s.log_format, log_format(t)),
};
pub(super) const SLOW_LOG: Setting = Setting {
    name: "slow-log",
    value: "TIME",
    default: Some("100ms"),
    help: "From how long on an operation is logged and kept as slow; a bare number is milliseconds; 0: none is",
    apply: |s, t| put(&mut s.node.slow_log, duration_or(t, Some(1))),
};
pub(super) const LOG_KEYS: Setting = Setting {
    name: "log-keys",
    value: "yes|no",
    default: Some("no"),
    help: "Whether the key of a slow operation is told; values never are",
    apply: |s, t| put(&mut s.node.log_keys, yes_no(t)),
};
pub(super) const THREADS: Setting = Setting {
    name: "threads",
    value: "N",
    default: Some("0"),
    help: "Threads that serve clients and peers, beside those of the log; 0: half as many as there are cores",
    apply: |s, t| put(&mut s.threads, number(t)),
};
pub(super) const DRAIN_TIMEOUT: Setting = Setting {
    name: "drain-timeout",
    value: "TIME",
    default: Some("10s"),
    help: "How long a graceful stop may take: requests under way, hand-over of leaderships, closing the log",
    apply: |s, t| put(&mut s.drain_timeout, drain_timeout(t)),
};
pub(super) const OTLP_ENDPOINT: Setting = Setting {
    name: "otlp-endpoint",
    value: "URL",
    default: None,
    help: "Collector the spans of requests are sent to (OTLP over HTTP), such as http://127.0.0.1:4318",
    apply: |s, t| put(&mut s.otlp_endpoint, plain_url(t).map(Some)),
};
