//! The headers of answers.

use serde_json::{Map, Value, json};

/// A header of an answer.
#[derive(Debug)]
pub(super) struct Header {
    name: &'static str,
    text: &'static str,
    /// Whether every answer that lists it has it.
    always: bool,
    /// The JSON type of its value.
    kind: &'static str,
}

const fn always(name: &'static str, kind: &'static str, text: &'static str) -> Header {
    Header { name, text, always: true, kind }
}

const fn sometimes(name: &'static str, kind: &'static str, text: &'static str) -> Header {
    Header { name, text, always: false, kind }
}

const REQUEST_ID: Header =
    always("X-Request-Id", "string", "The request's id: the client's, when it is sane, or a new one");
pub(super) const GROUP: Header = always("X-Quorate-Group", "integer", "The group that owns the key");
pub(super) const TIME: Header =
    always("X-Quorate-Time-Ms", "integer", "Group time of the answer, ms; deadlines are of this clock");
pub(super) const CONSISTENCY: Header =
    always("X-Quorate-Consistency", "string", "How the answer was read: linearizable, lease or local");
pub(super) const STALENESS: Header = sometimes(
    "X-Quorate-Staleness-Ms",
    "integer",
    "How old a read that is not linearizable may be, ms; absent while nothing has confirmed the replica",
);
pub(super) const ETAG: Header = always("ETag", "string", "The entry's version in double quotes");
pub(super) const CURRENT_ETAG: Header =
    sometimes("ETag", "string", "The version the key has, in double quotes");
pub(super) const CACHE_STATUS: Header =
    always("Cache-Status", "string", "Hit or miss, and the seconds left (RFC 9211)");
pub(super) const CACHE_CONTROL: Header = sometimes(
    "Cache-Control",
    "string",
    "`max-age` with the seconds left; absent when the entry never expires",
);
pub(super) const AGE: Header = always("Age", "integer", "Seconds since the entry was written");
pub(super) const NOSNIFF: Header = always("X-Content-Type-Options", "string", "`nosniff`");
pub(super) const LOCATION: Header = always("Location", "string", "Where to go on");
const RETRY_AFTER: Header = always("Retry-After", "integer", "Seconds to wait before trying again");

const ALL: [&Header; 13] = [
    &REQUEST_ID,
    &GROUP,
    &TIME,
    &CONSISTENCY,
    &STALENESS,
    &ETAG,
    &CURRENT_ETAG,
    &CACHE_STATUS,
    &CACHE_CONTROL,
    &AGE,
    &NOSNIFF,
    &LOCATION,
    &RETRY_AFTER,
];

impl Header {
    /// Its name among the components; a header may come in two forms.
    fn component(&self) -> String {
        match self.always {
            true => self.name.to_owned(),
            false => format!("{}-optional", self.name),
        }
    }
}

/// Every header, by its name among the components.
pub(super) fn all() -> Map<String, Value> {
    let described = |header: &Header| json!({ "description": header.text, "required": header.always, "schema": { "type": header.kind } });
    ALL.iter().map(|header| (header.component(), described(header))).collect()
}

/// References to these headers, and to the one every answer has.
pub(super) fn references(headers: &[&Header]) -> Value {
    let reference = |header: &&Header| {
        let reference = format!("#/components/headers/{}", header.component());
        (header.name.to_owned(), json!({ "$ref": reference }))
    };
    Value::Object(headers.iter().chain(&[&REQUEST_ID]).map(reference).collect())
}

/// The headers of problems with this status.
pub(super) fn of_problem(status: u16) -> &'static [&'static Header] {
    match status {
        412 => &[&CURRENT_ETAG],
        429 | 503 => &[&RETRY_AFTER],
        _ => &[],
    }
}
