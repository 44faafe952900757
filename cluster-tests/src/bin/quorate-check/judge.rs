//! One history: read, judged, reported, and cut down where it fails.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use cluster_tests::checker::bounds::Bounds;
use cluster_tests::checker::minimal::minimal;
use cluster_tests::checker::model::Model;
use cluster_tests::checker::register::Register;
use cluster_tests::checker::unique_set::UniqueSet;
use cluster_tests::checker::{Verdict, Violation, check_linearizable, check_within, explain};
use cluster_tests::edn::{self, Subject};
use cluster_tests::history::{self, Operation};
use cluster_tests::public;
use cluster_tests::timeline::{Drawing, page};

use crate::{Arguments, End};

/// Most failing keys that are cut down and drawn.
const DRAWN_MAX: usize = 16;

/// Judges a file and says so.
pub(crate) fn file(arguments: &Arguments, file: &Path) -> anyhow::Result<End> {
    let began = Instant::now();
    let history = read(file, arguments.model)?;
    let read_s = began.elapsed().as_secs_f64();
    let (verdict, judged_s) = match arguments.model {
        Subject::Set if is_edn(file) => by_model(arguments, file, &UniqueSet, &history)?,
        Subject::Counter if is_edn(file) => by_model(arguments, file, &Register::holding("0"), &history)?,
        _ => by_model(arguments, file, &Register::default(), &history)?,
    };
    report(file, &history, &verdict)?;
    writeln!(std::io::stdout(), "  read in {read_s:.3} s, judged in {judged_s:.3} s")?;
    if let Some(edn) = &arguments.edn {
        save(edn, &history)?;
    }
    Ok(match (verdict.violations.is_empty(), verdict.undecided.is_empty()) {
        (false, _) => End::Wrong,
        (true, false) => End::Unclear,
        (true, true) => End::Right,
    })
}

/// Writes a history as its name asks for.
pub(crate) fn save(file: &Path, history: &[Operation]) -> anyhow::Result<()> {
    if is_edn(file) {
        fs::write(file, edn::to_text(history)).with_context(|| format!("write {}", file.display()))
    } else {
        history::write(file, history)
    }
}

fn is_edn(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "edn")
}

/// Reads EDN, JSON lines of ours, or those of the public histories.
fn read(file: &Path, subject: Subject) -> anyhow::Result<Vec<Operation>> {
    if is_edn(file) {
        return edn::read(file, subject);
    }
    history::read(file).or_else(|ours| public::read(file).map_err(|_| ours))
}

/// Judges by a model, and writes what fails where that was asked for: the verdict, and the time it took in s.
fn by_model<M>(
    arguments: &Arguments,
    file: &Path,
    model: &M,
    history: &[Operation],
) -> anyhow::Result<(Verdict, f64)>
where
    M: Model<Op = Operation> + Sync,
{
    let bounds = if arguments.clocks { Bounds::STATED } else { Bounds::NONE };
    let ours = !is_edn(file) || arguments.model == Subject::Register;
    let began = Instant::now();
    let verdict = if ours { check_within(history, &bounds) } else { check_linearizable(model, history) };
    let judged_s = began.elapsed().as_secs_f64();
    let failed = !verdict.violations.is_empty();
    if failed && (arguments.minimal.is_some() || arguments.html.is_some()) {
        let drawings = drawings(model, history, &verdict, &bounds);
        if let Some(path) = &arguments.minimal {
            let operations = drawings.iter().flat_map(|drawing| drawing.operations.clone());
            save(path, &operations.collect::<Vec<_>>())?;
        }
        if let Some(path) = &arguments.html {
            let page = page(&file.display().to_string(), &drawings);
            fs::write(path, page).with_context(|| format!("write {}", path.display()))?;
        }
    }
    Ok((verdict, judged_s))
}

/// Of each failing key the first violation, cut down.
fn drawings<M: Model<Op = Operation>>(
    model: &M,
    history: &[Operation],
    verdict: &Verdict,
    bounds: &Bounds,
) -> Vec<Drawing> {
    let mut first: BTreeMap<&str, &Violation> = BTreeMap::new();
    for violation in &verdict.violations {
        first.entry(&violation.key).or_insert(violation);
    }
    let cut = |violation: &&Violation| {
        let operations = minimal(model, history, violation, bounds);
        let stuck = explain(model, &operations);
        Drawing { violation: (*violation).clone(), operations, stuck }
    };
    first.values().take(DRAWN_MAX).map(cut).collect()
}

/// A line for the file, and one for each key.
fn report(file: &Path, history: &[Operation], verdict: &Verdict) -> anyhow::Result<()> {
    let mut keys: BTreeMap<&str, (usize, Vec<&Violation>)> = BTreeMap::new();
    for op in history {
        keys.entry(&op.key).or_default().0 += 1;
    }
    for violation in &verdict.violations {
        keys.entry(&violation.key).or_default().1.push(violation);
    }
    let mut out = std::io::stdout().lock();
    let word = match (verdict.violations.is_empty(), verdict.undecided.is_empty()) {
        (false, _) => "FAILED",
        (true, false) => "undecided",
        (true, true) => "ok",
    };
    writeln!(out, "{}: {word}, {} operations on {} keys", file.display(), history.len(), keys.len())?;
    for (key, (operations, violations)) in &keys {
        let undecided = verdict.undecided.iter().any(|undecided| undecided == key);
        let word = match (violations.is_empty(), undecided) {
            (false, _) => "FAILED",
            (true, true) => "undecided",
            (true, false) => "ok",
        };
        writeln!(out, "  {key}: {word}, {operations} operations")?;
        for violation in violations {
            writeln!(out, "    {:?}: {}", violation.kind, violation.detail)?;
        }
    }
    Ok(())
}
