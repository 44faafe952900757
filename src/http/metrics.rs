//! `/metrics`: the node's figures, and those of HTTP itself, in Prometheus's text format.
//!
//! Counting is lock-free: one row of atomics for each operation, all there from the start.

use std::array;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::IntoResponse;

use super::App;

/// The operations counted apart.
const OPERATIONS: [&str; 8] = ["read", "write", "delete", "batch", "cluster", "health", "metrics", "other"];
/// Upper bounds of the latency buckets, in microseconds.
const BUCKETS_US: [u64; 11] =
    [250, 500, 1_000, 2_500, 10_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 5_000_000];
/// Status classes 1xx to 5xx.
const CLASSES: usize = 5;

/// What kind of request it is: a place in the table of counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operation(usize);

impl Operation {
    /// The operation a method and path ask for.
    pub(super) fn of(method: &Method, path: &str) -> Self {
        let data = path.starts_with("/v1/kv/") || path.starts_with("/v1/raw/");
        let name = match path {
            _ if data && matches!(*method, Method::GET | Method::HEAD) => "read",
            _ if data && *method == Method::DELETE => "delete",
            _ if data => "write",
            "/v1/batch" => "batch",
            "/livez" | "/readyz" => "health",
            "/metrics" => "metrics",
            path if path.starts_with("/v1/cluster") || path.starts_with("/v1/operations") => "cluster",
            _ => "other",
        };
        Self(OPERATIONS.iter().position(|known| *known == name).unwrap_or(OPERATIONS.len() - 1))
    }

    /// As it is called in figures and logs.
    pub(super) fn name(self) -> &'static str {
        OPERATIONS[self.0]
    }
}

/// The counters of one operation.
#[derive(Debug, Default)]
struct Row {
    classes: [AtomicU64; CLASSES],
    /// Requests by the first bucket they fit; the last is for those that fit none.
    buckets: [AtomicU64; BUCKETS_US.len() + 1],
    total_us: AtomicU64,
}

/// The figures of the HTTP layer.
#[derive(Debug)]
pub(super) struct HttpMetrics {
    rows: [Row; OPERATIONS.len()],
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self { rows: array::from_fn(|_| Row::default()) }
    }
}

impl HttpMetrics {
    /// Counts one request.
    pub(super) fn record(&self, operation: Operation, status: StatusCode, took: Duration) {
        let row = &self.rows[operation.0];
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES) - 1;
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        row.classes[class].fetch_add(1, Relaxed);
        row.buckets[BUCKETS_US.partition_point(|bound| *bound < took_us)].fetch_add(1, Relaxed);
        row.total_us.fetch_add(took_us, Relaxed);
    }

    /// All figures as text.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("# TYPE quorate_http_requests_total counter\n");
        for (name, row) in OPERATIONS.iter().zip(&self.rows) {
            for (class, count) in (1..).zip(&row.classes) {
                let count = count.load(Relaxed);
                line(
                    &mut text,
                    format_args!("requests_total{{operation=\"{name}\",class=\"{class}xx\"}} {count}"),
                );
            }
        }
        text.push_str("# TYPE quorate_http_request_seconds histogram\n");
        for (name, row) in OPERATIONS.iter().zip(&self.rows) {
            row.histogram(name, &mut text);
        }
        text
    }
}

impl Row {
    fn histogram(&self, name: &str, text: &mut String) {
        let mut below = 0;
        let bounds = BUCKETS_US.iter().map(|us| seconds(*us).to_string()).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(&self.buckets) {
            below += count.load(Relaxed);
            let labels = format_args!("operation=\"{name}\",le=\"{bound}\"");
            line(text, format_args!("request_seconds_bucket{{{labels}}} {below}"));
        }
        let sum = seconds(self.total_us.load(Relaxed));
        line(text, format_args!("request_seconds_sum{{operation=\"{name}\"}} {sum}"));
        line(text, format_args!("request_seconds_count{{operation=\"{name}\"}} {below}"));
    }
}

fn line(text: &mut String, rest: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "quorate_http_{rest}");
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

/// `GET /metrics`.
pub(super) async fn show(State(app): State<App>) -> impl IntoResponse {
    let mut text = app.node.metrics();
    text.push_str(&app.metrics.text());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_told_apart() {
        let cases = [
            (Method::GET, "/v1/kv/default/a", "read"),
            (Method::HEAD, "/v1/raw/default/a", "read"),
            (Method::PATCH, "/v1/kv/default/a", "write"),
            (Method::DELETE, "/v1/raw/default/a", "delete"),
            (Method::POST, "/v1/cluster/groups/1/voters", "cluster"),
            (Method::GET, "/", "other"),
        ];
        for (method, path, name) in cases {
            assert_eq!(OPERATIONS[Operation::of(&method, path).0], name, "{method} {path}");
        }
    }

    #[test]
    fn requests_are_counted_by_class_and_bucket() {
        let metrics = HttpMetrics::default();
        let read = Operation::of(&Method::GET, "/v1/kv/default/a");
        metrics.record(read, StatusCode::OK, Duration::from_micros(250));
        metrics.record(read, StatusCode::NOT_FOUND, Duration::from_secs(60));
        let text = metrics.text();
        for expected in [
            "quorate_http_requests_total{operation=\"read\",class=\"2xx\"} 1\n",
            "quorate_http_requests_total{operation=\"read\",class=\"4xx\"} 1\n",
            "quorate_http_request_seconds_bucket{operation=\"read\",le=\"0.00025\"} 1\n",
            "quorate_http_request_seconds_bucket{operation=\"read\",le=\"5\"} 1\n",
            "quorate_http_request_seconds_bucket{operation=\"read\",le=\"+Inf\"} 2\n",
            "quorate_http_request_seconds_count{operation=\"read\"} 2\n",
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
    }
}
