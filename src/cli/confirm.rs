//! Asks before something is taken away.

use std::io::{BufRead, IsTerminal};

use super::fail::{Exit, Failure};
use super::output::{on_terminal, stderr};

/// Whether the user must be asked: not with `--yes`.
///
/// # Errors
/// Exit code 2 when there is no terminal to ask at.
pub(super) fn must_ask(yes: bool) -> Result<bool, Failure> {
    if yes || (on_terminal() && std::io::stdin().is_terminal()) {
        return Ok(!yes);
    }
    let detail = "without a terminal this command needs --yes";
    Err(Failure::usage("Not confirmed", detail).hint("the same command with --yes"))
}

/// Shows the plan and goes on only with the user's consent.
///
/// # Errors
/// Exit code 1 when the user declines.
pub(super) fn ask(plan: &str) -> Result<(), Failure> {
    stderr(&format!("{plan}\nGo on? [y/N] "));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(Exit::Error, "Not confirmed", "nothing was changed"))
}
