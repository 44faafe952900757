//! Problems in the description: one response for each status and set of kinds, one example for each kind.

use serde_json::{Map, Value, json};

use super::{headers, schemas};
use crate::error::{Error, ErrorKind};
use crate::http::problem::{Problem, describe, type_of};

/// How problems are labelled.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// What any call about keys may meet, whatever it asks for.
pub(super) const FAULTS: &[ErrorKind] = &[
    ErrorKind::BadRequest,
    ErrorKind::QueueFull,
    ErrorKind::Internal,
    ErrorKind::NoLeader,
    ErrorKind::NotReady,
    ErrorKind::Moving,
    ErrorKind::Timeout,
];
/// What a call with a JSON body may meet before its body is understood.
pub(super) const BODY: &[ErrorKind] = &[ErrorKind::TooLarge, ErrorKind::MediaType];
/// What a change of an entry may meet.
pub(super) const CHANGE: &[ErrorKind] =
    &[ErrorKind::VersionMismatch, ErrorKind::QuotaExceeded, ErrorKind::DiskFull];
/// What a path with namespace and key may meet.
pub(super) const KEY: &[ErrorKind] = &[ErrorKind::BadKey, ErrorKind::UnknownNamespace, ErrorKind::NotFound];
/// What any call may meet where tokens are asked for.
pub(super) const GUARD: &[ErrorKind] =
    &[ErrorKind::Unauthenticated, ErrorKind::Forbidden, ErrorKind::RateLimited];
/// What a call about the cluster may meet.
pub(super) const ADMIN: &[ErrorKind] = &[
    ErrorKind::BadRequest,
    ErrorKind::Internal,
    ErrorKind::NoLeader,
    ErrorKind::NotReady,
    ErrorKind::Timeout,
];

/// Name and description of the response that any of these kinds, all of one status, is.
pub(super) fn response(status: u16, kinds: &[ErrorKind]) -> (String, Value) {
    let names: Vec<_> = kinds.iter().map(|kind| describe(*kind).1).collect();
    let titles: Vec<_> = kinds.iter().map(|kind| describe(*kind).2).collect();
    let described = json!({
        "description": titles.join("; "),
        "headers": headers::references(headers::of_problem(status)),
        "content": { MEDIA_TYPE: content(status, kinds) },
    });
    (format!("{status}-{}", names.join(".")), described)
}

/// The body of that response.
pub(super) fn content(status: u16, kinds: &[ErrorKind]) -> Value {
    let types: Vec<_> = kinds.iter().map(|kind| type_of(*kind)).collect();
    let examples: Map<_, _> = kinds.iter().map(|kind| example_of(*kind)).collect();
    let own = json!({ "properties": { "type": { "enum": types }, "status": { "const": status } } });
    json!({ "schema": { "allOf": [schemas::reference("Problem"), own] }, "examples": examples })
}

fn example_of(kind: ErrorKind) -> (String, Value) {
    let (_, name, _) = describe(kind);
    (name.to_owned(), json!({ "$ref": format!("#/components/examples/{name}") }))
}

/// An example of a problem, with its name.
pub(super) fn example(kind: ErrorKind) -> (String, Value) {
    let (_, name, title) = describe(kind);
    let error = Error::of_read(kind, title);
    (name.to_owned(), json!({ "value": Problem::of(&error, Some("4f1d2c3b5a697887")) }))
}
