//! Tests of the bodies and headers of data answers.

use bytes::Bytes;
use raft_store::command::{Append, Condition, Content, Delete, Incr};
use serde_json::{Value, json};

use super::*;

fn at(key: &[u8]) -> Located {
    Located { namespace: "default".into(), key: Key::new(0, key).unwrap() }
}

fn entry() -> Entry {
    Entry {
        value: Bytes::from_static(br#"{"name":"Ann"}"#),
        content: Content::Json,
        version: 734,
        deadline: Some(40_120),
        created_ms: 10_000,
        modified_ms: 10_500,
    }
}

fn read(entry: Option<Entry>) -> ReadOk {
    ReadOk { group: 5, entry, time_ms: 11_000, consistency: Consistency::Local, staleness_ms: Some(12) }
}

fn write(reply: Reply) -> WriteOk {
    WriteOk { group: 5, time_ms: 10_000, reply }
}

fn written(created: bool, value: Option<&'static str>) -> Reply {
    Reply::Written(Written {
        version: 7,
        created,
        deadline: Some(10_500),
        value: value.map(Bytes::from),
        len: 3,
    })
}

fn incr() -> Command {
    Command::Incr(Incr { key: at(b"k").key, by: 1, init: None, condition: Condition::None })
}

fn delete() -> Command {
    Command::Delete(Delete { key: at(b"k").key, condition: Condition::None })
}

fn body(answer: &Answer<'_>) -> Value {
    serde_json::from_slice(&serde_json::to_vec(&answer.body).unwrap()).unwrap()
}

#[test]
fn an_entry_is_shown_as_documented() {
    let (at, read) = (at(b"user:42"), read(Some(entry())));
    let expected = json!({
        "ns": "default", "key": "user:42", "value": {"name": "Ann"}, "version": 734,
        "created_ms": 10_000, "modified_ms": 10_500, "expires_in_ms": 29_120,
    });
    assert_eq!(body(&of_read(&at, &read).unwrap()), expected);
}

#[test]
fn an_entry_without_deadline_expires_in_null_and_an_odd_key_is_base64() {
    let at = at(b"\xff");
    let read = read(Some(Entry { deadline: None, content: Content::Octets, ..entry() }));
    let body = body(&of_read(&at, &read).unwrap());
    assert_eq!((&body["expires_in_ms"], &body["key_b64"]), (&Value::Null, &json!("/w==")));
    assert!(body.get("key").is_none() && body.get("value").is_none() && body["value_b64"].is_string());
}

#[test]
fn a_hit_says_where_it_comes_from() {
    let read = read(Some(entry()));
    let headers = hit_headers(&read, read.entry.as_ref().unwrap());
    let expected = [
        ("etag", "\"734\""),
        ("x-quorate-group", "5"),
        ("x-quorate-consistency", "local"),
        ("x-quorate-staleness-ms", "12"),
        ("x-quorate-time-ms", "11000"),
        ("cache-status", "quorate; hit; ttl=29"),
    ];
    for (name, value) in expected {
        assert_eq!(headers[name], value, "{name}");
    }
}

#[test]
fn a_result_of_a_batch_says_where_it_comes_from() {
    let of_read = serde_json::to_value(Meta::of_read(&read(None))).unwrap();
    let expected = json!({"group": 5, "time_ms": 11_000, "consistency": "local", "staleness_ms": 12});
    assert_eq!(of_read, expected);
    let of_write = serde_json::to_value(Meta::of_write(&write(written(true, None)))).unwrap();
    assert_eq!(of_write, json!({"group": 5, "time_ms": 10_000, "consistency": "linearizable"}));
}

#[test]
fn a_miss_is_a_problem_with_the_same_headers() {
    let response = miss_response(&read(None));
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()["cache-status"], "quorate; fwd=miss");
    assert_eq!(response.headers()["x-quorate-group"], "5");
    assert_eq!(response.extensions().get::<Error>().unwrap().kind, ErrorKind::Miss);
}

#[test]
fn writes_show_what_they_left() {
    let at = at(b"k");
    let done = write(written(false, Some("12")));
    let command = incr();
    let answer = of_write(&at, &command, &done).unwrap();
    let expected = json!({
        "ns": "default", "key": "k", "version": 7, "expires_in_ms": 500, "created": false, "value": 12,
    });
    assert_eq!((answer.status, body(&answer)), (StatusCode::OK, expected));

    let (suffix, content) = (Bytes::new(), Content::Text);
    let append = Command::Append(Append {
        key: at.key.clone(),
        suffix,
        content,
        len_max: 9,
        condition: Condition::None,
    });
    assert_eq!(body(&of_write(&at, &append, &done).unwrap())["len"], 3);

    let deleted = write(Reply::Deleted { deleted: true, version: 9 });
    let answer = of_write(&at, &incr(), &deleted).map(|answer| body(&answer)).unwrap();
    assert_eq!(answer, json!({"deleted": true, "version": 9}));
}

#[test]
fn a_rejection_is_certain_and_carries_the_version() {
    let at = at(b"k");
    let cases = [
        (Rejection::Missing, ErrorKind::Miss),
        (Rejection::VersionMismatch { current: Some(7) }, ErrorKind::VersionMismatch),
        (Rejection::NotANumber, ErrorKind::NotANumber),
        (Rejection::Overflow, ErrorKind::InvalidValue),
        (Rejection::WrongContent, ErrorKind::InvalidValue),
        (Rejection::TooLarge, ErrorKind::TooLarge),
        (Rejection::NotOwner, ErrorKind::Moving),
        (Rejection::Unmet, ErrorKind::VersionMismatch),
        (Rejection::NotAFloat, ErrorKind::NotANumber),
    ];
    for (rejection, kind) in cases {
        let current = matches!(rejection, Rejection::VersionMismatch { .. }).then_some(7);
        let error = of_write(&at, &delete(), &write(Reply::Rejected(rejection))).unwrap_err();
        assert_eq!((error.kind, error.group), (kind, Some(5)));
        assert_eq!(error.outcome, Some(crate::error::Outcome::NotApplied));
        assert_eq!(error.current_version, current);
    }
}
