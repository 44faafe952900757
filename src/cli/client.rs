//! The HTTP client of the command line.
//!
//! Endpoints are tried in order. The next one is tried only when the request certainly did nothing: the
//! connection could not be made, or the node said 503 and `not_applied` (or it was a read). A write that may
//! have been applied is never sent again.

mod connect;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{self, HeaderValue};
use hyper::{Method, StatusCode};
use hyper_util::client::legacy::{self, Client as Http};
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::fail::{About, Exit, Failure, Problem};
use crate::error::Outcome;
use crate::limits::REQUEST_TIMEOUT_MAX;
use crate::tls::Dialer;
use connect::Connector;
pub(super) use connect::TlsFlags;

/// How long one endpoint may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How much longer than the node the client waits for the answer to a write.
const WRITE_GRACE: Duration = Duration::from_millis(500);
/// Shortest time one endpoint gets.
const ATTEMPT_MIN: Duration = Duration::from_millis(1);
/// Longest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    about: About,
    timeout: Option<Duration>,
}

impl Request {
    /// A request without a body; `path` is encoded and begins with `/`.
    pub(super) fn new(method: Method, path: impl Into<String>, about: About) -> Self {
        let (headers, body) = (Vec::new(), Bytes::new());
        Self { method, path: path.into(), headers, body, about, timeout: None }
    }

    /// Adds a header.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Gives it a JSON body.
    pub(super) fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = body.to_string().into();
        self.header("content-type", "application/json")
    }

    /// Waits this long in place of the client's timeout.
    pub(super) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    fn writes(&self) -> bool {
        self.method != Method::GET && self.method != Method::HEAD
    }
}

/// A successful answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// The body as it came.
    pub(super) body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Failure::new(Exit::Error, "The answer makes no sense", error.to_string()))
    }

    /// The body as a list, which may stand alone or under `name`.
    pub(super) fn rows<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, Failure> {
        let mut body: serde_json::Value = self.read()?;
        let rows = if body.is_array() { body } else { body[name].take() };
        serde_json::from_value(rows)
            .map_err(|error| Failure::new(Exit::Error, "The answer makes no sense", error.to_string()))
    }
}

/// What one endpoint made of a request.
enum Attempt {
    Done(Answer),
    /// Nobody was reached: the next endpoint may try.
    Unreached(Failure),
    /// The node did nothing: the next endpoint may try.
    Refused(Failure),
    /// Final.
    Failed(Failure),
}

/// Sends requests to the first endpoint that takes them.
#[derive(Debug)]
pub(super) struct Client {
    endpoints: Vec<String>,
    timeout: Duration,
    token: Option<HeaderValue>,
    http: Http<Connector, Full<Bytes>>,
}

impl Client {
    /// A client of these endpoints (`http://HOST:PORT`, or `https://` with what dials TLS).
    pub(super) fn new(endpoints: Vec<String>, timeout: Duration, tls: Option<Dialer>) -> Self {
        let connector = Connector::new(tls, CONNECT_TIMEOUT.min(timeout));
        let http = Http::builder(TokioExecutor::new()).retry_canceled_requests(false).build(connector);
        Self { endpoints, timeout, token: None, http }
    }

    /// The same, which shows a token: the value of `Authorization`, marked as sensitive.
    pub(super) fn with_token(self, token: Option<HeaderValue>) -> Self {
        Self { token, ..self }
    }

