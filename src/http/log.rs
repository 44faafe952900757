//! `/v1/log`: what this node's log shows, changed while it runs. Each node has its own; nothing is forwarded, and a
//! restart goes back to the setting.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::json;
use super::operations::Admin;
use super::{App, body};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::LOG_FILTER_BODY_BYTES_MAX;
use crate::trace::level::{self, LevelError};

/// The filter in use; also the body of `PUT`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogView {
    filter: String,
}

/// The answer to `PUT`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    filter: String,
    before: String,
}

/// `GET /v1/log`.
pub(super) async fn show(request: Request) -> Result<Response> {
    Admin::parse(request.uri(), &[])?;
    let filter = level::filter().map_err(refused)?;
    Ok(json(&LogView { filter })?.into_response())
}

/// `PUT /v1/log`.
pub(super) async fn change(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let admin = Admin::parse(&parts.uri, &[])?;
    let text = body::read_json(&parts.headers, body, LOG_FILTER_BODY_BYTES_MAX, admin.deadline).await?;
    let LogView { filter } = body::object(&text)?;
    let before = level::set(&filter).map_err(refused)?;
    tracing::warn!(node = app.node.id(), filter, before, "the log's filter was changed");
    Ok(json(&Changed { filter: level::filter().map_err(refused)?, before })?.into_response())
}

fn refused(error: LevelError) -> Error {
    let kind = match error {
        LevelError::NoLog => ErrorKind::NotReady,
        LevelError::Invalid(_) => ErrorKind::InvalidValue,
    };
    Error::not_applied(kind, error.to_string())
}
