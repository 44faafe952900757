//! `/v1/tokens`: who may do what.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::json;
use super::operations::{Admin, segment};
use super::{App, body, path};
use crate::auth::Token;
use crate::error::{Error, ErrorKind, Result};
use crate::node::TokenRequest;
use crate::views::TokenView;

/// Place of the id in `/v1/tokens/{id}`.
const ID_SEGMENT: usize = 2;

/// The body of `POST /v1/tokens`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    name: String,
    user: Option<String>,
    allow: Vec<String>,
    expires_in_ms: Option<u64>,
}

/// Its answer: the only one that ever holds the secret.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenCreated<'a> {
    #[serde(flatten)]
    view: TokenView,
    token: &'a str,
}

/// All tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tokens {
    tokens: Vec<TokenView>,
}

/// What became of a token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenDeleted {
    deleted: bool,
    id: String,
}

/// `GET /v1/tokens`.
pub(super) async fn list(State(app): State<App>, request: Request) -> Result<Response> {
    let admin = Admin::parse(request.uri(), &[])?;
    let tokens = admin.within(app.node.tokens()).await?;
    Ok(json(&Tokens { tokens: tokens.iter().map(view).collect() })?.into_response())
}

/// `GET /v1/tokens/{id}`.
pub(super) async fn show(State(app): State<App>, request: Request) -> Result<Response> {
    let (admin, id) = (Admin::parse(request.uri(), &[])?, id(&request)?);
    let tokens = admin.within(app.node.tokens()).await?;
    let token = tokens.iter().find(|token| token.id == id).ok_or_else(unknown)?;
    Ok(json(&view(token))?.into_response())
}

/// `POST /v1/tokens`.
pub(super) async fn create(State(app): State<App>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let admin = Admin::parse(&parts.uri, &[])?;
    let text = body::read_json(&parts.headers, body, app.body_bytes_max(), admin.deadline).await?;
    let TokenBody { name, user, allow, expires_in_ms } = body::object(&text)?;
    let request = TokenRequest { name, user, allow, expires_in: expires_in_ms.map(Duration::from_millis) };
    let (token, secret) = admin.within(app.node.create_token(request)).await?;
    let created = TokenCreated { view: view(&token), token: secret.expose() };
    Ok((StatusCode::CREATED, json(&created)?).into_response())
}

/// `DELETE /v1/tokens/{id}`.
pub(super) async fn delete(State(app): State<App>, request: Request) -> Result<Response> {
    let (admin, id) = (Admin::parse(request.uri(), &[])?, id(&request)?);
    admin.within(app.node.delete_token(&id)).await?;
    Ok(json(&TokenDeleted { deleted: true, id })?.into_response())
}

fn id(request: &Request) -> Result<String> {
    let id = path::decode(segment(request.uri(), ID_SEGMENT));
    id.and_then(|id| String::from_utf8(id).ok()).ok_or_else(unknown)
}

fn unknown() -> Error {
    Error::not_applied(ErrorKind::UnknownToken, "no token has this id")
}

fn view(token: &Token) -> TokenView {
    let Token { id, name, user, created_ms, expires_ms, .. } = token.clone();
    let allow = token.allow.iter().map(ToString::to_string).collect();
    TokenView { id, name, user, allow, created_ms, expires_ms }
}
