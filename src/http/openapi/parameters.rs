//! The parameters of requests: of paths, queries and headers.

use serde_json::{Map, Value, json};

use crate::limits::SCAN_LIMIT_MAX;
use raft_store::limits::KEY_BYTES_MAX;

/// A parameter of a request.
#[derive(Debug)]
pub(super) struct Parameter {
    name: &'static str,
    /// `path`, `query` or `header`.
    place: &'static str,
    text: &'static str,
    schema: fn() -> Value,
}

const fn path(name: &'static str, text: &'static str, schema: fn() -> Value) -> Parameter {
    Parameter { name, place: "path", text, schema }
}

const fn query(name: &'static str, text: &'static str, schema: fn() -> Value) -> Parameter {
    Parameter { name, place: "query", text, schema }
}

const fn header(name: &'static str, text: &'static str, schema: fn() -> Value) -> Parameter {
    Parameter { name, place: "header", text, schema }
}

/// Those of paths, by the names in their braces.
const OF_PATHS: [Parameter; 5] = [
    path("ns", "The namespace; `default` always exists", || json!({ "type": "string", "minLength": 1 })),
    path(
        "key",
        "The key, percent-encoded; at most 1 KiB once decoded",
        || json!({ "type": "string", "minLength": 1, "maxLength": KEY_BYTES_MAX }),
    ),
    path(
        "group",
        "The group's number; 0 is the meta group",
        || json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
    ),
    path("node", "The node's id", || json!({ "type": "integer", "minimum": 1, "maximum": i64::MAX })),
    path("id", "The id of the operation or token", || json!({ "type": "string", "minLength": 1 })),
];

pub(super) const TIMEOUT: Parameter = query("timeout", "When to give up, at most 60s (default 5s)", waiting);
pub(super) const WAIT: Parameter =
    query("wait", "Answer once the operation has ended, at most after this long (up to 60s)", waiting);
pub(super) const CONSISTENCY: Parameter = query(
    "consistency",
    "How fresh the answer is: proven by a quorum (default), by a lease, or whatever this node has",
    || json!({ "enum": ["linearizable", "lease", "local"] }),
);
pub(super) const MAX_STALENESS: Parameter =
    query("max_staleness", "With `consistency=local`: refuse (`too-stale`) to show anything older", duration);
pub(super) const TTL: Parameter = query("ttl", "Time to live; beats `Cache-Control: max-age`", duration);
pub(super) const PREFIX: Parameter =
    query("prefix", "Only keys that begin so", || json!({ "type": "string" }));
pub(super) const LIMIT: Parameter = query(
    "limit",
    "Most keys of the page (default 100)",
    || json!({ "type": "integer", "minimum": 1, "maximum": SCAN_LIMIT_MAX }),
);
pub(super) const CURSOR: Parameter = query(
    "cursor",
    "Where to go on: the `cursor` of the page before; opaque",
    || json!({ "type": "string", "pattern": "^AQA[A-Za-z0-9_-]{7}[AEIMQUYcgkosw048]$" }),
);
pub(super) const VALUES: Parameter = query("values", "`false`: keys only (default true)", flag);
pub(super) const VERBOSE: Parameter = query("verbose", "Show every check", flag);
pub(super) const LOCAL: Parameter = query("local", "As the asked node's own replica is", flag);
pub(super) const DIGEST: Parameter = query("digest", "With a checksum of the whole replicated state", flag);
pub(super) const ROUTE: Parameter = header(
    "X-Quorate-Route",
    "`redirect`: answer 307 when another node leads, instead of forwarding (the default)",
    || json!({ "enum": ["forward", "redirect"] }),
);
pub(super) const IF_MATCH: Parameter = header(
    "If-Match",
    "`*`, or the ETag the entry must have; excludes If-None-Match",
    || json!({ "type": "string", "anyOf": [{ "const": "*" }, { "pattern": r#"^"[0-9]{1,19}"$"# }] }),
);
pub(super) const IF_ABSENT: Parameter =
    header("If-None-Match", "`*`: create only; excludes If-Match", || json!({ "const": "*" }));
pub(super) const IF_NONE_MATCH: Parameter =
    header("If-None-Match", "ETags the client has: 304 when the entry has one of them", || {
        let tags = r#"^(W/)?"[!#-~]{1,20}"(, (W/)?"[!#-~]{1,20}"){0,7}$"#;
        json!({ "type": "string", "anyOf": [{ "const": "*" }, { "pattern": tags }] })
    });
pub(super) const CACHE_CONTROL: Parameter = header(
    "Cache-Control",
    "`max-age=<seconds>` is the time to live; other directives are ignored",
    || json!({ "type": "string", "examples": ["max-age=30"] }),
);
const REQUEST_ID: Parameter = header(
    "X-Request-Id",
    "An id for this request, kept when it is 1 to 128 letters, digits and `-_.:/+=`",
    || json!({ "type": "string" }),
);

const ALL: [&Parameter; 18] = [
    &TIMEOUT,
    &WAIT,
    &CONSISTENCY,
    &MAX_STALENESS,
    &TTL,
    &PREFIX,
    &LIMIT,
    &CURSOR,
    &VALUES,
    &VERBOSE,
    &LOCAL,
    &DIGEST,
    &ROUTE,
    &IF_MATCH,
    &IF_ABSENT,
    &IF_NONE_MATCH,
    &CACHE_CONTROL,
    &REQUEST_ID,
];

fn waiting() -> Value {
    let form = "^([1-9][0-9]{0,3}ms|[1-5]?[1-9]s|[1-6]0s|1m)$";
    json!({ "type": "string", "pattern": form, "examples": ["5s"] })
}

fn duration() -> Value {
    json!({ "type": "string", "pattern": "^[1-9][0-9]{0,4}(ms|s|m|h|d)$", "examples": ["30s"] })
}

fn flag() -> Value {
    json!({ "enum": ["", "true", "false"] })
}

impl Parameter {
    /// Its name among the components.
    fn component(&self) -> String {
        let other = matches!((self.name, (self.schema)().get("const")), ("If-None-Match", Some(_)));
        format!("{}-{}{}", self.place, self.name, if other { "-any" } else { "" })
    }

    fn describe(&self) -> Value {
        let required = self.place == "path";
        let schema = (self.schema)();
        json!({ "name": self.name, "in": self.place, "description": self.text, "required": required, "schema": schema })
    }
}

/// Every parameter, by its name among the components.
pub(super) fn all() -> Map<String, Value> {
    let described = |parameter: &Parameter| (parameter.component(), parameter.describe());
    OF_PATHS.iter().chain(ALL).map(described).collect()
}

/// References to the parameters in a path's braces, to these, and to the one every request may have.
///
/// # Panics
/// When the path has a parameter that is not described.
pub(super) fn references(path: &str, others: &[&'static Parameter]) -> Value {
    let of_path = path.split('{').skip(1).map(|part| {
        let name = part.split('}').next().unwrap_or_default();
        let known = OF_PATHS.iter().find(|parameter| parameter.name == name);
        known.unwrap_or_else(|| panic!("{path}: {name} is not described"))
    });
    let all = of_path.chain(others.iter().copied()).chain([&REQUEST_ID]);
    let reference = |parameter: &Parameter| json!({ "$ref": format!("#/components/parameters/{}", parameter.component()) });
    all.map(reference).collect()
}
