//! `GET /v1/openapi.json`: the description of this API (OpenAPI 3.1), made from the code.
//!
//! Relies on the table of problems (`problem`), on the limits, and on the types the handlers read and write, whose
//! schemas are derived. Guarantees: a path
//! without a description is not served (`routes`), and the other way round by a test. That answers are as described is
//! held by the contract test (`cluster-tests/contract`).
//!
//! A new endpoint is one more `document.add(…)` in `paths`, next to its siblings.

mod call;
mod document;
mod headers;
mod parameters;
mod paths;
mod problems;
mod schemas;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;

use serde_json::Value;

use document::Document;

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let mut document = Document::default();
    paths::add(&mut document);
    document.finish()
});

static TEXT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", *DESCRIPTION));

/// The description of the whole API, as JSON.
pub fn openapi() -> &'static str {
    &TEXT
}

/// Whether a path of the router is described. An empty key is a key, and the rest of a path is one parameter.
pub(super) fn describes(route: &str) -> bool {
    let path = route.replace("{*", "{");
    let path = if path.ends_with('/') { path + "{key}" } else { path };
    DESCRIPTION["paths"].get(&path).is_some()
}

/// `GET /v1/openapi.json`; needs no cluster.
pub(super) async fn show() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], openapi())
}
