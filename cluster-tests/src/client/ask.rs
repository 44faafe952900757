//! Operations as requests.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use hyper::{Method, Request};
use serde_json::{Value, json};

use crate::history::{Consistency, Expect, Input};
use crate::http::request;

/// The age that is too much for a local read which wants a promise: any promise will do.
const STALENESS_ANY: &str = "24h";

/// One operation. `bound`: a local read asks for a promise of its age.
pub(super) fn one(key: &str, input: &Input, bound: bool) -> Request<Full<Bytes>> {
    let path = format!("/v1/kv/default/{key}");
    let patch = |body: Value| request(Method::PATCH, &path, &body);
    match input {
        Input::Get(how) => {
            request(Method::GET, &format!("{path}?{}", consistency(*how, bound)), &Value::Null)
        }
        Input::Set { value, ttl_ms } => {
            request(Method::PUT, &path, &json!({"value": value, "ttl_ms": ttl_ms}))
        }
        Input::Delete => request(Method::DELETE, &path, &Value::Null),
        Input::Cas { expect, value, ttl_ms } => {
            conditional(request(Method::PUT, &path, &json!({"value": value, "ttl_ms": ttl_ms})), expect)
        }
        Input::Incr { by } => patch(json!({"op": "incr", "by": by, "init": 0})),
        Input::Append { value } => patch(json!({"op": "append", "value": value})),
        Input::Touch { ttl_ms } => patch(json!({"op": "touch", "ttl_ms": ttl_ms})),
        Input::Persist => patch(json!({"op": "persist"})),
    }
}

/// Several operations in one batch. `bound` as in [`one`].
pub(super) fn batch(operations: &[(String, Input)], bound: bool) -> Request<Full<Bytes>> {
    let reads = operations.iter().find_map(|(_, input)| match input {
        Input::Get(how) => Some(*how),
        _ => None,
    });
    let list: Vec<Value> = operations.iter().map(|(key, input)| item(key, input)).collect();
    let path = format!("/v1/batch?{}", consistency(reads.unwrap_or_default(), bound));
    request(Method::POST, &path, &json!({ "operations": list }))
}

fn consistency(how: Consistency, bound: bool) -> String {
    match how {
        Consistency::Linearizable => "consistency=linearizable".into(),
        Consistency::Lease => "consistency=lease".into(),
        Consistency::Local if bound => format!("consistency=local&max_staleness={STALENESS_ANY}"),
        Consistency::Local => "consistency=local".into(),
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

fn item(key: &str, input: &Input) -> Value {
    match input {
        Input::Get(_) => json!({"op": "get", "key": key}),
        Input::Set { value, ttl_ms } => json!({"op": "set", "key": key, "value": value, "ttl_ms": ttl_ms}),
        Input::Delete => json!({"op": "delete", "key": key}),
        Input::Cas { expect: Expect::Version(version), value, ttl_ms } => {
            json!({"op": "set", "key": key, "value": value, "ttl_ms": ttl_ms, "if_version": version})
        }
        Input::Cas { expect: Expect::Absent, value, ttl_ms } => {
            json!({"op": "set", "key": key, "value": value, "ttl_ms": ttl_ms, "if_absent": true})
        }
        // A batch has no such condition: it is refused as a field that nobody knows, and so certainly not applied.
        Input::Cas { expect: Expect::Present | Expect::Value(_), value, ttl_ms } => {
            json!({"op": "set", "key": key, "value": value, "ttl_ms": ttl_ms, "if_present": true})
        }
        Input::Incr { by } => json!({"op": "incr", "key": key, "by": by, "init": 0}),
        Input::Append { value } => json!({"op": "append", "key": key, "value": value}),
        Input::Touch { ttl_ms } => json!({"op": "touch", "key": key, "ttl_ms": ttl_ms}),
        Input::Persist => json!({"op": "persist", "key": key}),
    }
}
