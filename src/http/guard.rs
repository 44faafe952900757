//! Who may call what: every request shows its token before anything else is looked at, its body least of all.
//!
//! [`ENDPOINTS`] says what each endpoint needs; a call that is not in it needs `admin`. Which keys a token allows is
//! judged where the keys are known: by path (`call`, `scan`), by operation (`batch`, `txn`). The guard is part of the
//! router only where tokens are asked for, so nobody else pays for it.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use crate::auth::{Caller, Denied, Now, Protocol, Verb};
use crate::clock;
use crate::error::{Error, ErrorKind, Result};
use crate::node::Node;

/// The scheme of the `Authorization` header (RFC 6750).
const BEARER: &str = "bearer";

/// What an endpoint needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Open,
    /// Nothing, but for `?verbose`, which needs `admin` or `metrics`.
    Health,
    /// `metrics`, unless the node shows them to everybody.
    Metrics,
    /// `admin`.
    Admin,
    /// `read` or `write` of the keys its path, query or body names.
    Keys,
}

/// An endpoint: its path as the router has it, its methods, what it needs.
pub type Endpoint = (&'static str, &'static [&'static str], Access);

/// Every endpoint.
pub const ENDPOINTS: &[Endpoint] = &[
    ("/v1/kv/{ns}", &["GET", "HEAD"], Access::Keys),
    ("/v1/kv/{ns}/", &["GET", "HEAD", "PUT", "PATCH", "DELETE"], Access::Keys),
    ("/v1/kv/{ns}/{*key}", &["GET", "HEAD", "PUT", "PATCH", "DELETE"], Access::Keys),
    ("/v1/raw/{ns}/", &["GET", "HEAD", "PUT", "DELETE"], Access::Keys),
    ("/v1/raw/{ns}/{*key}", &["GET", "HEAD", "PUT", "DELETE"], Access::Keys),
    ("/v1/batch", &["POST"], Access::Keys),
    ("/v1/txn", &["POST"], Access::Keys),
    ("/v1/tokens", &["GET", "HEAD", "POST"], Access::Admin),
    ("/v1/tokens/{id}", &["GET", "HEAD", "DELETE"], Access::Admin),
    ("/v1/cluster", &["GET", "HEAD"], Access::Admin),
    ("/v1/cluster/init", &["POST"], Access::Admin),
    ("/v1/cluster/members", &["GET", "HEAD", "POST"], Access::Admin),
    ("/v1/cluster/members/{node}", &["DELETE"], Access::Admin),
    ("/v1/cluster/groups", &["GET", "HEAD"], Access::Admin),
    ("/v1/cluster/groups/{group}", &["GET", "HEAD"], Access::Admin),
    ("/v1/cluster/groups/{group}/voters", &["POST"], Access::Admin),
    ("/v1/cluster/groups/{group}/voters/{node}", &["DELETE"], Access::Admin),
    ("/v1/cluster/groups/{group}/learners", &["POST"], Access::Admin),
    ("/v1/cluster/groups/{group}/learners/{node}", &["DELETE"], Access::Admin),
    ("/v1/cluster/groups/{group}/leader", &["PUT"], Access::Admin),
    ("/v1/cluster/groups/{group}/snapshot", &["POST"], Access::Admin),
    ("/v1/operations", &["GET", "HEAD"], Access::Admin),
    ("/v1/operations/{id}", &["GET", "HEAD"], Access::Admin),
    ("/v1/slow", &["GET", "HEAD"], Access::Admin),
    ("/v1/log", &["GET", "HEAD", "PUT"], Access::Admin),
    ("/v1/openapi.json", &["GET", "HEAD"], Access::Open),
    ("/console", &["GET", "HEAD"], Access::Open),
    ("/console/", &["GET", "HEAD"], Access::Open),
    ("/console/{file}", &["GET", "HEAD"], Access::Open),
    ("/livez", &["GET", "HEAD"], Access::Open),
    ("/readyz", &["GET", "HEAD"], Access::Health),
    ("/metrics", &["GET", "HEAD"], Access::Metrics),
];

/// Where a request comes from; the listener adds it where tokens are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remote(pub(super) IpAddr);

/// Lets a request pass, or answers it.
pub(super) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let gate = app.node.gate();
    match admit(&app.node, &request) {
        Ok(caller) => {
            caller.map(|caller| request.extensions_mut().insert(caller));
            let response = next.run(request).await;
            gate.count(Protocol::Http, forbidden(&response).as_ref());
            response
        }
        Err(denied) => {
            gate.count(Protocol::Http, Some(&denied));
            Error::from(denied).into_response()
        }
    }
}

/// What a handler refused for want of a right.
fn forbidden(response: &Response) -> Option<Denied> {
    let error = response.extensions().get::<Error>()?;
    (error.kind == ErrorKind::Forbidden).then_some(Denied::Forbidden(""))
}

/// The caller, if it may call this endpoint at all; `None`: nobody was asked for a token.
fn admit(node: &Node, request: &Request) -> Result<Option<Caller>, Denied> {
    let access = access(request.uri().path(), request.method());
    let open = match access {
        Access::Open | Access::Health => true,
        Access::Metrics => node.config().metrics_open,
        Access::Admin | Access::Keys => false,
    };
    let Some(shown) = shown(request.headers()) else {
        return if open { Ok(None) } else { Err(Denied::Missing) };
    };
    let from = request.extensions().get::<Remote>().map_or(Ipv4Addr::UNSPECIFIED.into(), |remote| remote.0);
    let now = Now { wall_ms: clock::wall_ms(), boot_ms: clock::boot_ms() };
    let gate = node.gate();
    let entered = match access {
        Access::Metrics => gate.enter_for_metrics(shown, from, now),
        _ => gate.enter(shown, from, now),
    };
    let entered = entered.map(Caller::Granted);
    if open {
        // A wrong token is no reason to call a node dead.
        return Ok(entered.ok());
    }
    let caller = entered?;
    match access {
        Access::Admin => caller.cluster(Verb::Admin)?,
        Access::Metrics => caller.cluster(Verb::Metrics)?,
        Access::Keys => caller.some_keys()?,
        Access::Open | Access::Health => {}
    }
    Ok(Some(caller))
}

/// What a call needs. What is not listed, served or not, is for administrators: so nothing is open by oversight.
fn access(path: &str, method: &Method) -> Access {
    let known = |(pattern, methods, _): &&Endpoint| methods.contains(&method.as_str()) && fits(pattern, path);
    ENDPOINTS.iter().find(known).map_or(Access::Admin, |(.., access)| *access)
}

/// Whether a path is one of those a router's pattern stands for.
fn fits(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    for wanted in pattern.split('/') {
        match parts.next() {
            Some(rest) if wanted.starts_with("{*") => return !rest.is_empty() || parts.next().is_some(),
            Some(part) if wanted.starts_with('{') && !part.is_empty() => {}
            Some(part) if part == wanted => {}
            _ => return false,
        }
    }
    parts.next().is_none()
}

/// The token a request shows. What has another scheme shows none.
fn shown(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(BEARER.len())?;
    let token = token.strip_prefix(b" ").filter(|_| scheme.eq_ignore_ascii_case(BEARER.as_bytes()))?;
    Some(token.trim_ascii())
}

/// The caller of a request, for handlers. Where tokens are asked for and the guard did not see to one, there is none.
pub(super) fn caller(node: &Node, extensions: &Extensions) -> Result<Caller> {
    if !node.gate().is_on() {
        return Ok(Caller::Trusted);
    }
    extensions.get::<Caller>().cloned().ok_or_else(|| Denied::Missing.into())
}

/// Whether the details of the node's health may be shown.
pub(super) fn may_see_health(node: &Node, extensions: &Extensions) -> Result<()> {
    let caller = caller(node, extensions).map_err(Error::without_outcome)?;
    Ok(caller.cluster(Verb::Admin).or_else(|_| caller.cluster(Verb::Metrics))?)
}

/// The verb a method stands for.
pub(super) fn verb(method: &Method) -> Verb {
    if matches!(*method, Method::GET | Method::HEAD) { Verb::Read } else { Verb::Write }
}

#[cfg(test)]
mod tests;
