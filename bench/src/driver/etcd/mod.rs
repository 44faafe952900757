//! etcd's API, version 3: gRPC over HTTP/2 (`h2`), with the few messages it takes written by hand. Each connection
//! is one HTTP/2 connection, each request of a batch one stream of it, as etcd's own client has it.

mod message;

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use h2::RecvStream;
use h2::client::{Builder, ResponseFuture, SendRequest};
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, Method, Uri};

use self::message::{get, put, range_count, scan, unframe};
use super::target::Endpoints;
use super::{Answer, Answered, Connection, Driver, Request};
use crate::load::arguments::Consistency;
use crate::load::keys::Shape;

/// etcd's port for clients.
pub(crate) const ENDPOINT: &str = "127.0.0.1:2379";
/// Bytes a server may send before it hears that they were read, on a stream and on a connection.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// Longest answer, bytes: a scan of the largest values.
const ANSWER_BYTES_MAX: usize = 128 << 20;

/// Opens connections.
#[derive(Debug, Clone)]
pub(crate) struct EtcdDriver {
    endpoints: Endpoints,
    shape: Shape,
    /// Whether the asked node answers reads by itself.
    serializable: bool,
}

impl EtcdDriver {
    /// A driver for these endpoints.
    pub(crate) fn new(
        endpoints: Endpoints,
        shape: Shape,
        consistency: Option<Consistency>,
    ) -> anyhow::Result<Self> {
        ensure!(consistency != Some(Consistency::Lease), "etcd has no reads by lease");
        Ok(Self { endpoints, shape, serializable: consistency == Some(Consistency::Local) })
    }
}

impl Driver for EtcdDriver {
    const SCANS: bool = true;
    type Connection = EtcdConnection;

    async fn connect(&self, index: u64) -> anyhow::Result<EtcdConnection> {
        let endpoint = self.endpoints.of(index);
        let stream = endpoint.connect().await?;
        let mut builder = Builder::new();
        builder.initial_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
        let (sender, connection) = builder.handshake(stream).await.context("greet in HTTP/2")?;
        // Its errors reach the sender.
        tokio::spawn(connection);
        let uri = |method| Uri::try_from(format!("http://{}/etcdserverpb.KV/{method}", endpoint.authority()));
        let uris = Arc::new(Uris { put: uri("Put")?, range: uri("Range")? });
        Ok(EtcdConnection { driver: self.clone(), sender, uris })
    }
}

#[derive(Debug)]
struct Uris {
    put: Uri,
    range: Uri,
}

/// One HTTP/2 connection.
#[derive(Debug)]
pub(crate) struct EtcdConnection {
    driver: EtcdDriver,
    sender: SendRequest<Bytes>,
    uris: Arc<Uris>,
}

impl Connection for EtcdConnection {
    async fn carry_out(&mut self, requests: &[Request], answers: &mut Vec<Answered>) -> anyhow::Result<()> {
        let mut under_way = FuturesUnordered::new();
        for (index, request) in requests.iter().enumerate() {
            let response = self.send(*request).await?;
            under_way.push(receive(index, *request, response));
        }
        while let Some(answered) = under_way.next().await {
            answers.push(answered?);
        }
        Ok(())
    }
}

impl EtcdConnection {
    async fn send(&mut self, request: Request) -> anyhow::Result<ResponseFuture> {
        let EtcdDriver { shape, serializable, .. } = &self.driver;
        let (uri, body) = match request {
            Request::Set(number) => (&self.uris.put, put(&shape.key(number), &shape.value)),
            Request::Get(number) => (&self.uris.range, get(&shape.key(number), *serializable)),
            Request::Scan(number, keys) => (&self.uris.range, scan(&shape.key(number), keys, *serializable)),
        };
        // Waits while the server takes no more streams.
        let mut sender = self.sender.clone().ready().await?;
        let mut head = http::Request::new(());
        *head.method_mut() = Method::POST;
        *head.uri_mut() = uri.clone();
        *head.version_mut() = http::Version::HTTP_2;
        head.headers_mut().insert(TE, http::HeaderValue::from_static("trailers"));
        head.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/grpc"));
        let (response, mut stream) = sender.send_request(head, false)?;
        stream.send_data(body, true)?;
        Ok(response)
    }
}

async fn receive(index: usize, request: Request, response: ResponseFuture) -> anyhow::Result<Answered> {
    let response = response.await?;
    ensure!(response.status().is_success(), "{} in place of gRPC", response.status());
    let (head, mut stream) = response.into_parts();
    let body = read_body(&mut stream).await?;
    // A call that fails at once has its status in the head.
    let trailers = stream.trailers().await?.unwrap_or(head.headers);
    let answer = judge(request, &trailers, &body)?;
    Ok(Answered { index, answer, at: Instant::now() })
}

async fn read_body(stream: &mut RecvStream) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk?;
        stream.flow_control().release_capacity(chunk.len())?;
        body.extend_from_slice(&chunk);
        ensure!(body.len() <= ANSWER_BYTES_MAX, "an answer is longer than {ANSWER_BYTES_MAX} bytes");
    }
    Ok(body)
}

/// What a call came to, by its status and its message.
fn judge(request: Request, trailers: &HeaderMap, body: &[u8]) -> anyhow::Result<Answer> {
    let text = |name| trailers.get(name).map_or("", |value| value.to_str().unwrap_or("?"));
    let status = text("grpc-status");
    if status != "0" {
        return Ok(Answer::Refused(format!("gRPC status {status} {}", text("grpc-message"))));
    }
    let message = unframe(body)?;
    Ok(match request {
        Request::Get(_) | Request::Scan(..) if range_count(message)? == 0 => Answer::Miss,
        _ => Answer::Done,
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn trailers(status: &'static str) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static(status));
        trailers.insert("grpc-message", HeaderValue::from_static("etcdserver: no leader"));
        trailers
    }

    #[test]
    fn a_call_is_judged_by_its_status_and_what_it_found() {
        let empty = [0, 0, 0, 0, 0];
        // count = 1
        let found = [0, 0, 0, 0, 2, 0x20, 1];
        let judge = |request, status, body: &[u8]| judge(request, &trailers(status), body).unwrap();
        assert_eq!(judge(Request::Set(1), "0", &empty), Answer::Done);
        assert_eq!(judge(Request::Get(1), "0", &empty), Answer::Miss);
        assert_eq!(judge(Request::Get(1), "0", &found), Answer::Done);
        let refused = judge(Request::Set(1), "14", &[]);
        assert_eq!(refused, Answer::Refused("gRPC status 14 etcdserver: no leader".into()));
    }
}
