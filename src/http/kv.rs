//! `/v1/kv/{ns}/{key}`: the JSON view of an entry; and the way to `/v1/kv/{ns}`, the namespace's keys.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::answer::{self, hit_headers, json};
use super::call::{Call, Found, find};
use super::fields::{Edit, Fields};
use super::{App, body, etag, path, scan};
use crate::error::Result;

/// `GET` of a namespace: a page of its keys.
pub(super) async fn scan(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, _) = request.into_parts();
    let namespace = path::collection(parts.uri.path())?;
    scan::scan(&app, &namespace, &parts).await
}

/// `GET` and `HEAD`: read an entry.
pub(super) async fn get(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, _) = request.into_parts();
    let (call, found) = match find(&app, &parts).await? {
        Found::Entry(call, found) => (call, found),
        Found::Answered(response) => return Ok(response),
    };
    let answer = answer::of_read(&call.at, &found)?;
    let headers = found.entry.as_ref().map(|entry| hit_headers(&found, entry));
    Ok((StatusCode::OK, headers.unwrap_or_default(), json(&answer.body)?).into_response())
}

/// `PUT`: set.
pub(super) async fn put(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let call = Call::parse(&app.node, &parts, &[])?;
    let condition = etag::put_condition(&parts.headers)?;
    if let Some(redirect) = call.redirect(&app.node, &parts)? {
        return Ok(redirect);
    }
    let text = body::read_json(&parts.headers, body, app.body_bytes_max(), call.deadline).await?;
    let fields = Fields::parse(&text)?;
    fields.permit(&["value", "value_b64", "ttl_ms"])?;
    let edit = fields.set(app.value_bytes_max())?;
    call.change(&app, edit, condition).await
}

/// `PATCH`: incr, append, touch, persist.
pub(super) async fn patch(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let call = Call::parse(&app.node, &parts, &[])?;
    let condition = etag::match_condition(&parts.headers)?;
    if let Some(redirect) = call.redirect(&app.node, &parts)? {
        return Ok(redirect);
    }
    let text = body::read_json(&parts.headers, body, app.body_bytes_max(), call.deadline).await?;
    let edit = Fields::parse(&text)?.patch(app.value_bytes_max())?;
    call.change(&app, edit, condition).await
}

/// `DELETE`, of either view.
pub(super) async fn delete(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, _) = request.into_parts();
    let call = Call::parse(&app.node, &parts, &[])?;
    let condition = etag::match_condition(&parts.headers)?;
    match call.redirect(&app.node, &parts)? {
        Some(redirect) => Ok(redirect),
        None => call.change(&app, Edit::Delete, condition).await,
    }
}
