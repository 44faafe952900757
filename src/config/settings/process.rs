//! The settings as they are used: the node's, and those of the process it runs in.

use crate::config::Config;

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

/// The log's filter unless told otherwise: openraft tells every vote and every tick at `info`.
pub(super) const LOG_DEFAULT: &str = "info,openraft=warn";

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
