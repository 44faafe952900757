//! The subcommands that run simulated clusters.

use std::io::Write;
use std::path::PathBuf;

use cluster_tests::sim::focus::Focus;
use cluster_tests::sim::sweep::{self, Sweep};
use cluster_tests::{history, sim};

/// Simulations.
#[derive(Debug, clap::Args)]
pub(crate) struct Sim {
    /// The one to run.
    #[arg(long, required_unless_present = "seeds", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Those to run: the first, two dots, the one behind the last.
    #[arg(long, value_parser = range)]
    seeds: Option<std::ops::Range<u64>>,
    /// How long faults go on in each, simulated seconds; drawn from the seed when not given.
    #[arg(long)]
    seconds: Option<u64>,
    /// What plans are narrowed to.
    #[arg(long, value_enum, default_value_t)]
    focus: Focus,
    /// Prints everything that happens.
    #[arg(long, conflicts_with = "seeds")]
    trace: bool,
    /// Prints what came of it as one line of JSON.
    #[arg(long, conflicts_with_all = ["seeds", "trace"])]
    json: bool,
    /// How many run at once.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Notes in this file what is done, and goes on from there.
    #[arg(long)]
    resume: Option<PathBuf>,
    /// Where histories of failed seeds are kept; among the temporary files when not given.
    #[arg(long)]
    keep: Option<PathBuf>,
}

impl Sim {
    /// Runs them; whether nothing was wrong.
    pub(crate) fn run(self, out: &mut impl Write) -> anyhow::Result<bool> {
        let options = sim::Options { seconds: self.seconds, focus: self.focus, print: self.trace };
        let keep = self.keep.unwrap_or_else(std::env::temp_dir);
        if let Some(seed) = self.seed {
            let outcome = sim::run(seed, &options);
            let good = outcome.violation.is_none();
            if !good {
                std::fs::create_dir_all(&keep)?;
                history::write(&sim::history_of(seed, &keep), &outcome.history)?;
            }
            if self.json {
                writeln!(out, "{}", serde_json::to_string(&outcome)?)?;
                return Ok(good);
            }
            let sim::Outcome { trace_hash, simulated_s, ref history, .. } = outcome;
            let operations = history.len();
            writeln!(
                out,
                "seed {seed}: {simulated_s:.3} simulated s, {operations} operations, trace {trace_hash:016x}"
            )?;
            sweep::report(&outcome, &options, &keep, out)?;
            return Ok(good);
        }
        let seeds = self.seeds.unwrap_or_default();
        let program = std::env::current_exe()?;
        let sweep = Sweep { program, seeds, jobs: self.jobs, resume: self.resume, keep, options };
        let summary = sweep.run(out)?;
        writeln!(out, "{summary}")?;
        Ok(summary.failed.is_empty())
    }
}

/// Seeded bugs.
#[cfg(feature = "mutants")]
#[derive(Debug, clap::Args)]
pub(crate) struct Mutants {
    /// Which, by name or number; all when none is named.
    mutants: Vec<raft_store::mutants::Mutant>,
    /// Seeds to try at the most for each; its stated bound when not given.
    #[arg(long)]
    seeds: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// How long faults go on in each, simulated seconds; drawn from the seed when not given.
    #[arg(long)]
    seconds: Option<u64>,
    /// How many run at once.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
}

#[cfg(feature = "mutants")]
impl Mutants {
    /// Hunts them; whether each was caught in time.
    pub(crate) fn run(self, out: &mut impl Write) -> anyhow::Result<bool> {
        let Self { mutants, seeds, first, seconds, jobs } = self;
        cluster_tests::mutants::Score { mutants, seeds, first, seconds, jobs }.run(out)
    }
}

fn range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let bounds =
        text.split_once("..").and_then(|(first, end)| Some((first.parse().ok()?, end.parse().ok()?)));
    let (first, end) = bounds.ok_or_else(|| format!("`{text}` is not a range like 0..100"))?;
    Ok(first..end)
}