    /// The same for another endpoint, and that one only.
    pub(super) fn elsewhere(&self, endpoint: String) -> Self {
        Self {
            endpoints: vec![endpoint],
            timeout: self.timeout,
            token: self.token.clone(),
            http: self.http.clone(),
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// The last endpoint's refusal, or why none could be reached.
    pub(super) async fn call(&self, request: Request) -> Result<Answer, Failure> {
        let deadline = Instant::now() + request.timeout.unwrap_or(self.timeout);
        let (mut refused, mut unreached) = (None, None);
        for (tried, endpoint) in self.endpoints.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = share(&request, left, self.endpoints.len() - tried);
            match self.attempt(endpoint, &request, share).await {
                Attempt::Done(answer) => return Ok(answer),
                Attempt::Failed(failure) => return Err(failure),
                Attempt::Refused(failure) => refused = Some(failure),
                Attempt::Unreached(failure) => unreached = Some(failure),
            }
        }
        // What a node says tells more than an endpoint that does not answer.
        let failure = refused.or(unreached);
        Err(failure.unwrap_or_else(|| Failure::usage("No endpoint", "give one with --endpoint")))
    }

    async fn attempt(&self, endpoint: &str, request: &Request, share: Duration) -> Attempt {
        let grace = if request.writes() { WRITE_GRACE } else { Duration::ZERO };
        let deadline = Instant::now() + share + grace;
        let http_request = match build(endpoint, request, share) {
            Ok(mut built) => {
                let token = self.token.clone().map(|token| (header::AUTHORIZATION, token));
                built.headers_mut().extend(token);
                built
            }
            Err(error) => return Attempt::Failed(Failure::usage("Bad request", error.to_string())),
        };
        let response = match timeout_at(deadline, self.http.request(http_request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if error.is_connect() => return Attempt::Unreached(unreachable(endpoint, &error)),
            Ok(Err(error)) => return lost(request, endpoint, &chain(&error)),
            Err(_) => return lost(request, endpoint, "no answer in time"),
        };
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect();
        match timeout_at(deadline, body).await {
            Ok(Ok(body)) => judge(request, status, body.to_bytes()),
            Ok(Err(error)) => lost(request, endpoint, &error.to_string()),
            Err(_) => lost(request, endpoint, "the answer did not end in time"),
        }
    }
}

/// The part of the time left that one endpoint gets: a node that hangs must leave a read the time to go
/// elsewhere; a write stays where it is.
fn share(request: &Request, left: Duration, endpoints_left: usize) -> Duration {
    let shares = if request.writes() { 1 } else { endpoints_left };
    (left / u32::try_from(shares).unwrap_or(u32::MAX)).max(ATTEMPT_MIN)
}

fn build(
    endpoint: &str,
    request: &Request,
    share: Duration,
) -> Result<hyper::Request<Full<Bytes>>, hyper::http::Error> {
    let uri = format!("{endpoint}{}", with_timeout(&request.path, share));
    let mut builder = hyper::Request::builder().method(&request.method).uri(uri);
    for (name, value) in &request.headers {
        builder = builder.header(*name, value);
    }
    builder.body(Full::new(request.body.clone()))
}

/// The path with the time the node has, so that it is the node who says what became of the request.
fn with_timeout(path: &str, timeout: Duration) -> String {
    if !path.starts_with("/v1/") {
        return path.to_owned();
    }
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{path}{mark}timeout={}ms", timeout.min(REQUEST_TIMEOUT_MAX).as_millis())
}

/// An answer with a status: success, or a problem that is final or not.
fn judge(request: &Request, status: StatusCode, body: Bytes) -> Attempt {
    if status.is_success() {
        return Attempt::Done(Answer { body });
    }
    let problem: Problem = serde_json::from_slice(&body).unwrap_or_else(|_| Problem::of_text(&body));
    let did_nothing = !request.writes() || problem.outcome == Some(Outcome::NotApplied);
    let failure = problem.failure(status.as_u16(), request.writes(), &request.about);
    if status == StatusCode::SERVICE_UNAVAILABLE && did_nothing {
        Attempt::Refused(failure)
    } else {
        Attempt::Failed(failure)
    }
}

/// No connection: nothing was sent.
fn unreachable(endpoint: &str, error: &legacy::Error) -> Failure {
    let detail = format!("{endpoint}: {}", chain(error));
    let hint = match detail.contains("certificate") {
        true => {
            "quorate tls show FILE   (what is in a certificate; --ca-file must name who signed the node's)"
        }
        false => "quorate status --endpoint HOST:PORT   (or start a cluster: quorate demo)",
    };
    Failure::new(Exit::Unavailable, "No node could be reached", detail).hint(hint)
}

/// The connection was there and no answer came: a read may go elsewhere, a write may have happened.
fn lost(request: &Request, endpoint: &str, why: &str) -> Attempt {
    let detail = format!("{endpoint}: {why}");
    if request.writes() {
        let problem = Problem { title: "The answer was lost".into(), detail, ..Problem::default() };
        let problem = Problem { outcome: Some(Outcome::Unknown), ..problem };
        return Attempt::Failed(problem.failure(504, true, &request.about));
    }
    Attempt::Refused(Failure::new(Exit::Unavailable, "No answer", detail).ask("status"))
}

/// An error and its causes; hyper's own text hides the system's.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
