//! A client of the HTTP API that says of every operation what is certain: `ok`, `fail` or `unknown`.
//!
//! 2xx is `ok`, and so are a miss and a refused condition, which are answers; a problem with outcome
//! `not_applied`, or a refused connection, is `fail`; all else is `unknown`. A read without an answer is `fail`:
//! it has no effect.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::history::{Consistency, Expect, Input, Outcome, Output, Seen};
use crate::http::{Answer, Http, Lost, request};

/// How long an operation may take.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(3);

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What is certain.
    pub outcome: Outcome,
    /// The answer, if the outcome is `ok`.
    pub output: Option<Output>,
    /// Group time of the answer, ms.
    pub time_ms: Option<u64>,
    /// The group that answered.
    pub group: Option<u64>,
    /// Why it did not succeed.
    pub error: String,
}

/// A client with one connection to each node it speaks to.
#[derive(Debug, Default)]
pub struct Client {
    http: Http,
}

impl Client {
    /// Carries out one operation at one node, once.
    pub async fn operate(&mut self, node: SocketAddr, key: &str, input: &Input) -> Judged {
        let answer = self.http.send(node, to_request(key, input), OPERATION_TIMEOUT).await;
        judge(input, answer)
    }

    /// Carries out independent operations in one batch; they are judged one by one.
    pub async fn batch(&mut self, node: SocketAddr, operations: &[(String, Input)]) -> Vec<Judged> {
        let list: Vec<Value> = operations.iter().map(|(key, input)| to_batch_item(key, input)).collect();
        let body = json!({ "operations": list });
        let sent = self.http.send(node, request(Method::POST, "/v1/batch", &body), OPERATION_TIMEOUT).await;
        let results = match &sent {
            Ok(answer) if answer.status.is_success() => answer.json()["results"].as_array().cloned(),
            _ => None,
        };
        let Some(results) = results else {
            return operations.iter().map(|(_, input)| judge(input, sent.clone())).collect();
        };
        operations
            .iter()
            .enumerate()
            .map(|(i, (_, input))| judge(input, from_batch_item(results.get(i).unwrap_or(&Value::Null))))
            .collect()
    }

    /// Any other request.
    pub async fn send(&mut self, node: SocketAddr, request: Request<Full<Bytes>>) -> Result<Answer, Lost> {
        self.http.send(node, request, OPERATION_TIMEOUT).await
    }
}

fn path(key: &str) -> String {
    format!("/v1/kv/default/{key}")
}

fn to_request(key: &str, input: &Input) -> Request<Full<Bytes>> {
    let path = path(key);
    match input {
        Input::Get(consistency) => {
            let how = match consistency {
                Consistency::Linearizable => "linearizable",
                Consistency::Lease => "lease",
                Consistency::Local => "local",
            };
            request(Method::GET, &format!("{path}?consistency={how}"), &Value::Null)
        }
        Input::Set { value, ttl_ms } => {
            request(Method::PUT, &path, &json!({"value": value, "ttl_ms": ttl_ms}))
        }
        Input::Delete => request(Method::DELETE, &path, &Value::Null),
        Input::Cas { expect, value, ttl_ms } => {
            conditional(request(Method::PUT, &path, &json!({"value": value, "ttl_ms": ttl_ms})), expect)
        }
        Input::Incr { by } => request(Method::PATCH, &path, &json!({"op": "incr", "by": by, "init": 0})),
        Input::Append { value } => request(Method::PATCH, &path, &json!({"op": "append", "value": value})),
        Input::Touch { ttl_ms } => request(Method::PATCH, &path, &json!({"op": "touch", "ttl_ms": ttl_ms})),
        Input::Persist => request(Method::PATCH, &path, &json!({"op": "persist"})),
    }
}

fn conditional(mut request: Request<Full<Bytes>>, expect: &Expect) -> Request<Full<Bytes>> {
    let (name, value): (HeaderName, String) = match expect {
        Expect::Absent => (IF_NONE_MATCH, "*".into()),
        Expect::Present => (IF_MATCH, "*".into()),
        Expect::Version(version) => (IF_MATCH, format!("\"{version}\"")),
        // Quorate compares versions only; a version that never is makes the operation fail cleanly.
        Expect::Value(_) => (IF_MATCH, "\"0\"".into()),
    };
    if let Ok(value) = HeaderValue::try_from(value) {
        request.headers_mut().insert(name, value);
    }
    request
}

