//! What a server answered instead of what was asked for: which failure it is, and what to type next.

use serde::Deserialize;

use super::{About, Exit, Failure, Hint};
use crate::error::Outcome;

/// An `application/problem+json` body; what a server leaves out stays empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Problem {
    /// Ends in the problem's name.
    pub(in crate::cli) r#type: String,
    /// What went wrong, in short.
    pub(in crate::cli) title: String,
    /// One sentence more.
    pub(in crate::cli) detail: String,
    /// What became of the write.
    pub(in crate::cli) outcome: Option<Outcome>,
}

/// Longest part of a text shown, in characters.
const TEXT_SHOWN: usize = 200;
/// What to do without a token that holds.
const SHOW_TOKEN: &str = "the same command with --token-file FILE (or QUORATE_TOKEN_FILE, or QUORATE_TOKEN)";
/// What to do when the token allows something else.
const OTHER_TOKEN: &str =
    "quorate token list   (with a token that allows `admin`, to see what each token allows)";

impl Problem {
    /// What an answer says that is no problem in this form: the first line of its text.
    pub(in crate::cli) fn of_text(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let line = text.lines().next().unwrap_or_default();
        Self { detail: line.chars().take(TEXT_SHOWN).collect(), ..Self::default() }
    }

    /// The name of the problem, such as `no-leader`.
    pub(in crate::cli) fn kind(&self) -> &str {
        self.r#type.rsplit('/').next().unwrap_or_default()
    }

    /// The failure it is for a command.
    pub(in crate::cli) fn failure(self, status: u16, write: bool, about: &About) -> Failure {
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
        ("unknown-token", ..) => "token list".into(),
        ("unauthenticated", ..) => return Hint::Text(SHOW_TOKEN.into()),
        ("forbidden", ..) => return Hint::Text(OTHER_TOKEN.into()),
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

#[cfg(test)]
mod tests {
    use super::super::KeyName;
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
    fn an_answer_in_plain_text_is_shown() {
        let problem = Problem::of_text(b"this port speaks TLS: use https://\r\nmore");
        let failure = problem.failure(400, false, &About::Cluster);
        assert_eq!(failure.detail, "this port speaks TLS: use https://");
        assert_eq!(Problem::of_text(&[b'x'; 1000]).detail.len(), TEXT_SHOWN);
    }

    #[test]
    fn a_problem_becomes_a_failure_with_a_next_command() {
        let body = r#"{"type":"https://quorate.dev/problems/version-mismatch","title":"Version differs",
            "status":412,"detail":"it is 7","outcome":"not_applied","group":5}"#;
        let problem: Problem = serde_json::from_str(body).unwrap();
        assert_eq!(problem.kind(), "version-mismatch");
        let failure = problem.failure(412, true, &About::Key(key("default", "a b")));
        assert_eq!((failure.exit, failure.title.as_str()), (Exit::Conflict, "Version differs"));
        assert_eq!(failure.outcome, Some(Outcome::NotApplied));
        assert_eq!(next(failure, &[]), "quorate get --output json 'a b'");
    }

    fn key(ns: &str, key: &str) -> KeyName {
        KeyName { ns: ns.into(), key: key.into() }
    }

    /// What is suggested after `quorate set` failed at these endpoints.
    fn next(failure: Failure, endpoints: &[&str]) -> String {
        let endpoints: Vec<_> = endpoints.iter().map(|&endpoint| endpoint.to_owned()).collect();
        failure.after("set", &endpoints).hint.unwrap().to_string()
    }

    fn failed(kind: &str, status: u16, about: &About) -> Failure {
        let r#type = format!("https://quorate.dev/problems/{kind}");
        let outcome = Some(Outcome::NotApplied);
        Problem { r#type, outcome, ..Problem::default() }.failure(status, true, about)
    }

    #[test]
    fn the_next_command_asks_the_same_cluster_about_the_same_key() {
        let about = About::Key(key("my ns", "-x"));
        let missed = failed("miss", 404, &about);
        let expected = "quorate --endpoint http://a:1,http://b:2 set --ns='my ns' -- -x VALUE";
        assert_eq!(next(missed, &["http://a:1", "http://b:2"]), expected);
        let conflict = failed("version-mismatch", 412, &about);
        assert_eq!(next(conflict, &[]), "quorate get --output json --ns='my ns' -- -x");
        let text = Failure::usage("", "").hint("the same command with --yes");
        assert_eq!(next(text, &["http://a:1"]), "the same command with --yes");
    }

    #[test]
    fn what_makes_no_sense_leads_to_the_help_of_the_command() {
        for (kind, status) in [("bad-key", 400), ("bad-request", 400), ("invalid-value", 422)] {
            let failure = failed(kind, status, &About::Key(key("default", "k")));
            assert_eq!(next(failure, &["http://a:1"]), "quorate set --help");
        }
    }

    #[test]
    fn a_server_error_without_outcome_may_have_applied_a_write() {
        let failure = Problem::default().failure(502, true, &About::Cluster);
        assert_eq!((failure.exit, failure.outcome), (Exit::Unknown, Some(Outcome::Unknown)));
        assert_eq!(failure.title, "HTTP status 502");
    }
}
