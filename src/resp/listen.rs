//! The listeners of the Redis protocol: accept connections up to a limit and end them gracefully.
//!
//! Guarantees: at most `resp-connections` connections are open on each listener, one more is told so as Redis tells
//! it, and after `stop` no connection outlives its time.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::session::Face;
use super::{Resp, Shared, connection};
use crate::accept::{accept, finish};
use crate::limits::{RESP_KEEPALIVE, RESP_STOP_TIMEOUT};
use crate::tls::{ClientListener, Door, Port, RESP_SAYS, Stream};

/// Its name in the log.
const PROTOCOL: &str = "resp";
/// What one client too many is told.
const FULL: &[u8] = b"-ERR max number of clients reached\r\n";

impl Resp {
    /// Serves clients on `listener`, with TLS or without, until `stop` resolves; then accepts no more, lets commands under way finish
    /// within `RESP_STOP_TIMEOUT`, and returns.
    ///
    /// # Errors
    /// None so far; the listener goes on whatever single connections do.
    pub async fn serve(
        &self,
        listener: impl Into<ClientListener>,
        face: Face,
        stop: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        self.serve_within(listener, face, stop, RESP_STOP_TIMEOUT).await
    }

    /// The same, but commands under way may take `patience` to finish.
    ///
    /// # Errors
    /// As [`Self::serve`].
    pub async fn serve_within(
        &self,
        listener: impl Into<ClientListener>,
        face: Face,
        stop: impl Future<Output = ()> + Send,
        patience: Duration,
    ) -> io::Result<()> {
        let ClientListener { tcp: listener, tls } = listener.into();
        let door = Door { tls, port: Port::Resp, says: RESP_SAYS };
        let (stopping, watcher) = watch::channel(false);
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(_) = connections.join_next() => {}
                stream = accept(&listener, PROTOCOL) => {
                    let full = connections.len() >= self.shared.config.resp_connections;
                    match full {
                        true => refuse(&stream, &door, &self.shared),
                        false => drop(connections.spawn(
                            enter(stream, door.clone(), face, self.shared.clone(), watcher.clone())
                        )),
                    }
                }
            }
        }
        drop(listener);
        stopping.send_replace(true);
        finish(connections, patience, PROTOCOL).await;
        Ok(())
    }
}

/// Tells a client that there are too many. What cannot be sent at once is not worth waiting for.
fn refuse(stream: &TcpStream, door: &Door, shared: &Shared) {
    shared.metrics.refused.fetch_add(1, Relaxed);
    // With TLS it would have to wait for a handshake.
    if door.tls.is_none()
        && let Err(error) = stream.try_write(FULL)
    {
        tracing::debug!(%error, "cannot tell a client that there are too many");
    }
}

async fn enter(
    stream: TcpStream,
    door: Door,
    face: Face,
    shared: Arc<Shared>,
    mut stopping: watch::Receiver<bool>,
) {
    prepare(&stream);
    let passed = tokio::select! {
        passed = door.pass(stream) => passed,
        // A listener that is gone has stopped too.
        _ = stopping.wait_for(|stopping| *stopping) => None,
    };
    if let Some(stream) = passed {
        connection(stream, face, shared, stopping).await;
    }
}

async fn connection(stream: Stream, face: Face, shared: Arc<Shared>, stopping: watch::Receiver<bool>) {
    shared.metrics.accepted.fetch_add(1, Relaxed);
    shared.metrics.open.fetch_add(1, Relaxed);
    let _open = Open(shared.clone());
    if let Err(error) = connection::serve(stream, face, shared, stopping).await {
        tracing::debug!(%error, "connection of the Redis protocol ended");
    }
}

/// Counts a connection as open until this is dropped.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.metrics.open.fetch_sub(1, Relaxed);
    }
}

/// Answers go out at once, and a client that vanished is noticed in the end.
fn prepare(stream: &TcpStream) {
    let set = stream.set_nodelay(true).and_then(|()| {
        rustix::net::sockopt::set_socket_keepalive(stream, true)?;
        Ok(rustix::net::sockopt::set_tcp_keepidle(stream, RESP_KEEPALIVE)?)
    });
    if let Err(error) = set {
        tracing::debug!(%error, "cannot set a socket's options");
    }
}
