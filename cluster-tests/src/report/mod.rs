//! Reports: what a run did, what was done to it, and what came of it, as a page for people and as JSON.
//!
//! A run's folder holds `history.jsonl` ([`crate::history`]), and, if whoever ran it wrote them, `faults.jsonl`
//! ([`FaultEvent`]s on the history's clock) and `run.json` ([`Run`]). Pure but for reading and writing that folder.

pub mod band;
pub mod chart;
pub mod fault;
mod page;
pub mod run;
pub mod series;
pub mod summary;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use self::band::Band;
pub use self::fault::{At, FaultEvent};
pub use self::run::Run;
use self::series::Point;
use self::summary::Summary;
use crate::checker::Verdict;
use crate::history::{self, Operation, Outcome};

/// The file of a run's folder that holds its history.
pub const HISTORY: &str = "history.jsonl";
/// The file of a run's folder that holds its faults.
pub const FAULTS: &str = "faults.jsonl";
/// The page.
pub const PAGE: &str = "report.html";
/// The same for programs.
pub const JSON: &str = "report.json";
/// Most kinds of failure told.
const FAILURES_MAX: usize = 12;

/// All a report tells.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What the run was.
    pub run: Run,
    /// Whether the history is shown to be right.
    pub valid: bool,
    /// Workload by workload.
    pub summary: Summary,
    /// Every fault of the cluster found.
    pub violations: Vec<Violation>,
    /// Keys on which the search reached its bound.
    pub undecided: Vec<String>,
    /// What was done to the cluster.
    pub faults: Vec<Band>,
    /// The history over time.
    pub points: Vec<Point>,
    /// Why operations did not succeed, the most frequent first.
    pub failures: Vec<Failure>,
}

/// One fault of the cluster.
#[derive(Debug, Clone, Serialize)]
pub struct Violation {
    /// The key.
    pub key: String,
    /// Its workload.
    pub workload: String,
    /// What is wrong.
    pub kind: String,
    /// The operations that show it.
    pub detail: String,
}

/// Operations that did not succeed for one reason.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// What is certain of them.
    pub outcome: Outcome,
    /// How many.
    pub count: usize,
    /// The reason of one of them.
    pub why: String,
}

impl Report {
    /// Of a history with the judgement on it, and the faults meanwhile.
    pub fn of(run: Run, history: &[Operation], verdict: &Verdict, faults: &[FaultEvent]) -> Self {
        let violations = verdict.violations.iter().map(|v| Violation {
            key: v.key.clone(),
            workload: summary::workload_of(&v.key),
            kind: format!("{:?}", v.kind),
            detail: v.detail.clone(),
        });
        Self {
            run,
            valid: verdict.is_ok(),
            summary: Summary::of(history, verdict),
            violations: violations.collect(),
            undecided: verdict.undecided.clone(),
            faults: band::bands(faults),
            points: series::over_time(history),
            failures: failures(history),
        }
    }

    /// Writes both forms into a folder.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let json = serde_json::to_vec_pretty(self)?;
        for (name, content) in [(PAGE, page::html(self).into_bytes()), (JSON, json)] {
            let path = folder.join(name);
            std::fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(())
    }
}

/// Judges the history in a folder again and writes the report beside it.
pub fn write(folder: &Path) -> anyhow::Result<Report> {
    let history = history::read(&folder.join(HISTORY))?;
    let faults = fault::read(&folder.join(FAULTS))?;
    let run = Run::read(folder)?;
    let verdict = run.check(&history);
    let report = Report::of(run, &history, &verdict, &faults);
    report.write(folder)?;
    Ok(report)
}

/// Reasons that differ in numbers only (of groups, ports, times) count as one.
fn failures(history: &[Operation]) -> Vec<Failure> {
    let mut reasons: BTreeMap<(&str, String), Failure> = BTreeMap::new();
    for op in history.iter().filter(|op| op.outcome != Outcome::Ok) {
        let without_numbers: String = op.error.chars().filter(|c| !c.is_ascii_digit()).collect();
        let outcome = if op.outcome == Outcome::Fail { "fail" } else { "unknown" };
        let new = || Failure { outcome: op.outcome, count: 0, why: op.error.clone() };
        reasons.entry((outcome, without_numbers)).or_insert_with(new).count += 1;
    }
    let mut failures: Vec<Failure> = reasons.into_values().collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    failures.truncate(FAILURES_MAX);
    failures
}
