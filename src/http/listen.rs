//! The HTTP listener: accepts connections up to a limit and ends them gracefully.
//!
//! Relies on hyper for HTTP/1.1. Guarantees: at most `HTTP_CONNECTIONS_MAX` connections are open, a client that
//! does not send its head in time is cut off, and after `stop` no connection outlives `HTTP_STOP_TIMEOUT`.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use super::{App, router};
use crate::limits::{HTTP_CONNECTIONS_MAX, HTTP_HEAD_BYTES_MAX, HTTP_HEAD_TIMEOUT, HTTP_STOP_TIMEOUT};
use crate::node::Node;

/// Pause after an accept that failed for want of resources (file descriptors, say).
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Serves the API on `listener` until `stop` resolves; then accepts no more, lets requests under way finish
/// within `HTTP_STOP_TIMEOUT`, and returns.
pub async fn serve(
    listener: TcpListener,
    node: Node,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = router(App::new(node));
    let (stopping, watcher) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let room = connections.len() < HTTP_CONNECTIONS_MAX;
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            stream = accept(&listener), if room => {
                connections.spawn(connection(stream, router.clone(), watcher.clone()));
            }
        }
    }
    drop(listener);
    stopping.send_replace(true);
    finish(connections).await;
    Ok(())
}

/// Waits for the connections to end, and cuts off those that do not in time.
async fn finish(mut connections: JoinSet<()>) {
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(HTTP_STOP_TIMEOUT, all).await.is_err() {
        tracing::warn!(connections = connections.len(), "cut off HTTP requests that did not finish in time");
        connections.shutdown().await;
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if of_one_connection(&error) => tracing::debug!(%error, "HTTP client left early"),
            Err(error) => {
                tracing::warn!(%error, "cannot accept HTTP connections");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

/// Whether an accept failed because of the one client it was about.
fn of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

async fn connection(stream: TcpStream, router: Router, mut stopping: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let service = service_fn(move |request| answer(router.clone(), request));
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
