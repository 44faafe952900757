//! The figures of the Redis protocol, in Prometheus's text format.
//!
//! Counting is lock-free: one row of atomics for each known command, all there from the start, so no client can make
//! the list longer.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::table;

/// Upper bounds of the latency buckets, in microseconds.
const BUCKETS_US: [u64; 11] =
    [250, 500, 1_000, 2_500, 10_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 5_000_000];

/// The counters of one command.
#[derive(Debug, Default)]
struct Row {
    done: AtomicU64,
    failed: AtomicU64,
}

/// The figures of all listeners of the Redis protocol.
#[derive(Debug)]
pub(super) struct Metrics {
    /// One for each row of the table of commands, and one for commands that are not in it.
    rows: Vec<Row>,
    /// Commands by the first bucket the batch they were carried out with fits; the last is for those that fit none.
    buckets: [AtomicU64; BUCKETS_US.len() + 1],
    total_us: AtomicU64,
    /// Connections that are open.
    pub(super) open: AtomicU64,
    /// Connections there ever were.
    pub(super) accepted: AtomicU64,
    /// Connections refused because there were too many.
    pub(super) refused: AtomicU64,
    /// Connections ended because their client did not read.
    pub(super) stalled: AtomicU64,
    /// Connections ended because what they sent was no request.
    pub(super) malformed: AtomicU64,
    /// Bytes received.
    pub(super) bytes_in: AtomicU64,
    /// Bytes sent.
    pub(super) bytes_out: AtomicU64,
}

impl Metrics {
    /// All at zero.
    pub(super) fn new() -> Self {
        Self {
            rows: (0..=table::rows()).map(|_| Row::default()).collect(),
            buckets: Default::default(),
            total_us: AtomicU64::new(0),
            open: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            malformed: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
        }
    }

    /// Counts one command, by its row in the table.
    pub(super) fn called(&self, row: Option<usize>, failed: bool) {
        let row = &self.rows[row.unwrap_or(self.rows.len() - 1)];
        if failed { &row.failed } else { &row.done }.fetch_add(1, Relaxed);
    }

    /// Counts how long `commands` took that were carried out together.
    pub(super) fn took(&self, commands: u64, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[BUCKETS_US.partition_point(|bound| *bound < took_us)].fetch_add(commands, Relaxed);
        self.total_us.fetch_add(took_us.saturating_mul(commands), Relaxed);
    }

    /// Commands carried out so far.
    pub(super) fn commands(&self) -> u64 {
        self.rows.iter().map(|row| row.done.load(Relaxed) + row.failed.load(Relaxed)).sum()
    }

    /// All figures as text. Commands nobody called are left out.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("# TYPE quorate_resp_commands_total counter\n");
        for (at, row) in self.rows.iter().enumerate() {
            let name = if at < table::rows() { table::name_of(at) } else { "unknown" };
            for (outcome, count) in [("ok", row.done.load(Relaxed)), ("error", row.failed.load(Relaxed))] {
                if count > 0 {
                    let labels = format_args!("{{command=\"{name}\",outcome=\"{outcome}\"}}");
                    line(&mut text, format_args!("commands_total{labels} {count}"));
                }
            }
        }
        self.histogram(&mut text);
        self.connections(&mut text);
        text
    }

    fn histogram(&self, text: &mut String) {
        text.push_str("# TYPE quorate_resp_command_seconds histogram\n");
        let mut below = 0;
        let bounds = BUCKETS_US.iter().map(|us| (*us as f64 / 1e6).to_string()).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(&self.buckets) {
            below += count.load(Relaxed);
            line(text, format_args!("command_seconds_bucket{{le=\"{bound}\"}} {below}"));
        }
        line(text, format_args!("command_seconds_sum {}", self.total_us.load(Relaxed) as f64 / 1e6));
        line(text, format_args!("command_seconds_count {below}"));
    }

    fn connections(&self, text: &mut String) {
        let figures = [
            ("connections", "gauge", &self.open),
            ("connections_accepted_total", "counter", &self.accepted),
            ("connections_refused_total", "counter", &self.refused),
            ("connections_stalled_total", "counter", &self.stalled),
            ("connections_malformed_total", "counter", &self.malformed),
            ("bytes_in_total", "counter", &self.bytes_in),
            ("bytes_out_total", "counter", &self.bytes_out),
        ];
        for (name, kind, value) in figures {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# TYPE quorate_resp_{name} {kind}");
            line(text, format_args!("{name} {}", value.load(Relaxed)));
        }
    }
}

fn line(text: &mut String, rest: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "quorate_resp_{rest}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_counted_by_name_and_outcome_and_unknown_ones_together() {
        let metrics = Metrics::new();
        let row = table::find(b"PING").map(|known| known.row);
        metrics.called(row, false);
        metrics.called(row, true);
        metrics.called(None, true);
        metrics.took(3, Duration::from_millis(2));
        let text = metrics.text();
        for expected in [
            "quorate_resp_commands_total{command=\"ping\",outcome=\"ok\"} 1\n",
            "quorate_resp_commands_total{command=\"ping\",outcome=\"error\"} 1\n",
            "quorate_resp_commands_total{command=\"unknown\",outcome=\"error\"} 1\n",
            "quorate_resp_command_seconds_bucket{le=\"0.001\"} 0\n",
            "quorate_resp_command_seconds_bucket{le=\"0.0025\"} 3\n",
            "quorate_resp_command_seconds_count 3\n",
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
        assert!(!text.contains("command=\"echo\""));
    }
}
