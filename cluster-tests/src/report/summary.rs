//! What came of each workload: one row each, and one for the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::series::{Latency, took_ns};
use crate::checker::Verdict;
use crate::history::{Operation, Outcome};
use crate::workload::Kind;

/// The name of the row for the whole run.
const WHOLE: &str = "all";
/// The name of the row for keys that belong to no known workload.
const OTHER: &str = "other";

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The workload.
    pub workload: String,
    /// Its keys.
    pub keys: usize,
    /// Its operations.
    pub operations: usize,
    /// Those with outcome `ok`.
    pub ok: usize,
    /// Those with outcome `fail`.
    pub fail: usize,
    /// Those with outcome `unknown`.
    pub unknown: usize,
    /// How long those with outcome `ok` took.
    pub latency: Latency,
    /// Keys with a violation.
    pub violated: usize,
    /// Keys on which the search reached its bound.
    pub undecided: usize,
}

/// All rows, by name; the last one is the whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary(pub Vec<Row>);

/// The workload a key belongs to.
pub fn workload_of(key: &str) -> String {
    Kind::of(key).map_or_else(|| OTHER.to_owned(), |kind| kind.to_string())
}

impl Summary {
    /// Of a history and the judgement on it.
    pub fn of(history: &[Operation], verdict: &Verdict) -> Self {
        let mut workloads: BTreeMap<String, Vec<&Operation>> = BTreeMap::new();
        for op in history {
            workloads.entry(workload_of(&op.key)).or_default().push(op);
        }
        let violated: BTreeSet<&str> = verdict.violations.iter().map(|v| v.key.as_str()).collect();
        let undecided: BTreeSet<&str> = verdict.undecided.iter().map(String::as_str).collect();
        let mut rows: Vec<Row> = workloads
            .into_iter()
            .map(|(name, operations)| {
                let of_this = |keys: &BTreeSet<&str>| keys.iter().filter(|k| workload_of(k) == name).count();
                row(&name, &operations, of_this(&violated), of_this(&undecided))
            })
            .collect();
        let all: Vec<&Operation> = history.iter().collect();
        rows.push(row(WHOLE, &all, violated.len(), undecided.len()));
        Self(rows)
    }
}

fn row(workload: &str, operations: &[&Operation], violated: usize, undecided: usize) -> Row {
    let with = |outcome| operations.iter().filter(move |op| op.outcome == outcome);
    let keys: BTreeSet<&str> = operations.iter().map(|op| op.key.as_str()).collect();
    Row {
        workload: workload.to_owned(),
        keys: keys.len(),
        operations: operations.len(),
        ok: with(Outcome::Ok).count(),
        fail: with(Outcome::Fail).count(),
        unknown: with(Outcome::Unknown).count(),
        latency: Latency::of(with(Outcome::Ok).map(|op| took_ns(op)).collect()).unwrap_or_default(),
        violated,
        undecided,
    }
}

impl Row {
    /// The judgement in a few words.
    pub fn verdict(&self) -> String {
        match (self.violated, self.undecided) {
            (0, 0) => "valid".to_owned(),
            (0, undecided) => format!("undecided on {undecided} keys"),
            (violated, _) => format!("INVALID on {violated} keys"),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10}{:>7}{:>11}{:>11}{:>9}{:>9}{:>10}{:>10}{:>10}  verdict",
            "workload", "keys", "operations", "ok", "fail", "unknown", "p50 ms", "p99 ms", "max ms"
        )?;
        for row in &self.0 {
            let Row { workload, keys, operations, ok, fail, unknown, latency, .. } = row;
            let Latency { p50_ms, p99_ms, max_ms } = latency;
            let verdict = row.verdict();
            writeln!(
                f,
                "{workload:<10}{keys:>7}{operations:>11}{ok:>11}{fail:>9}{unknown:>9}{p50_ms:>10.1}{p99_ms:>10.1}{max_ms:>10.1}  {verdict}"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::{Kind as Fault, Violation};

    #[test]
    fn rows_are_by_workload_and_sum_up() {
        let op = |key: &str, outcome| Operation { key: key.into(), outcome, ..Operation::default() };
        let history = [
            op("key-1", Outcome::Ok),
            op("key-1", Outcome::Fail),
            op("ttl-0.1", Outcome::Unknown),
            op("x", Outcome::Ok),
        ];
        let violation =
            |key: &str| Violation { key: key.into(), kind: Fault::StaleRead, detail: String::new() };
        let verdict = Verdict {
            violations: vec![violation("key-1"), violation("key-1")],
            undecided: vec!["ttl-0.1".into()],
            ..Verdict::default()
        };
        let Summary(rows) = Summary::of(&history, &verdict);
        let told: Vec<_> = rows.iter().map(|r| (r.workload.as_str(), r.operations, r.verdict())).collect();
        let wanted = [
            ("other", 1, "valid"),
            ("register", 2, "INVALID on 1 keys"),
            ("ttl", 1, "undecided on 1 keys"),
            ("all", 4, "INVALID on 1 keys"),
        ];
        assert_eq!(told, wanted.map(|(name, count, verdict)| (name, count, verdict.to_owned())));
    }
}
