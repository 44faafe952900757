//! Asks before something is taken away.

use std::io::{BufRead, IsTerminal};

use super::fail::Failure;
use super::output::{on_terminal, stderr};

/// Shows the plan and goes on only with the user's consent, given by `--yes` or typed at the terminal.
///
/// # Errors
/// Exit code 2 without a terminal and without `--yes`; 1 when the user declines.
pub(super) fn confirm(plan: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !(on_terminal() && std::io::stdin().is_terminal()) {
        let detail = "without a terminal this command needs --yes";
        return Err(Failure::usage("Not confirmed", detail).hint("the same command with --yes"));
    }
    stderr(&format!("{plan}\nGo on? [y/N] "));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(super::fail::Exit::Error, "Not confirmed", "nothing was changed"))
}
