//! HTTP/1.1 requests over kept connections, exact about what may have reached the server.
//!
//! No request is ever sent twice. A request is [`Lost::NotSent`] only if no byte of it can have left.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HeaderMap;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its whole body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as a `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        anyhow::ensure!(self.status.is_success(), "{}: {}", self.status, String::from_utf8_lossy(&self.body));
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// A header that holds a number, in quotes or not.
    pub fn number(&self, header: &str) -> Option<u64> {
        self.headers.get(header)?.to_str().ok()?.trim_matches('"').parse().ok()
    }

    /// The last part of the problem's type, such as `no-leader`; empty when the answer is no problem.
    pub fn problem(&self) -> String {
        let body = self.json();
        body["type"].as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default().to_owned()
    }

    /// The problem's outcome, such as `not_applied`.
    pub fn outcome(&self) -> Option<String> {
        self.json()["outcome"].as_str().map(str::to_owned)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Lost {
    /// Nothing was sent: there was no connection.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request, or part of it, may have arrived.
    #[error("sent, no answer: {0}")]
    NoAnswer(String),
}

/// Connections to nodes, one each.
#[derive(Debug, Default)]
pub struct Http {
    connections: HashMap<SocketAddr, SendRequest<Full<Bytes>>>,
    opened: HashMap<SocketAddr, u64>,
}

impl Http {
    /// Sends a request and reads the whole answer within `limit`. A connection that failed is given up.
    pub async fn send(
        &mut self,
        to: SocketAddr,
        mut request: Request<Full<Bytes>>,
        limit: Duration,
    ) -> Result<Answer, Lost> {
        let deadline = Instant::now() + limit;
        let mut connection = self.connection(to, deadline).await?;
        let host = to.to_string().parse().map_err(|_| Lost::NotSent(format!("no host name: {to}")))?;
        request.headers_mut().insert(hyper::header::HOST, host);
        let exchange = async {
            let answer = connection.send_request(request).await?;
            let (head, body) = answer.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, hyper::Error>(Answer { status: head.status, headers: head.headers, body })
        };
        let answer = match timeout_at(deadline, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(Lost::NoAnswer(error.to_string())),
            Err(_) => return Err(Lost::NoAnswer(format!("timeout after {limit:?}"))),
        };
        self.connections.insert(to, connection);
        Ok(answer)
    }

    /// Connections opened to a node so far.
    pub fn opened(&self, to: SocketAddr) -> u64 {
        self.opened.get(&to).copied().unwrap_or(0)
    }

    /// The open connection to a node, or a new one; taken out, to be put back after a good answer.
    async fn connection(
        &mut self,
        to: SocketAddr,
        deadline: Instant,
    ) -> Result<SendRequest<Full<Bytes>>, Lost> {
        if let Some(mut open) = self.connections.remove(&to)
            && let Ok(Ok(())) = timeout_at(deadline, open.ready()).await
        {
            return Ok(open);
        }
        let connect = async {
            let stream = TcpStream::connect(to).await.map_err(|e| e.to_string())?;
            stream.set_nodelay(true).map_err(|e| e.to_string())?;
            http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())
        };
        let connected = timeout_at(deadline, connect).await;
        let (sender, connection) =
            connected.unwrap_or_else(|_| Err("timeout".into())).map_err(Lost::NotSent)?;
        *self.opened.entry(to).or_default() += 1;
        // Its errors reach the sender.
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// A request with a JSON body, or none for `null`.
pub fn request(method: Method, path: &str, body: &Value) -> Request<Full<Bytes>> {
    let bytes = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let mut request = Request::new(Full::new(bytes));
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap_or_default();
    if !body.is_null() {
        let json = hyper::header::HeaderValue::from_static("application/json");
        request.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
    }
    request
}
