//! What happens to every request: it gets an id, its error becomes a problem, it is traced, and it is counted.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::linger::Linger;
use super::metrics::{HttpMetrics, Operation};
use super::request_id::RequestId;
use super::{problem, request_id};
use crate::error::{Error, ErrorKind};
use crate::node::{Node, Served};
use crate::trace::{self, Protocol, Traced};

/// What a client says of the trace its request belongs to (W3C Trace Context).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Whose page a browser sends a request for (Fetch Metadata Request Headers, W3C). Other clients do not say.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Why such a request is refused.
const FOREIGN: &str = "a browser sends this change for a page of another site";

/// What is needed to account for a request.
#[derive(Debug, Clone)]
pub(super) struct Tracker {
    /// The figures of the HTTP layer.
    pub(super) metrics: Arc<HttpMetrics>,
    /// The node, once it has started.
    pub(super) node: Option<Node>,
}

impl Tracker {
    fn keeps_key(&self) -> bool {
        self.node.as_ref().is_some_and(|node| node.config().log_keys)
    }
}

/// Wraps the handlers: the only place that knows both a request's id and its error.
pub(super) async fn track(State(tracker): State<Tracker>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let operation = Operation::of(request.method(), request.uri().path());
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let noting = trace::Request::new(Protocol::Http, traced(&request, operation, &id), tracker.keeps_key());
    let foreign = !reads && is_foreign(&request);
    let request = with_linger(request);
    let answered = async {
        match foreign {
            true => Error::not_applied(ErrorKind::Forbidden, FOREIGN).into_response(),
            false => next.run(request).await,
        }
    };
    let (mut response, noted, key) = trace::carry_out(noting, answered).await;
    if let Some(error) = response.extensions_mut().remove::<Error>() {
        let error = if reads { error.without_outcome() } else { error };
        if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(request_id = id.as_str(), %error, "request failed");
        }
        problem::render(&mut response, &error, &id);
    }
    response.headers_mut().insert(request_id::HEADER, id.header());
    let took = started.elapsed();
    tracker.metrics.record(operation, response.status(), took);
    if let Some(node) = &tracker.node {
        let served = Served { protocol: Protocol::Http, operation: operation.name(), took, noted, key };
        node.served(served, || id.as_str().to_owned());
    }
    response
}

/// Whether a browser asks on behalf of another site's page: whoever wrote that need not be able to reach this node, and
/// the browser that can must not lend itself.
fn is_foreign(request: &Request) -> bool {
    let site = request.headers().get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    site.is_some_and(|site| !matches!(site, b"same-origin" | b"none"))
}

/// What its way is logged by, if requests are traced now.
fn traced(request: &Request, operation: Operation, id: &RequestId) -> Option<Arc<Traced>> {
    if !trace::enabled() {
        return None;
    }
    let parent = request.headers().get(TRACEPARENT).map(HeaderValue::to_str).and_then(Result::ok);
    Some(Traced::begin(Protocol::Http, operation.name(), id.as_str().to_owned(), parent))
}

fn with_linger(request: Request) -> Request {
    let (parts, body) = request.into_parts();
    let body = Body::new(Linger::new(body, &parts.headers));
    Request::from_parts(parts, body)
}
