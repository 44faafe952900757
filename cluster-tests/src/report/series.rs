//! A history over time: how many operations ended each second and how, and how long they took.

use serde::Serialize;

use crate::history::{Operation, Outcome};

/// Nanoseconds in a second.
const NS_PER_S: u64 = 1_000_000_000;
/// Most points of a series: a chart has no more pixels.
const POINTS_MAX: u64 = 1000;

/// One stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Point {
    /// When it begins, s since the run began.
    pub t_s: u64,
    /// Operations a second that ended in it with outcome `ok`.
    pub ok: f64,
    /// The same with outcome `fail`.
    pub fail: f64,
    /// The same with outcome `unknown`.
    pub unknown: f64,
    /// How long those that ended `ok` took, ms; `None`: there were none.
    pub latency: Option<Latency>,
}

/// How long operations took, ms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Half took no longer.
    pub p50_ms: f64,
    /// Of a hundred, all but one took no longer.
    pub p99_ms: f64,
    /// None took longer.
    pub max_ms: f64,
}

impl Latency {
    /// Of these durations, ns; `None` if there are none. Percentiles are by nearest rank.
    pub fn of(mut durations_ns: Vec<u64>) -> Option<Self> {
        durations_ns.sort_unstable();
        let at = |percent: usize| {
            let rank = (durations_ns.len() * percent).div_ceil(100).max(1);
            durations_ns.get(rank - 1).map(|ns| *ns as f64 / 1e6)
        };
        Some(Self { p50_ms: at(50)?, p99_ms: at(99)?, max_ms: at(100)? })
    }
}

/// How long an operation took, ns.
pub fn took_ns(operation: &Operation) -> u64 {
    operation.return_ns.saturating_sub(operation.call_ns)
}

/// The history as points of equal length, of whole seconds: one second unless that makes too many.
pub fn over_time(history: &[Operation]) -> Vec<Point> {
    let Some(end_ns) = history.iter().map(|op| op.return_ns).max() else { return Vec::new() };
    let seconds = end_ns / NS_PER_S + 1;
    let width_s = seconds.div_ceil(POINTS_MAX);
    let mut ended: Vec<Vec<&Operation>> = vec![Vec::new(); seconds.div_ceil(width_s) as usize];
    for op in history {
        ended[(op.return_ns / NS_PER_S / width_s) as usize].push(op);
    }
    let point = |(place, ended): (usize, Vec<&Operation>)| {
        let rate = |outcome| ended.iter().filter(|op| op.outcome == outcome).count() as f64 / width_s as f64;
        let good = ended.iter().filter(|op| op.outcome == Outcome::Ok);
        Point {
            t_s: place as u64 * width_s,
            ok: rate(Outcome::Ok),
            fail: rate(Outcome::Fail),
            unknown: rate(Outcome::Unknown),
            latency: Latency::of(good.map(|op| took_ns(op)).collect()),
        }
    };
    ended.into_iter().enumerate().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(return_ms: u64, took_ms: u64, outcome: Outcome) -> Operation {
        let return_ns = return_ms * 1_000_000;
        Operation { call_ns: return_ns - took_ms * 1_000_000, return_ns, outcome, ..Operation::default() }
    }

    #[test]
    fn operations_count_in_the_second_they_end_in() {
        let history = [
            op(900, 5, Outcome::Ok),
            op(999, 7, Outcome::Ok),
            op(2500, 2000, Outcome::Unknown),
            op(2600, 1, Outcome::Fail),
        ];
        let points = over_time(&history);
        let counts: Vec<_> = points.iter().map(|p| (p.t_s, p.ok, p.fail, p.unknown)).collect();
        assert_eq!(counts, [(0, 2.0, 0.0, 0.0), (1, 0.0, 0.0, 0.0), (2, 0.0, 1.0, 1.0)]);
        assert_eq!(points[0].latency, Some(Latency { p50_ms: 5.0, p99_ms: 7.0, max_ms: 7.0 }));
        assert_eq!(points[2].latency, None, "only good operations have a latency");
    }

    #[test]
    fn long_runs_have_wider_points() {
        let points = over_time(&[op(3_600_000, 1, Outcome::Ok)]);
        assert_eq!((points.len(), points[1].t_s), (901, 4));
        assert_eq!(points[900].ok, 0.25);
        assert_eq!(over_time(&[]), []);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let of = |count: u64| Latency::of((1..=count).map(|ms| ms * 1_000_000).collect()).unwrap();
        assert_eq!(of(100), Latency { p50_ms: 50.0, p99_ms: 99.0, max_ms: 100.0 });
        assert_eq!(of(1), Latency { p50_ms: 1.0, p99_ms: 1.0, max_ms: 1.0 });
        assert_eq!(Latency::of(Vec::new()), None);
    }
}