fn to_batch_item(key: &str, input: &Input) -> Value {
    match input {
        Input::Get(_) => json!({"op": "get", "key": key}),
        Input::Set { value, ttl_ms } => json!({"op": "set", "key": key, "value": value, "ttl_ms": ttl_ms}),
        Input::Delete => json!({"op": "delete", "key": key}),
        Input::Cas { expect: Expect::Version(version), value, ttl_ms } => {
            json!({"op": "set", "key": key, "value": value, "ttl_ms": ttl_ms, "if_version": version})
        }
        Input::Cas { value, ttl_ms, .. } => {
            json!({"op": "set", "key": key, "value": value, "ttl_ms": ttl_ms, "if_absent": true})
        }
        Input::Incr { by } => json!({"op": "incr", "key": key, "by": by, "init": 0}),
        Input::Append { value } => json!({"op": "append", "key": key, "value": value}),
        Input::Touch { ttl_ms } => json!({"op": "touch", "key": key, "ttl_ms": ttl_ms}),
        Input::Persist => json!({"op": "persist", "key": key}),
    }
}

/// One result of a batch as an answer of its own.
fn from_batch_item(item: &Value) -> Result<Answer, Lost> {
    let status = item["status"].as_u64().and_then(|s| u16::try_from(s).ok());
    let status = status.and_then(|s| StatusCode::from_u16(s).ok());
    let status = status.ok_or_else(|| Lost::NoAnswer("a batch result without status".into()))?;
    Ok(Answer { status, headers: Default::default(), body: item.to_string().into() })
}

/// What an answer, or the lack of one, says of an operation.
pub fn judge(input: &Input, answer: Result<Answer, Lost>) -> Judged {
    let is_read = matches!(input, Input::Get(_));
    let failed = |outcome, error: String| Judged { outcome, output: None, time_ms: None, group: None, error };
    let answer = match answer {
        Ok(answer) => answer,
        Err(lost @ Lost::NotSent(_)) => return failed(Outcome::Fail, lost.to_string()),
        Err(lost) if is_read => return failed(Outcome::Fail, lost.to_string()),
        Err(lost) => return failed(Outcome::Unknown, lost.to_string()),
    };
    let body = answer.json();
    let time_ms = answer.number("x-quorate-time-ms").or(body["time_ms"].as_u64());
    let group = answer.number("x-quorate-group").or(body["group"].as_u64());
    let Some(output) = output(input, &answer) else {
        let outcome = match answer.outcome().as_deref() {
            Some("not_applied") => Outcome::Fail,
            _ if is_read => Outcome::Fail,
            _ => Outcome::Unknown,
        };
        let error = format!("{} {} {}", answer.status.as_u16(), answer.problem(), answer.json()["detail"]);
        return Judged { outcome, output: None, time_ms, group, error };
    };
    Judged { outcome: Outcome::Ok, output: Some(output), time_ms, group, error: String::new() }
}

/// The output of an answer that is one.
fn output(input: &Input, answer: &Answer) -> Option<Output> {
    let body = answer.json();
    let version = answer.number("etag").or(body["version"].as_u64());
    let is_cas = matches!(input, Input::Cas { .. });
    match (input, answer.status) {
        (Input::Get(_), StatusCode::OK) => {
            Some(Output::Read(Some(Seen { value: text(&body["value"]), version })))
        }
        (Input::Get(_), StatusCode::NOT_FOUND) if answer.problem() == "miss" => Some(Output::Read(None)),
        (Input::Delete, StatusCode::OK) => {
            Some(Output::Deleted { deleted: body["deleted"].as_bool()?, version: body["version"].as_u64() })
        }
        (_, StatusCode::PRECONDITION_FAILED) if is_cas && answer.problem() == "version-mismatch" => {
            Some(Output::Mismatch { current: answer.number("etag").or(body["current_version"].as_u64()) })
        }
        (Input::Get(_) | Input::Delete, _) => None,
        (_, status) if status.is_success() => {
            let computed = matches!(input, Input::Incr { .. }).then(|| text(&body["value"]));
            Some(Output::Written { version, created: body["created"].as_bool(), value: computed })
        }
        _ => None,
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let (judged, ()) =
            tokio::join!(async { Client::default().operate(address, "k", &set()).await }, hang_up);
        assert_eq!(judged.outcome, Outcome::Unknown);
    }
}
