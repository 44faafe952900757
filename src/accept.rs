//! What every TCP listener for clients does: accept whatever happens to single clients, and end within a time.

use std::io;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Pause after an accept that failed for want of resources (file descriptors, say).
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// The next connection, however long it takes. `protocol` is for the log.
pub(crate) async fn accept(listener: &TcpListener, protocol: &'static str) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if of_one_connection(&error) => {
                tracing::debug!(%error, protocol, "client left early");
            }
            Err(error) => {
                tracing::warn!(%error, protocol, "cannot accept connections");
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

/// Waits for the connections to end, and cuts off those that do not `within` this time.
pub(crate) async fn finish(mut connections: JoinSet<()>, within: Duration, protocol: &'static str) {
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(within, all).await.is_err() {
        let left = connections.len();
        tracing::warn!(connections = left, protocol, "cut off requests that did not finish in time");
        connections.shutdown().await;
    }
}
