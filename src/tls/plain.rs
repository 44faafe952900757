//! Doors for clients: with TLS or without, and what who speaks plain text at one with TLS is told.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{Identity, NotTls, Port, Stream};
use crate::limits::{TLS_HANDSHAKE_TIMEOUT, TLS_LINGER_BYTES_MAX, TLS_LINGER_TIMEOUT};

/// What HTTP clients are told.
pub(crate) const HTTP_SAYS: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 36\r\n\
    Connection: close\r\n\r\nthis port speaks TLS: use https://\r\n";
/// What clients of the Redis protocol are told.
pub(crate) const RESP_SAYS: &[u8] = b"-ERR this port speaks TLS (redis-cli --tls)\r\n";

/// Where clients are accepted, and with which certificate.
#[derive(Debug)]
pub struct ClientListener {
    pub(crate) tcp: TcpListener,
    pub(crate) tls: Option<Arc<Identity>>,
}

impl ClientListener {
    /// Clients at `tcp` speak TLS if there is a certificate, else plain text.
    pub fn new(tcp: TcpListener, tls: Option<Arc<Identity>>) -> Self {
        Self { tcp, tls }
    }
}

impl From<TcpListener> for ClientListener {
    /// In plain text.
    fn from(tcp: TcpListener) -> Self {
        Self { tcp, tls: None }
    }
}

/// What a connection passes through before its first request.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// With this certificate; `None`: it is open.
    pub(crate) tls: Option<Arc<Identity>>,
    /// For the figures.
    pub(crate) port: Port,
    /// What is answered to plain text where TLS is due.
    pub(crate) says: &'static [u8],
}

impl Door {
    /// Lets a connection through; `None`: it ended here, and that was told and counted.
    pub(crate) async fn pass(&self, tcp: TcpStream) -> Option<Stream> {
        let Some(identity) = &self.tls else { return Some(Stream::Plain(tcp)) };
        match identity.accept(tcp, self.port, TLS_HANDSHAKE_TIMEOUT).await {
            Ok(stream) => Some(Stream::Tls(stream)),
            Err(NotTls::Plain(tcp)) => {
                tracing::debug!(port = self.port.name(), "plain text at a port that speaks TLS");
                refuse(tcp, self.says).await;
                None
            }
            Err(NotTls::Failed(error)) => {
                tracing::debug!(port = self.port.name(), %error, "TLS handshake failed");
                None
            }
        }
    }
}

/// Tells a client why it is not served. What it sent is read and thrown away, within bounds: a close before would take
/// the answer from it.
async fn refuse(mut tcp: TcpStream, says: &[u8]) {
    let tell = async {
        tcp.write_all(says).await?;
        tcp.shutdown().await?;
        let mut thrown = [0; 1024];
        let mut left = TLS_LINGER_BYTES_MAX;
        while let read @ 1.. = tcp.read(&mut thrown).await? {
            left = left.saturating_sub(read);
            if left == 0 {
                break;
            }
        }
        std::io::Result::Ok(())
    };
    // Whether it left or its time is up makes no difference.
    let _ = timeout(TLS_LINGER_TIMEOUT, tell).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_told_is_that_of_the_text() {
        let text = std::str::from_utf8(HTTP_SAYS).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{text}");
    }
}
