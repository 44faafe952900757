//! The HTTP listener: accepts connections up to a limit and ends them gracefully.
//!
//! Relies on hyper for HTTP/1.1. Guarantees: at most `HTTP_CONNECTIONS_MAX` connections are open, a client that
//! does not send its head in time is cut off, and after `stop` no connection outlives its time.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::guard::Remote;
use super::metrics::HttpMetrics;
use super::{App, Before, router, router_before};
use crate::accept::{accept, finish};
use crate::limits::{HTTP_CONNECTIONS_MAX, HTTP_HEAD_BYTES_MAX, HTTP_HEAD_TIMEOUT, HTTP_STOP_TIMEOUT};
use crate::node::Starting;
use crate::tls::{ClientListener, Door, HTTP_SAYS, Port, Stream};

/// Its name in the log.
const PROTOCOL: &str = "http";

/// The paths served: a few while the node starts, all of them afterwards.
#[derive(Debug)]
struct Routes {
    starting: Starting,
    before: Router,
    started: OnceLock<Router>,
    metrics: Arc<HttpMetrics>,
}

impl Routes {
    fn new(starting: Starting) -> Self {
        let metrics = Arc::<HttpMetrics>::default();
        let before = router_before(Before { starting: starting.clone(), metrics: metrics.clone() });
        Self { starting, before, started: OnceLock::new(), metrics }
    }

    /// Whether requests are guarded, so that it matters where they come from.
    fn asks_for_tokens(&self) -> bool {
        self.starting.node().is_some_and(|node| node.gate().is_on())
    }

    fn current(&self) -> Router {
        let Some(node) = self.starting.node() else { return self.before.clone() };
        let app = || App { node: node.clone(), metrics: self.metrics.clone() };
        self.started.get_or_init(|| router(app())).clone()
    }
}

/// Serves the API on `listener`, with TLS or without, until `stop` resolves; then accepts no more, lets requests under way finish
/// within `HTTP_STOP_TIMEOUT`, and returns.
///
/// `node` may still be starting: until it has, `/livez` and `/readyz` are answered and all else is refused.
pub async fn serve(
    listener: impl Into<ClientListener>,
    node: impl Into<Starting>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_within(listener, node, stop, HTTP_STOP_TIMEOUT).await
}

/// The same, but requests under way may take `patience` to finish.
pub async fn serve_within(
    listener: impl Into<ClientListener>,
    node: impl Into<Starting>,
    stop: impl Future<Output = ()> + Send + 'static,
    patience: Duration,
) -> io::Result<()> {
    let ClientListener { tcp: listener, tls } = listener.into();
    let door = Door { tls, port: Port::Http, says: HTTP_SAYS };
    let routes = Arc::new(Routes::new(node.into()));
    let (stopping, watcher) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let room = connections.len() < HTTP_CONNECTIONS_MAX;
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            stream = accept(&listener, PROTOCOL), if room => {
                connections.spawn(enter(stream, door.clone(), routes.clone(), watcher.clone()));
            }
        }
    }
    drop(listener);
    stopping.send_replace(true);
    finish(connections, patience, PROTOCOL).await;
    Ok(())
}

async fn enter(stream: TcpStream, door: Door, routes: Arc<Routes>, mut stopping: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let remote = routes.asks_for_tokens().then(|| stream.peer_addr().ok()).flatten();
    let passed = tokio::select! {
        passed = door.pass(stream) => passed,
        () = stopped(&mut stopping) => None,
    };
    if let Some(stream) = passed {
        connection(stream, remote, routes, stopping).await;
    }
}

async fn connection(
    stream: Stream,
    remote: Option<SocketAddr>,
    routes: Arc<Routes>,
    mut stopping: watch::Receiver<bool>,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        remote.map(|remote| request.extensions_mut().insert(Remote(remote.ip())));
        answer(routes.current(), request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HTTP_HEAD_TIMEOUT)
        .max_buf_size(HTTP_HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stopped(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "HTTP connection ended");
    }
}

/// Resolves once the listener stops; a listener that is gone has stopped too.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    router.oneshot(request.map(Body::new)).await
}
