//! `/v1/raw/{ns}/{key}`: an entry as bytes with their content type.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use raft_store::command::{Content, Expiry};
use raft_store::map::Entry;

use super::answer::{ascii, hit_headers, left_ms};
use super::call::{Call, Found, find};
use super::fields::Edit;
use super::query::Query;
use super::value::{Value, content_type};
use super::{App, body, etag, ttl};
use crate::error::{Error, ErrorKind, Result};
use crate::node::ReadOk;

/// What browsers do with a page or a drawing that somebody stored: show it, and let it act for nobody. The console of
/// this origin may hold a token.
const SANDBOX: &str = "sandbox; default-src 'none'";

/// `GET` and `HEAD`: read.
pub(super) async fn get(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, _) = request.into_parts();
    match find(&app, &parts).await? {
        Found::Answered(response) => Ok(response),
        Found::Entry(_, found) => Ok(show(found)),
    }
}

/// `PUT`: set.
pub(super) async fn put(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let call = Call::parse(&app.node, &parts, &["ttl"])?;
    let condition = etag::put_condition(&parts.headers)?;
    refuse_encoded(&parts.headers)?;
    let expiry = expiry(&call.query, &parts.headers)?;
    if let Some(redirect) = call.redirect(&app.node, &parts)? {
        return Ok(redirect);
    }
    let bytes = body::read(body, app.value_bytes_max(), call.deadline).await?;
    let value = Value::from_raw(parts.headers.get(header::CONTENT_TYPE), bytes)?;
    call.change(&app, Edit::Set(value, expiry), condition).await
}

/// Refuses encoded bodies: the encoding is not kept, so the bytes would come back unlabelled.
fn refuse_encoded(headers: &HeaderMap) -> Result<()> {
    let identity = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if headers.get_all(header::CONTENT_ENCODING).iter().all(identity) {
        return Ok(());
    }
    Err(Error::not_applied(ErrorKind::MediaType, "a raw value has no Content-Encoding but identity"))
}

/// `?ttl=` beats `Cache-Control: max-age`; neither is the namespace's default.
fn expiry(query: &Query, headers: &HeaderMap) -> Result<Expiry> {
    match query.get("ttl") {
        Some(text) => ttl::from_query(text),
        None => Ok(ttl::from_cache_control(headers)?.unwrap_or(Expiry::Never)),
    }
}

fn show(found: ReadOk) -> Response {
    let headers = found.entry.as_ref().map(|entry| headers(&found, entry)).unwrap_or_default();
    let value = found.entry.map(|entry| entry.value).unwrap_or_default();
    (StatusCode::OK, headers, value).into_response()
}

fn headers(found: &ReadOk, entry: &Entry) -> HeaderMap {
    let mut headers = hit_headers(found, entry);
    headers.insert(header::CONTENT_TYPE, content_type(&entry.content));
    // The type is whatever a client said; a browser shall not guess another.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if matches!(entry.content, Content::Media(_)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    }
    headers.insert(header::AGE, HeaderValue::from(found.time_ms.saturating_sub(entry.modified_ms) / 1000));
    if let Some(left_ms) = left_ms(entry.deadline, found.time_ms) {
        headers.insert(header::CACHE_CONTROL, ascii(&format!("max-age={}", left_ms / 1000)));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(names: &[&'static str]) -> Result<()> {
        let mut headers = HeaderMap::new();
        for name in names {
            headers.append(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        refuse_encoded(&headers)
    }

    #[test]
    fn a_body_in_another_encoding_is_refused() {
        assert_eq!((encoded(&[]), encoded(&["Identity"])), (Ok(()), Ok(())));
        for bad in [&["gzip"][..], &["identity", "br"], &["identity, gzip"], &[""]] {
            assert_eq!(encoded(bad).unwrap_err().kind, ErrorKind::MediaType, "{bad:?}");
        }
    }
}
