//! Many seeds, side by side, and what came of them.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::{Options, Outcome, history_of, run_apart};

/// How often progress is printed.
const PROGRESS: Duration = Duration::from_secs(30);

/// Which seeds, and how.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// `cluster-tests`, which runs each seed in a process of its own.
    pub program: PathBuf,
    /// From the first to before the last.
    pub seeds: Range<u64>,
    /// How many at once.
    pub jobs: usize,
    /// Where it is noted which seeds are done, so that a sweep that was broken off goes on behind them.
    pub resume: Option<PathBuf>,
    /// Where histories of failed seeds go.
    pub keep: PathBuf,
    /// What holds for all of them.
    pub options: Options,
}

/// What came of a sweep.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Seeds that were run now.
    pub seeds: u64,
    /// Time that passed in them, seconds.
    pub simulated_s: f64,
    /// Time that passed here, seconds.
    pub real_s: f64,
    /// Seeds that failed, and those noted before.
    pub failed: Vec<u64>,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let real_s = self.real_s.max(0.001);
        write!(
            f,
            "{} seeds in {:.0} s: {:.0} seeds/hour, {:.1} simulated seconds per second; {} failed",
            self.seeds,
            self.real_s,
            self.seeds as f64 * 3600.0 / real_s,
            self.simulated_s / real_s,
            self.failed.len()
        )
    }
}

impl Sweep {
    /// Runs all seeds that are not done, and tells `out` of each that failed.
    ///
    /// # Errors
    /// A file could not be read or written. A seed that fails is no error: it is in the summary.
    pub fn run(&self, out: &mut impl Write) -> anyhow::Result<Summary> {
        let (done, failed) = self.done()?;
        let mut summary = Summary { failed, ..Summary::default() };
        let left: Vec<u64> = self.seeds.clone().filter(|seed| !done.contains(seed)).collect();
        let (began, mut told) = (Instant::now(), Instant::now());
        let queue = Mutex::new(left.into_iter());
        let (tell, ended) = mpsc::channel();
        std::thread::scope(|scope| -> anyhow::Result<()> {
            for _ in 0..self.jobs.max(1) {
                let (tell, queue) = (tell.clone(), &queue);
                scope.spawn(move || {
                    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    while let Some(seed) = next() {
                        // Nobody listens any more after an error.
                        let outcome = run_apart(&self.program, seed, &self.options, &self.keep);
                        if tell.send(outcome).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(tell);
            for outcome in ended {
                let outcome = outcome?;
                summary.real_s = began.elapsed().as_secs_f64();
                self.note(&outcome, &mut summary, out)?;
                if told.elapsed() >= PROGRESS {
                    told = Instant::now();
                    writeln!(out, "{summary}")?;
                }
            }
            Ok(())
        })?;
        summary.failed.sort_unstable();
        Ok(summary)
    }

    fn note(&self, outcome: &Outcome, summary: &mut Summary, out: &mut impl Write) -> anyhow::Result<()> {
        summary.seeds += 1;
        summary.simulated_s += outcome.simulated_s;
        if outcome.violation.is_some() {
            summary.failed.push(outcome.seed);
            report(outcome, &self.options, &self.keep, out)?;
        }
        if let Some(path) = &self.resume {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let mut file = file.with_context(|| format!("opening {}", path.display()))?;
            let verdict = outcome.violation.as_ref().map_or("ok", |violation| &violation.kind);
            writeln!(file, "{} {:016x} {verdict}", outcome.seed, outcome.trace_hash)?;
        }
        Ok(())
    }

    /// Seeds that are done, and which of them failed.
    fn done(&self) -> anyhow::Result<(BTreeSet<u64>, Vec<u64>)> {
        let (mut done, mut failed) = (BTreeSet::new(), Vec::new());
        let Some(path) = self.resume.as_ref().filter(|path| path.exists()) else { return Ok((done, failed)) };
        let file = std::fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
        for line in BufReader::new(file).lines() {
            let line = line?;
            let mut words = line.split(' ');
            // The last line may be torn: its seed runs again.
            let (Some(seed), Some(verdict)) = (words.next().and_then(|word| word.parse().ok()), words.nth(1))
            else {
                continue;
            };
            if self.seeds.contains(&seed) && done.insert(seed) && verdict != "ok" {
                failed.push(seed);
            }
        }
        Ok((done, failed))
    }
}

/// Tells of a seed that failed: what, how to see it again, and where its history is.
///
/// # Errors
/// `out` could not be written to.
pub fn report(outcome: &Outcome, options: &Options, keep: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let Some(violation) = &outcome.violation else { return Ok(()) };
    let seconds = options.seconds.map_or(String::new(), |seconds| format!(" --seconds {seconds}"));
    writeln!(out, "seed {} after {:.3} simulated s: {}", outcome.seed, outcome.simulated_s, violation.kind)?;
    writeln!(out, "  {}", violation.detail)?;
    let focus = options.focus.name();
    writeln!(out, "  again: cluster-tests sim --seed {}{seconds} --focus {focus} --trace", outcome.seed)?;
    writeln!(out, "  history: {}", history_of(outcome.seed, keep).display())?;
    Ok(())
}
