//! How a command fails: what it tells the user, and the exit code that tells a script; pure.

use std::process::ExitCode;

use serde::Deserialize;

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
    /// One command to type next.
    pub(super) hint: Option<String>,
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
    pub(super) fn hint(mut self, command: impl Into<String>) -> Self {
        self.hint = Some(command.into());
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
    Key(String),
    /// A group.
    Group(raft_store::GroupId),
    /// The cluster.
    Cluster,
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
        let hint = next_command(self.kind(), exit, about);
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

fn next_command(kind: &str, exit: Exit, about: &About) -> String {
    match (kind, exit, about) {
        ("unknown-member", ..) => "quorate member list".into(),
        ("unknown-group", ..) => "quorate group list".into(),
        ("miss", _, About::Key(key)) => format!("quorate set {} VALUE", quote(key)),
        (_, Exit::Unavailable, _) => "quorate status".into(),
        (_, _, About::Key(key)) => format!("quorate get {} --output json", quote(key)),
        (_, _, About::Group(group)) => format!("quorate group show {group}"),
        (_, _, About::Cluster) => "quorate status".into(),
    }
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
mod tests {
    use super::*;

    #[test]
    fn exit_codes_follow_status_and_outcome() {
        let (not_applied, unknown) = (Some(Outcome::NotApplied), Some(Outcome::Unknown));
        let table = [
            (400, not_applied, true, Exit::Error),
            (404, None, false, Exit::NotFound),
            (404, not_applied, true, Exit::NotFound),
            (409, not_applied, true, Exit::Error),
            (412, not_applied, true, Exit::Conflict),
            (429, not_applied, true, Exit::Error),
            (500, None, false, Exit::Error),
            (500, unknown, true, Exit::Unknown),
            (502, None, true, Exit::Unknown),
            (503, None, false, Exit::Unavailable),
            (503, not_applied, true, Exit::Unavailable),
            (503, unknown, true, Exit::Unknown),
            (504, None, false, Exit::Unavailable),
            (504, unknown, true, Exit::Unknown),
            (507, not_applied, true, Exit::Error),
        ];
        for (status, outcome, write, exit) in table {
            assert_eq!(exit_of(status, outcome, write), exit, "{status} {outcome:?} {write}");
        }
    }

    #[test]
    fn a_problem_becomes_a_failure_with_a_next_command() {
        let body = r#"{"type":"https://quorate.dev/problems/version-mismatch","title":"Version differs",
            "status":412,"detail":"it is 7","outcome":"not_applied","group":5}"#;
        let problem: Problem = serde_json::from_str(body).unwrap();
        assert_eq!(problem.kind(), "version-mismatch");
        let failure = problem.failure(412, true, &About::Key("a b".into()));
        assert_eq!((failure.exit, failure.title.as_str()), (Exit::Conflict, "Version differs"));
        assert_eq!(failure.outcome, Some(Outcome::NotApplied));
        assert_eq!(failure.hint.as_deref(), Some("quorate get 'a b' --output json"));
    }

    #[test]
    fn a_server_error_without_outcome_may_have_applied_a_write() {
        let failure = Problem::default().failure(502, true, &About::Cluster);
        assert_eq!((failure.exit, failure.outcome), (Exit::Unknown, Some(Outcome::Unknown)));
        assert_eq!(failure.title, "HTTP status 502");
    }

    #[test]
    fn quoting() {
        assert_eq!(quote("user:42"), "user:42");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }
}
