//! `cluster-tests`: workloads, crash rounds, nemesis rounds, disk scenarios, judgements and reports from the command
//! line.

mod commands;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cluster_tests::scenario::Scenario;
use cluster_tests::{checker, history, report};
use tokio::signal::unix::{SignalKind, signal};

/// Runs real nodes under faults, and judges histories.
#[derive(Debug, Parser)]
enum Arguments {
    /// Judges a history of Quorate, such as a failed test leaves behind.
    Check {
        /// JSON lines.
        file: PathBuf,
    },
    /// Runs workloads against a cluster to which nothing is done, judges every answer, prints a table.
    Run(commands::Run),
    /// Judges the history in a run's folder and writes report.html and report.json beside it.
    Report {
        /// The folder.
        folder: PathBuf,
    },
    /// Kills nodes at random moments, with or without their power, while clients write; checks that nothing is lost.
    Crash(commands::Crash),
    /// Does everything at once to nodes, networks, disks, clocks and members while clients write; judges each round.
    Nemesis(commands::Nemesis),
    /// Runs whole clusters in one thread each, every choice from a seed, under all kinds of faults.
    Sim(commands::Sim),
    /// Lets the simulator catch seeded bugs, and prints how many seeds each took.
    #[cfg(feature = "mutants")]
    Mutants(commands::Mutants),
    /// Runs single faults of disks, each with what must come of it.
    Disk {
        /// Which; all when none is named.
        scenarios: Vec<Scenario>,
        /// Where every choice comes from; from QUORATE_SEED or drawn when not given.
        #[arg(long)]
        seed: Option<u64>,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    let good = match Arguments::parse() {
        Arguments::Check { file } => {
            let verdict = checker::check(&history::read(&file)?);
            write!(out, "{verdict}")?;
            verdict.is_ok()
        }
        Arguments::Run(run) => {
            until_interrupted(run.run(&mut out))?;
            true
        }
        Arguments::Report { folder } => {
            let report = report::write(&folder)?;
            writeln!(out, "{}{}", report.summary, folder.join(report::PAGE).display())?;
            report.valid
        }
        Arguments::Crash(crash) => {
            until_interrupted(crash.run(&mut out))?;
            true
        }
        Arguments::Nemesis(nemesis) => {
            until_interrupted(nemesis.run(&mut out))?;
            true
        }
        Arguments::Sim(sim) => sim.run(&mut out)?,
        #[cfg(feature = "mutants")]
        Arguments::Mutants(mutants) => mutants.run(&mut out)?,
        Arguments::Disk { scenarios, seed } => {
            until_interrupted(commands::scenarios(scenarios, seed, &mut out))?;
            true
        }
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs to the end, to Ctrl-C or to SIGTERM: all end processes and unmount disks.
fn until_interrupted(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            result = work => result,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                anyhow::bail!("interrupted")
            }
            _ = terminated.recv() => anyhow::bail!("terminated"),
        }
    })
}
