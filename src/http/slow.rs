//! `/v1/slow`: the slow operations that came in by this node.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::answer::json;
use super::operations::Admin;
use crate::error::Result;
use crate::trace::Slow;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SlowView {
    /// From how long on an operation is slow, ms; 0: none is.
    from_ms: u64,
    /// How many there were since the node started.
    total: u64,
    /// The last of them, newest first.
    slow: Vec<Slow>,
}

/// `GET /v1/slow`.
pub(super) async fn show(State(app): State<App>, request: Request) -> Result<Response> {
    Admin::parse(request.uri(), &[])?;
    let log = app.node.slow_log();
    let from_ms = log.from().as_millis() as u64;
    Ok(json(&SlowView { from_ms, total: log.total(), slow: log.last(log.len()) })?.into_response())
}
