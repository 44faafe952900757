//! Answers, or the lack of one, as what is certain.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use serde_json::Value;

use super::Judged;
use crate::history::{Expires, Input, Outcome, Output, Seen};
use crate::http::{Answer, Lost};

/// What an answer, or the lack of one, says of an operation.
pub fn judge(input: &Input, answer: Result<Answer, Lost>) -> Judged {
    let is_read = matches!(input, Input::Get(_));
    let answer = match answer {
        Ok(answer) => answer,
        Err(lost @ Lost::NotSent(_)) => return unanswered(Outcome::Fail, &lost),
        Err(lost) if is_read => return unanswered(Outcome::Fail, &lost),
        Err(lost) => return unanswered(Outcome::Unknown, &lost),
    };
    let body = answer.json();
    let told = |header, field: &str| answer.number(header).or(body[field].as_u64());
    let output = output(input, &answer, &body);
    let outcome = match (&output, answer.outcome().as_deref()) {
        (Some(_), _) => Outcome::Ok,
        (None, Some("not_applied")) => Outcome::Fail,
        (None, _) if is_read => Outcome::Fail,
        (None, _) => Outcome::Unknown,
    };
    let error = match output {
        Some(_) => String::new(),
        None => format!("{} {} {}", answer.status.as_u16(), answer.problem(), body["detail"]),
    };
    Judged {
        outcome,
        output,
        time_ms: told("x-quorate-time-ms", "time_ms"),
        age_ms: told("x-quorate-staleness-ms", "staleness_ms"),
        expires: expires(&body),
        group: told("x-quorate-group", "group"),
        error,
    }
}

/// The same for each operation of a batch. An operation without a result of its own has no answer.
pub(super) fn judge_batch(operations: &[(String, Input)], sent: Result<Answer, Lost>) -> Vec<Judged> {
    let results = match &sent {
        Ok(answer) if answer.status.is_success() => answer.json()["results"].take(),
        _ => return operations.iter().map(|(_, input)| judge(input, sent.clone())).collect(),
    };
    let one = |(place, (_, input)): (usize, &(String, Input))| {
        let result = results.get(place).unwrap_or(&Value::Null);
        judge(input, from_item(result))
    };
    operations.iter().enumerate().map(one).collect()
}

/// One result of a batch as an answer of its own.
fn from_item(item: &Value) -> Result<Answer, Lost> {
    let status = item["status"].as_u64().and_then(|s| u16::try_from(s).ok());
    let status = status.and_then(|s| StatusCode::from_u16(s).ok());
    let status = status.ok_or_else(|| Lost::NoAnswer("a batch without this result".into()))?;
    Ok(Answer { status, headers: Default::default(), body: item.to_string().into() })
}

fn unanswered(outcome: Outcome, lost: &Lost) -> Judged {
    Judged {
        outcome,
        output: None,
        time_ms: None,
        age_ms: None,
        expires: Expires::Untold,
        group: None,
        error: lost.to_string(),
    }
}

fn expires(body: &Value) -> Expires {
    match body.get("expires_in_ms") {
        None => Expires::Untold,
        Some(Value::Null) => Expires::Never,
        Some(left) => left.as_u64().map_or(Expires::Untold, Expires::In),
    }
}

/// The output of an answer that is one.
fn output(input: &Input, answer: &Answer, body: &Value) -> Option<Output> {
    let version = answer.number("etag").or(body["version"].as_u64());
    let problem = answer.problem();
    match (input, answer.status) {
        (Input::Get(_), StatusCode::OK) => Some(Output::Read(Some(Seen { value: content(body), version }))),
        (Input::Get(_), StatusCode::NOT_FOUND) if problem == "miss" => Some(Output::Read(None)),
        (Input::Delete, StatusCode::OK) => {
            Some(Output::Deleted { deleted: body["deleted"].as_bool()?, version: body["version"].as_u64() })
        }
        (Input::Get(_) | Input::Delete, _) => None,
        (Input::Cas { .. }, StatusCode::PRECONDITION_FAILED) if problem == "version-mismatch" => {
            Some(Output::Mismatch { current: answer.number("etag").or(body["current_version"].as_u64()) })
        }
        (Input::Touch { .. } | Input::Persist, StatusCode::NOT_FOUND) if problem == "miss" => {
            Some(Output::Missing)
        }
        (Input::Incr { .. }, StatusCode::UNPROCESSABLE_ENTITY) if problem == "not-a-number" => {
            Some(Output::NotANumber)
        }
        (_, status) if status.is_success() => written(input, version?, body),
        _ => None,
    }
}

/// A success that tells no version, or of an addition no sum, is none.
fn written(input: &Input, version: u64, body: &Value) -> Option<Output> {
    let value = match input {
        Input::Incr { .. } => Some(body["value"].as_i64()?.to_string()),
        _ => None,
    };
    Some(Output::Written { version: Some(version), created: body["created"].as_bool(), value })
}

/// The value of an entry, also of one that was written as bytes.
fn content(body: &Value) -> String {
    match body["value_b64"].as_str().map(|text| BASE64_STANDARD.decode(text)) {
        Some(Ok(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        _ => text(&body["value"]),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
