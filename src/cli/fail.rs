//! How a command fails: what it tells the user, and the exit code that tells a script; pure.

use std::fmt;
use std::process::ExitCode;

use serde::Deserialize;

use crate::error::Outcome;

/// The namespace of keys unless told otherwise.
pub(super) const NAMESPACE_DEFAULT: &str = "default";

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

/// What a request is about: decides the suggested command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum About {
    /// A key.
    Key(KeyName),
    /// A group.
    Group(raft_store::GroupId),
    /// The cluster.
    Cluster,
}

/// A key and its namespace, as the user typed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyName {
    /// Its namespace.
    pub(super) ns: String,
    /// The key.
    pub(super) key: String,
}

impl KeyName {
    /// The arguments that name it again, the last ones before a value.
    fn arguments(&self) -> String {
        let ns =
            if self.ns == NAMESPACE_DEFAULT { String::new() } else { format!("--ns={} ", quote(&self.ns)) };
        // Without this a key such as `-x` would be taken for a flag.
        let end_of_flags = if self.key.starts_with('-') { "-- " } else { "" };
        format!("{ns}{end_of_flags}{}", quote(&self.key))
    }

    /// The arguments that read it.
    pub(super) fn get(&self) -> String {
        format!("get --output json {}", self.arguments())
    }

    /// The arguments that set it.
    pub(super) fn set(&self) -> String {
        format!("set {} VALUE", self.arguments())
    }
}

/// An `application/problem+json` body; what a server leaves out stays empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    /// Ends in the problem's name.
    pub(super) r#type: String,
    /// What went wrong, in short.
    pub(super) title: String,
    /// One sentence more.
    pub(super) detail: String,
    /// What became of the write.
    pub(super) outcome: Option<Outcome>,
}

impl Problem {
    /// The name of the problem, such as `no-leader`.
    pub(super) fn kind(&self) -> &str {
        self.r#type.rsplit('/').next().unwrap_or_default()
    }

    /// The failure it is for a command.
    pub(super) fn failure(self, status: u16, write: bool, about: &About) -> Failure {
        let exit = exit_of(status, self.outcome, write);
        let hint = next_step(self.kind(), status, exit, about);
        let title = if self.title.is_empty() { format!("HTTP status {status}") } else { self.title };
        // A server error that does not say `not_applied` may have applied the write.
        let outcome = self.outcome.or((exit == Exit::Unknown).then_some(Outcome::Unknown));
        Failure { exit, title, detail: self.detail, outcome, hint: Some(hint) }
    }
}

/// The exit code of a failed request.
fn exit_of(status: u16, outcome: Option<Outcome>, write: bool) -> Exit {
    match (status, outcome) {
        (_, Some(Outcome::Unknown)) => Exit::Unknown,
        (500.., None) if write => Exit::Unknown,
        (404, _) => Exit::NotFound,
        (412, _) => Exit::Conflict,
        (503 | 504, _) => Exit::Unavailable,
        _ => Exit::Error,
    }
}

fn next_step(kind: &str, status: u16, exit: Exit, about: &About) -> Hint {
    let arguments = match (kind, exit, about) {
        ("unknown-member", ..) => "member list".into(),
        ("unknown-group", ..) => "group list".into(),
        // What was typed makes no sense: to look at the cluster would not tell why.
        _ if matches!(status, 400 | 422) => return Hint::Help,
        ("miss", _, About::Key(key)) => key.set(),
        (_, Exit::Unavailable, _) => "status".into(),
        (_, _, About::Key(key)) => key.get(),
        (_, _, About::Group(group)) => format!("group show {group}"),
        (_, _, About::Cluster) => "status".into(),
    };
    Hint::Ask(arguments)
}

/// `text` as one word of a shell.
pub(super) fn quote(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:,=@%+".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests;
