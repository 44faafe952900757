//! Where text goes: data to stdout, everything else to stderr. A reader that went away ends no command.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;

use super::fail::Failure;
use crate::error::Outcome;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Table,
    /// The API's JSON.
    Json,
    /// The value alone.
    Raw,
}

/// stdout.
#[derive(Debug)]
pub(super) struct Output {
    /// How the user wants results.
    pub(super) format: Format,
    /// Whether the reader went away: nothing written any more is seen by anybody.
    pub(super) closed: bool,
}

impl Output {
    /// stdout in this format.
    pub(super) fn new(format: Format) -> Self {
        Self { format, closed: false }
    }

    /// Writes bytes as they are. A closed pipe is no error: who reads `| head` has what he wanted.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            result => result,
        }
    }

    /// Writes text and, unless it ends in one, a line end.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        self.bytes(format!("{text}{end}").as_bytes())
    }

    /// Writes a JSON body of the API and a line end.
    pub(super) fn json(&mut self, body: &[u8]) -> io::Result<()> {
        self.bytes(&[body.trim_ascii_end(), b"\n"].concat())
    }
}

/// Whether a person may be reading stderr.
pub(super) fn on_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Writes progress or a hint, for a person only.
pub(super) fn note(text: &str) {
    if on_terminal() {
        stderr(&format!("{text}\n"));
    }
}

/// Writes to stderr whoever reads it. When that fails there is nobody left to tell.
pub(super) fn stderr(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Writes why a command failed.
pub(super) fn complain(failure: &Failure) {
    stderr(&complaint(failure));
}

fn complaint(failure: &Failure) -> String {
    let mut text = format!("error: {}", failure.title);
    if !failure.detail.is_empty() {
        text += &format!(": {}", failure.detail);
    }
    text += "\n";
    match failure.outcome {
        Some(Outcome::NotApplied) => text += "outcome: not_applied (nothing was changed)\n",
        Some(Outcome::Unknown) => text += "outcome: unknown (it may have been carried out, once)\n",
        None => {}
    }
    if let Some(hint) = &failure.hint {
        text += &format!("next: {hint}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fail::Exit;

    #[test]
    fn a_complaint_has_title_detail_outcome_and_next_command() {
        let failure = Failure::new(Exit::Unknown, "Group has no leader", "group 5 is electing")
            .outcome(Outcome::Unknown)
            .ask("status");
        let expected = "error: Group has no leader: group 5 is electing\n\
                        outcome: unknown (it may have been carried out, once)\n\
                        next: quorate status\n";
        assert_eq!(complaint(&failure), expected);
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        assert_eq!(complaint(&Failure::usage("No", "")), "error: No\n");
    }
}
