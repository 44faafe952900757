//! How often requests were let in, and why they were not.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Denied;

/// The protocol a request came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// The HTTP API.
    Http,
    /// The Redis protocol.
    Resp,
}

/// The labels of the protocols, in the order of the enum.
const PROTOCOLS: [&str; 2] = ["http", "resp"];
/// What became of a request.
const RESULTS: [&str; 7] = ["allowed", "missing", "wrong", "expired", "limited", "unsure", "forbidden"];

/// Counters by protocol and result; all there from the start.
#[derive(Debug, Default)]
pub(super) struct Metrics([[AtomicU64; RESULTS.len()]; PROTOCOLS.len()]);

impl Metrics {
    /// Counts a decision.
    pub(super) fn count(&self, protocol: Protocol, denied: Option<&Denied>) {
        let result = match denied {
            None => 0,
            Some(Denied::Missing) => 1,
            Some(Denied::Wrong) => 2,
            Some(Denied::Expired) => 3,
            Some(Denied::Limited { .. }) => 4,
            Some(Denied::Unsure) => 5,
            Some(Denied::Forbidden(_)) => 6,
        };
        self.0[protocol as usize][result].fetch_add(1, Relaxed);
    }

    /// All of them as Prometheus text.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("# TYPE quorate_auth_decisions_total counter\n");
        for (protocol, row) in PROTOCOLS.iter().zip(&self.0) {
            for (result, count) in RESULTS.iter().zip(row) {
                let labels = format_args!("protocol=\"{protocol}\",result=\"{result}\"");
                // Writing to a string cannot fail.
                let _ = writeln!(text, "quorate_auth_decisions_total{{{labels}}} {}", count.load(Relaxed));
            }
        }
        text
    }
}
