//! Exit codes, and what is suggested next.

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

#[test]
fn quoting() {
    assert_eq!(quote("user:42"), "user:42");
    assert_eq!(quote("it's"), r"'it'\''s'");
    assert_eq!(quote(""), "''");
}
