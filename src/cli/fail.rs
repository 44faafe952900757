//! How a command fails: what it tells the user, and the exit code that tells a script; pure.

mod about;
mod problem;

use std::fmt;
use std::process::ExitCode;

pub(super) use self::about::{About, KeyName, NAMESPACE_DEFAULT, quote};
pub(super) use self::problem::Problem;
use crate::error::Outcome;

/// Exit codes of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done.
    Done = 0,
    /// Error, nothing was applied.
    Error = 1,
    /// The command line or the configuration makes no sense.
    Usage = 2,
    /// No such key, node, group.
    NotFound = 3,
    /// The version is not the one asked for.
    Conflict = 4,
    /// No leader, no endpoint.
    Unavailable = 5,
    /// The write may have happened.
    Unknown = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// The code to exit with.
    pub(super) exit: Exit,
    /// What went wrong, in short.
    pub(super) title: String,
    /// One sentence more; may be empty.
    pub(super) detail: String,
    /// What became of the write, if it was one.
    pub(super) outcome: Option<Outcome>,
    /// What to type next.
    pub(super) hint: Option<Hint>,
}

/// What to type next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hint {
    /// This text.
    Text(String),
    /// `quorate` with these arguments, asking the same cluster.
    Ask(String),
    /// The help of the command that failed.
    Help,
}

impl Hint {
    /// What it is after `command` failed at the endpoints the user gave, if any.
    fn after(self, command: &str, endpoints: &[String]) -> Self {
        match self {
            Self::Ask(arguments) if !endpoints.is_empty() => {
                Self::Ask(format!("--endpoint {} {arguments}", quote(&endpoints.join(","))))
            }
            Self::Help => Self::Text(format!("quorate {command} --help")),
            as_it_is => as_it_is,
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Ask(arguments) => write!(f, "quorate {arguments}"),
            Self::Help => f.write_str("quorate --help"),
        }
    }
}

impl Failure {
    /// A failure that applied nothing.
    pub(super) fn new(exit: Exit, title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { exit, title: title.into(), detail: detail.into(), outcome: None, hint: None }
    }

    /// The command line makes no sense.
    pub(super) fn usage(title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Exit::Usage, title, detail)
    }

    /// Suggests what to type next.
    pub(super) fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(Hint::Text(text.into()));
        self
    }

    /// Suggests to ask the same cluster next, with these arguments of `quorate`.
    pub(super) fn ask(mut self, arguments: impl Into<String>) -> Self {
        self.hint = Some(Hint::Ask(arguments.into()));
        self
    }

    /// Completes the suggestion by what only the whole command line tells: the command that failed and the
    /// endpoints the user gave.
    pub(super) fn after(mut self, command: &str, endpoints: &[String]) -> Self {
        self.hint = self.hint.map(|hint| hint.after(command, endpoints));
        self
    }

    /// Says what became of the write.
    pub(super) fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(outcome);
        self
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Error, "Input or output failed", error.to_string())
    }
}
