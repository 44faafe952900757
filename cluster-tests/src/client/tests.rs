use hyper::StatusCode;
use hyper::header::HeaderValue;
use serde_json::{Value, json};

use super::*;
use crate::history::{Consistency, Expect, Seen};

fn answer(status: u16, body: Value) -> Result<Answer, Lost> {
    let status = StatusCode::from_u16(status).unwrap();
    let mut headers = hyper::HeaderMap::new();
    headers.insert("etag", HeaderValue::from_static("\"7\""));
    headers.insert("x-quorate-time-ms", HeaderValue::from_static("1500"));
    Ok(Answer { status, headers, body: body.to_string().into() })
}

fn problem(status: u16, kind: &str, outcome: Option<&str>) -> Result<Answer, Lost> {
    answer(status, json!({"type": format!("https://quorate.dev/problems/{kind}"), "outcome": outcome}))
}

/// The statuses, bodies and problems are those of the API; each of these says something else.
#[test]
fn changes_of_what_is_there_know_when_it_is_not() {
    let miss = || problem(404, "miss", Some("not_applied"));
    assert_eq!(judge(&Input::Touch { ttl_ms: 5 }, miss()).output, Some(Output::Missing));
    assert_eq!(judge(&Input::Persist, miss()).output, Some(Output::Missing));
    assert_eq!(outcome(&set(), miss()), Outcome::Fail, "a set needs nothing to be there");
    let not_a_number = || problem(422, "not-a-number", Some("not_applied"));
    assert_eq!(judge(&Input::Incr { by: 1 }, not_a_number()).output, Some(Output::NotANumber));
    assert_eq!(outcome(&Input::Append { value: "x".into() }, not_a_number()), Outcome::Fail);
}

#[test]
fn a_sum_is_told_and_a_success_without_one_is_none() {
    let incr = Input::Incr { by: 5 };
    let sum = Output::Written { version: Some(7), created: Some(false), value: Some("-3".into()) };
    let body = json!({"version": 7, "created": false, "value": -3});
    assert_eq!(judge(&incr, answer(200, body)).output, Some(sum));
    assert_eq!(outcome(&incr, answer(200, json!({"version": 7}))), Outcome::Unknown);
}

#[test]
fn a_value_reads_the_same_however_it_was_written() {
    let read = |body: Value| judge(&get(), answer(200, body)).output;
    let seen = |value: &str| Some(Output::Read(Some(Seen { value: value.into(), version: Some(7) })));
    assert_eq!(read(json!({"value": "v1"})), seen("v1"));
    assert_eq!(read(json!({"value_b64": "djE="})), seen("v1"));
    assert_ne!(read(json!({"value_b64": "!"})), seen("v1"));
}

#[test]
fn deadlines_and_ages_are_told() {
    let expires = |left: Value| judge(&set(), answer(200, json!({"expires_in_ms": left}))).expires;
    assert_eq!(expires(json!(40)), Expires::In(40));
    assert_eq!(expires(Value::Null), Expires::Never);
    assert_eq!(judge(&set(), answer(200, json!({}))).expires, Expires::Untold);
    let mut old = answer(200, json!({"value": "v", "version": 7})).unwrap();
    old.headers.insert("x-quorate-staleness-ms", HeaderValue::from_static("120"));
    let local = Input::Get(Consistency::Local);
    let judged = judge(&local, Ok(old));
    assert_eq!(judged.age_ms, Some(120));
}

#[test]
fn each_operation_of_a_batch_is_judged_by_its_own_result() {
    let asked = |input: Input| ("k".to_owned(), input);
    let operations = [asked(set()), asked(get()), asked(Input::Delete), asked(set())];
    let results = json!({"results": [
        {"status": 201, "version": 9, "created": true, "time_ms": 30},
        {"status": 404, "type": "/problems/miss"},
        {"status": 503, "type": "/problems/no-leader", "outcome": "not_applied"},
    ]});
    let outcomes = |sent| -> Vec<Outcome> {
        answer::judge_batch(&operations, sent).into_iter().map(|judged| judged.outcome).collect()
    };
    use Outcome::{Fail, Ok as Sure, Unknown};
    assert_eq!(outcomes(answer(200, results)), [Sure, Sure, Fail, Unknown]);
    assert_eq!(outcomes(problem(504, "timeout", Some("unknown"))), [Unknown, Fail, Unknown, Unknown]);
    assert_eq!(outcomes(problem(413, "too-large", Some("not_applied"))), [Fail; 4]);
    assert_eq!(outcomes(answer(200, json!({}))), [Unknown, Fail, Unknown, Unknown]);
}

