//! `cluster-tests`: judges histories from the command line.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cluster_tests::{checker, history, public};

/// Judges histories.
#[derive(Debug, Parser)]
enum Arguments {
    /// Judges a history of Quorate, such as a failed test leaves behind.
    Check {
        /// JSON lines.
        file: PathBuf,
    },
    /// Checks every public history that a folder's verdicts.tsv names, and compares verdicts.
    Agree {
        /// The folder.
        folder: PathBuf,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let good = match Arguments::parse() {
        Arguments::Check { file } => {
            let verdict = checker::check(&history::read(&file)?);
            write!(out, "{verdict}")?;
            verdict.is_ok()
        }
        Arguments::Agree { folder } => {
            let all = public::check_all(&folder)?;
            let wrong: Vec<_> = all.iter().filter(|known| !known.agrees()).collect();
            for known in &wrong {
                writeln!(out, "{}: known {}, got {}", known.file, known.linearizable, known.verdict)?;
            }
            writeln!(out, "{} of {} verdicts agree", all.len() - wrong.len(), all.len())?;
            wrong.is_empty()
        }
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
