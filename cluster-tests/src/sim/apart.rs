//! A simulation in a process of its own.
//!
//! Only there it is a function of its seed: tokio numbers the runtimes of a process, and draws from that number which branch of
//! a `select!` it looks at first. And only a process can be ended when the code in it never gives way.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::{Options, Outcome, Violation};

/// Longest a simulation may take on this machine. Some take a second; one that spins never ends.
const REAL_TIME_MAX: Duration = Duration::from_secs(600);
/// How often a process is looked at.
const POLL: Duration = Duration::from_millis(10);

/// Runs the simulation of one seed by `program`, which is `cluster-tests`. Its history is in `keep` if it failed.
///
/// # Errors
/// The program could not be run, or said something else than an outcome.
pub fn run_apart(program: &Path, seed: u64, options: &Options, keep: &Path) -> anyhow::Result<Outcome> {
    let mut command = Command::new(program);
    command.args(["sim", "--json", "--seed", &seed.to_string()]).arg("--keep").arg(keep);
    command.args(["--focus", options.focus.name()]);
    if let Some(seconds) = options.seconds {
        command.args(["--seconds", &seconds.to_string()]);
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = child.with_context(|| format!("running {}", program.display()))?;
    let began = Instant::now();
    // What it prints is one short line, which fits into the pipe.
    while child.try_wait()?.is_none() {
        if began.elapsed() >= REAL_TIME_MAX {
            child.kill()?;
            child.wait()?;
            let detail = format!("not done after {} s: some task never gives way", REAL_TIME_MAX.as_secs());
            return Ok(Outcome::without(seed, Violation::new("stuck", detail)));
        }
        std::thread::sleep(POLL);
    }
    let mut told = String::new();
    if let Some(mut out) = child.stdout.take() {
        out.read_to_string(&mut told)?;
    }
    match serde_json::from_str(&told) {
        Ok(outcome) => Ok(outcome),
        Err(error) => Ok(Outcome::without(seed, Violation::new("panic", format!("{error}: {told}")))),
    }
}

/// Where a failed simulation's history is.
pub fn history_of(seed: u64, keep: &Path) -> PathBuf {
    keep.join(format!("sim-{seed}.jsonl"))
}
