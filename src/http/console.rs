//! `/console`: a page for people, embedded in the program. What it shows it asks of this API like any other client.
//!
//! Relies on nothing of the node, so it is served while that starts too, and without a token: the files hold no secret
//! and the same bytes are in every program of this version. Guarantees: no file comes from anywhere else, and browsers
//! are told to run, draw and ask nothing but what this origin serves, to put the page into no other, and to take no text
//! for markup (`require-trusted-types-for`), so that neither a key nor the name of a zone can become code.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::answer::ascii;
use crate::error::{Error, ErrorKind, Result};

/// What browsers may do with the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// What every file of the page is sent with, beside its type and tag.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // Kept, but asked for each time: a page of one version never runs with scripts of another.
    (header::CACHE_CONTROL, "no-cache"),
];

/// The file that is the page.
const INDEX: &str = "index.html";

/// The files below `src/console` by name.
macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../console/", $name)))),*]
    };
}

/// Every file of the page with its name and its bytes.
const FILES: &[(&str, &[u8])] = files! {
    "index.html" "icon.svg" "base.css" "parts.css"
    "app.js" "route.js" "state.js" "poll.js" "api.js" "token.js" "theme.js"
    "dom.js" "table.js" "dialog.js" "confirm.js" "ask_token.js" "problem.js" "banner.js" "pill.js"
    "format.js" "value.js" "fields.js" "changes.js" "metrics.js" "samples.js" "chart.js"
    "overview.js" "nodes.js" "groups.js" "actions.js" "slots.js" "keys.js" "entry.js" "operations.js"
};

/// The paths of the page, for whatever state the other paths have.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/console", get(page))
        .route("/console/", get(page))
        .route("/console/{file}", get(file))
}

/// `GET /console`.
async fn page(headers: HeaderMap) -> Result<Response> {
    answer(INDEX, &headers)
}

/// `GET /console/{file}`.
async fn file(Path(name): Path<String>, headers: HeaderMap) -> Result<Response> {
    answer(&name, &headers)
}

fn answer(name: &str, asked: &HeaderMap) -> Result<Response> {
    let found = FILES.iter().find(|(known, _)| *known == name);
    let &(name, bytes) =
        found.ok_or_else(|| Error::of_read(ErrorKind::NotFound, "the console has no such file"))?;
    let tag = ascii(&format!("\"{:016x}\"", fingerprint(bytes)));
    let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|tags| lists(tags, &tag));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (StatusCode::OK, bytes).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
    headers.insert(header::ETAG, tag);
    headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    Ok(response)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        _ => "image/svg+xml",
    }
}

/// Whether `If-None-Match` names the tag, weakly or not (RFC 9110 section 13.1.2).
fn lists(tags: &HeaderValue, tag: &HeaderValue) -> bool {
    tags.as_bytes()
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .any(|listed| listed == b"*" || listed.strip_prefix(b"W/").unwrap_or(listed) == tag.as_bytes())
}

/// FNV-1a, 64 bits: tells versions of a file apart, against nobody's will.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests;
