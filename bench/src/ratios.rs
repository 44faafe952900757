//! `quorate-bench ratios`: the reports of one session beside each other. For each workload the median of the repeats
//! with the smallest and the largest, and how many times the baseline that is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;

use crate::report::json;
use crate::report::summary::Report;

/// What to compare.
#[derive(Debug, Clone, Args)]
pub(crate) struct RatioArguments {
    /// Folder with the reports (`load --json`, with a `--label`) of one session.
    folder: PathBuf,
    /// The system all others are compared with.
    #[arg(long, default_value = "quorate-resp")]
    baseline: String,
}

/// One system under one workload, a figure for each repeat.
#[derive(Debug, Default)]
struct Repeats {
    per_second: Vec<f64>,
    p50_us: Vec<f64>,
    p99_us: Vec<f64>,
    errors: u64,
}

/// By workload, then by system.
type Session = BTreeMap<String, BTreeMap<String, Repeats>>;

/// Prints the table.
pub(crate) fn run(arguments: &RatioArguments) -> anyhow::Result<String> {
    let mut session = Session::new();
    read_folder(&arguments.folder, &mut session)?;
    ensure!(!session.is_empty(), "no reports with a label in {}", arguments.folder.display());
    Ok(table(&session, &arguments.baseline))
}

fn read_folder(folder: &Path, session: &mut Session) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            read_folder(&path, session)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let report = fs::read(&path).map_err(Into::into).and_then(|bytes| json::read(&bytes));
            add(session, &report.with_context(|| format!("read {}", path.display()))?);
        }
    }
    Ok(())
}

/// Runs of a sweep are of different rates, so of those none counts.
fn add(session: &mut Session, report: &Report) {
    if let (Some(label), [run]) = (&report.label, &report.runs[..])
        && let Some(row) = run.whole()
    {
        let systems = session.entry(label.workload.clone()).or_default();
        let repeats = systems.entry(label.system.clone()).or_default();
        repeats.per_second.push(row.per_second);
        repeats.p50_us.push(row.latencies.p50_us);
        repeats.p99_us.push(row.latencies.p99_us);
        repeats.errors += run.errors;
    }
}

fn table(session: &Session, baseline: &str) -> String {
    let mut text = format!("ratio: operations a second of {baseline} for one of the system\n");
    for (workload, systems) in session {
        text += &format!(
            "\n{workload:<24}{:>9}{:>21}{:>9}{:>9}{:>7}  RATIO\n",
            "OPS/S", "MIN–MAX", "P50 µs", "P99 µs", "ERRORS"
        );
        for (system, repeats) in systems {
            let ratio = systems.get(baseline).map(|base| ratio(base, repeats));
            text += &row(system, repeats, &ratio.unwrap_or_else(|| "-".into()));
        }
    }
    text
}

fn row(system: &str, repeats: &Repeats, ratio: &str) -> String {
    let [min, median, max] = spread(&repeats.per_second);
    let [_, p50, _] = spread(&repeats.p50_us);
    let [_, p99, _] = spread(&repeats.p99_us);
    let range = format!("{min:.0}–{max:.0}");
    let errors = repeats.errors;
    format!("  {system:<22}{median:>9.0}{range:>21}{p50:>9.0}{p99:>9.0}{errors:>7}  {ratio}\n")
}

/// Of the medians, and the least and the most that any two repeats give.
fn ratio(base: &Repeats, other: &Repeats) -> String {
    let ([base_min, base_median, base_max], [min, median, max]) =
        (spread(&base.per_second), spread(&other.per_second));
    format!("{:.2} ({:.2}–{:.2})", base_median / median, base_min / max, base_max / min)
}

/// Smallest, median (of an even number the lower one) and largest.
fn spread(figures: &[f64]) -> [f64; 3] {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    [at(0), at(sorted.len().saturating_sub(1) / 2), at(sorted.len().saturating_sub(1))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::sample;

    fn session() -> Session {
        let mut session = Session::new();
        for (system, figures) in [("ours", [90.0, 100.0, 110.0]), ("theirs", [60.0, 40.0, 50.0])] {
            for per_second in figures {
                add(&mut session, &sample(system, "set-64", per_second, None));
            }
        }
        session
    }

    #[test]
    fn medians_are_compared_and_the_ratio_spans_all_repeats() {
        let table = table(&session(), "ours");
        let row = |system| table.lines().find(|line| line.trim_start().starts_with(system)).unwrap();
        let cells: Vec<&str> = row("theirs").split_whitespace().collect();
        assert_eq!(cells, ["theirs", "50", "40–60", "1", "3", "3", "2.00", "(1.50–2.75)"]);
        assert!(row("ours ").ends_with("1.00 (0.82–1.22)"), "{table}");
    }

    #[test]
    fn without_the_baseline_there_is_no_ratio() {
        assert!(
            table(&session(), "another")
                .lines()
                .any(|line| line.starts_with("  ours") && line.ends_with(" -"))
        );
    }

    #[test]
    fn reports_are_read_from_folders_and_others_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("ours")).unwrap();
        let mut bytes = Vec::new();
        json::write(&sample("ours", "get", 7.0, None), &mut bytes).unwrap();
        fs::write(folder.path().join("ours/get.1.json"), bytes).unwrap();
        fs::write(folder.path().join("notes.txt"), "not a report").unwrap();
        let arguments = |path: &Path| RatioArguments { folder: path.into(), baseline: "ours".into() };
        assert!(run(&arguments(folder.path())).unwrap().contains("ours"));
        fs::write(folder.path().join("broken.json"), "{").unwrap();
        assert!(run(&arguments(folder.path())).unwrap_err().to_string().contains("broken.json"));
    }
}
