//! `quorate-check`: judges histories, ours and others', and shows what is wrong with them.
//!
//! Exit code 0: every history is right; 1: one is not; 2: one could not be read, or the search gave up on it.

mod judge;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use cluster_tests::checker::generate::{Mix, Shape, generate};
use cluster_tests::edn::Subject;
use cluster_tests::public;

/// Judges histories: prints a verdict for each key.
#[derive(Debug, Parser)]
struct Arguments {
    /// Histories: JSON lines, or Jepsen's EDN where the name ends in `.edn`.
    #[arg(required_unless_present_any = ["agree", "generate"])]
    files: Vec<PathBuf>,
    /// What an EDN history is about.
    #[arg(long, value_enum, default_value_t)]
    model: Subject,
    /// Judges deadlines against real time, too: for runs in which no clock was stepped.
    #[arg(long)]
    clocks: bool,
    /// Writes what was read as EDN, for other checkers.
    #[arg(long, value_name = "FILE")]
    edn: Option<PathBuf>,
    /// Cuts what fails down to the few operations that contradict each other; writes them as JSON lines.
    #[arg(long, value_name = "FILE")]
    minimal: Option<PathBuf>,
    /// Draws them.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Compares with the known verdicts of a folder's verdicts.tsv.
    #[arg(long, value_name = "FOLDER")]
    agree: Option<PathBuf>,
    /// Writes a right history of so many operations on 100 keys, 5 in 100 of unknown outcome, to try a checker on.
    #[arg(long, value_name = "OPERATIONS", requires = "out")]
    generate: Option<usize>,
    /// Where that goes: JSON lines, or EDN where the name ends in `.edn`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Which operations it has.
    #[arg(long, value_enum, default_value_t)]
    mix: Mix,
    /// Where every choice in it comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What became of everything judged; worse ones are larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Right,
    Unclear,
    Wrong,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let end = run(&arguments).unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "quorate-check: {error:#}");
        End::Unclear
    });
    ExitCode::from(match end {
        End::Right => 0,
        End::Wrong => 1,
        End::Unclear => 2,
    })
}

fn run(arguments: &Arguments) -> anyhow::Result<End> {
    if let (Some(operations), Some(out)) = (arguments.generate, &arguments.out) {
        let Arguments { mix, seed, .. } = *arguments;
        let shape = Shape { operations, keys: 100, clients: 32, unknown: 0.05, mix, seed };
        judge::save(out, &generate(&shape))?;
        return Ok(End::Right);
    }
    if let Some(folder) = &arguments.agree {
        return agree(folder);
    }
    let mut end = End::Right;
    for file in &arguments.files {
        end = end.max(judge::file(arguments, file).with_context(|| file.display().to_string())?);
    }
    Ok(end)
}

fn agree(folder: &Path) -> anyhow::Result<End> {
    let began = Instant::now();
    let all = public::check_all(folder)?;
    let mut out = std::io::stdout().lock();
    let wrong: Vec<_> = all.iter().filter(|known| !known.agrees()).collect();
    for known in &wrong {
        writeln!(out, "{}: known {}, got {}", known.file, known.linearizable, known.verdict)?;
    }
    let agreed = all.len() - wrong.len();
    writeln!(out, "{agreed} of {} verdicts agree, {:.3} s", all.len(), began.elapsed().as_secs_f64())?;
    Ok(if wrong.is_empty() { End::Right } else { End::Wrong })
}