#[test]
fn requests_ask_what_they_are_to_ask() {
    let query = |how, bound| ask::one("k", &Input::Get(how), bound).uri().query().map(str::to_owned);
    assert_eq!(query(Consistency::Lease, true).as_deref(), Some("consistency=lease"));
    assert_eq!(query(Consistency::Local, false).as_deref(), Some("consistency=local"));
    assert_eq!(query(Consistency::Local, true).as_deref(), Some("consistency=local&max_staleness=24h"));
    let lease = [("a".to_owned(), set()), ("b".to_owned(), Input::Get(Consistency::Lease))];
    assert_eq!(ask::batch(&lease, true).uri(), "/v1/batch?consistency=lease");
    assert_eq!(ask::batch(&lease[..1], true).uri(), "/v1/batch?consistency=linearizable");
}

fn set() -> Input {
    Input::Set { value: "v".into(), ttl_ms: None }
}

fn get() -> Input {
    Input::Get(Consistency::Linearizable)
}

fn outcome(input: &Input, answer: Result<Answer, Lost>) -> Outcome {
    judge(input, answer).outcome
}

#[test]
fn success_is_ok_with_version_and_time() {
    let judged = judge(&set(), answer(201, json!({"version": 7, "created": true})));
    let written = Output::Written { version: Some(7), created: Some(true), value: None };
    assert_eq!((judged.output, judged.time_ms), (Some(written), Some(1500)));
    let judged = judge(&get(), answer(200, json!({"value": "v", "version": 7})));
    let seen = Seen { value: "v".into(), version: Some(7) };
    assert_eq!(judged.output, Some(Output::Read(Some(seen))));
}

#[test]
fn miss_and_mismatch_are_answers() {
    assert_eq!(judge(&get(), problem(404, "miss", None)).output, Some(Output::Read(None)));
    let cas = Input::Cas { expect: Expect::Version(3), value: "v".into(), ttl_ms: None };
    let judged = judge(&cas, problem(412, "version-mismatch", Some("not_applied")));
    assert_eq!(judged.output, Some(Output::Mismatch { current: Some(7) }));
}

#[test]
fn other_not_founds_are_no_misses() {
    assert_eq!(outcome(&get(), problem(404, "unknown-namespace", None)), Outcome::Fail);
}

#[test]
fn only_not_applied_is_a_failed_write() {
    assert_eq!(outcome(&set(), problem(503, "no-leader", Some("not_applied"))), Outcome::Fail);
    assert_eq!(outcome(&set(), problem(503, "no-leader", Some("unknown"))), Outcome::Unknown);
    assert_eq!(outcome(&set(), problem(500, "internal", None)), Outcome::Unknown);
    assert_eq!(outcome(&set(), answer(502, Value::Null)), Outcome::Unknown);
}

#[test]
fn lost_answers_are_unknown_unless_nothing_was_sent() {
    let lost = || Err(Lost::NoAnswer("closed".into()));
    assert_eq!(outcome(&set(), lost()), Outcome::Unknown);
    assert_eq!(outcome(&get(), lost()), Outcome::Fail);
    assert_eq!(outcome(&set(), Err(Lost::NotSent("refused".into()))), Outcome::Fail);
}

#[tokio::test]
async fn refused_connection_is_a_fail_and_a_silent_server_unknown() {
    let nobody = crate::ports::free().unwrap();
    assert_eq!(Client::default().operate(nobody, "k", &set()).await.outcome, Outcome::Fail);
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let hang_up = async { drop(silent.accept().await.unwrap()) };
    let (judged, ()) = tokio::join!(async { Client::default().operate(address, "k", &set()).await }, hang_up);
    assert_eq!(judged.outcome, Outcome::Unknown);
}
