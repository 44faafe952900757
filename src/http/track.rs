//! What happens to every request: it gets an id, its error becomes a problem, and it is counted.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::linger::Linger;
use super::metrics::{HttpMetrics, Operation};
use super::request_id::RequestId;
use super::{problem, request_id};
use crate::error::Error;

/// Wraps the handlers: the only place that knows both a request's id and its error.
pub(super) async fn track(State(metrics): State<Arc<HttpMetrics>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let operation = Operation::of(request.method(), request.uri().path());
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let mut response = next.run(with_linger(request)).await;
    if let Some(error) = response.extensions_mut().remove::<Error>() {
        let error = if reads { error.without_outcome() } else { error };
        if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(request_id = id.as_str(), %error, "request failed");
        }
        problem::render(&mut response, &error, &id);
    }
    response.headers_mut().insert(request_id::HEADER, id.header());
    metrics.record(operation, response.status(), started.elapsed());
    response
}

fn with_linger(request: Request) -> Request {
    let (parts, body) = request.into_parts();
    let body = Body::new(Linger::new(body, &parts.headers));
    Request::from_parts(parts, body)
}
