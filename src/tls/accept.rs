//! The accepting end: the handshake, within its time, and what came if it was no TLS at all.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::figures::{Port, Reason};
use super::{Identity, TlsStream};

/// The first byte of every TLS connection: a record that holds a handshake (RFC 8446 section 5.1).
const HANDSHAKE: u8 = 0x16;

/// Why there is no stream.
#[derive(Debug)]
pub(crate) enum NotTls {
    /// The other end speaks plain text; nothing of it was read.
    Plain(TcpStream),
    /// The handshake failed, or took too long.
    Failed(io::Error),
}

impl Identity {
    /// The handshake with a client or peer that came in at `port`, `within` this time; counted.
    pub(crate) async fn accept(
        &self,
        tcp: TcpStream,
        port: Port,
        within: Duration,
    ) -> Result<Box<TlsStream>, NotTls> {
        match tokio::time::timeout(within, self.handshake(tcp)).await {
            Ok(Ok(stream)) => {
                self.figures.done(port);
                Ok(stream)
            }
            Ok(Err(NotTls::Plain(tcp))) => {
                self.figures.failed(port, Reason::Plaintext);
                Err(NotTls::Plain(tcp))
            }
            Ok(Err(NotTls::Failed(error))) => {
                self.figures.failed(port, Reason::of(&error));
                Err(NotTls::Failed(error))
            }
            Err(_) => {
                self.figures.failed(port, Reason::Timeout);
                Err(NotTls::Failed(io::Error::new(io::ErrorKind::TimedOut, "no TLS handshake in time")))
            }
        }
    }

    async fn handshake(&self, tcp: TcpStream) -> Result<Box<TlsStream>, NotTls> {
        let mut first = [0];
        let peeked = tcp.peek(&mut first).await.map_err(NotTls::Failed)?;
        if peeked == 1 && first[0] != HANDSHAKE {
            return Err(NotTls::Plain(tcp));
        }
        let accepted = TlsAcceptor::from(self.server()).accept(tcp).await.map_err(NotTls::Failed)?;
        Ok(Box::new(TlsStream::Server(accepted)))
    }

    /// The handshake with the peer at the other end of `tcp`, which must be `host`; counted.
    ///
    /// # Errors
    /// It is not, or does not speak TLS, or this certificate is not for peers.
    pub(crate) async fn dial(&self, tcp: TcpStream, host: &str) -> io::Result<Box<TlsStream>> {
        let dialer = self.dialer().ok_or_else(|| io::Error::other("this certificate is for clients"))?;
        let dialled = dialer.dial(tcp, host).await;
        match &dialled {
            Ok(_) => self.figures.done(Port::Dial),
            Err(error) => self.figures.failed(Port::Dial, Reason::of(error)),
        }
        dialled.map_err(|error| io::Error::new(error.kind(), format!("TLS: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::super::identity::Audience;
    use super::*;
    use crate::config::TlsFiles;
    use crate::limits::TLS_HANDSHAKE_TIMEOUT;
    use crate::tls::authority::{Authority, Purpose, Validity};
    use crate::tls::{Door, RESP_SAYS};

    fn identity() -> Arc<Identity> {
        let dir = tempfile::tempdir().unwrap();
        let valid = Validity { not_before_s: 0, not_after_s: 4_000_000_000 };
        let issued = Authority::new("CA", valid).unwrap().issue("n", &[], Purpose::Node, valid).unwrap();
        let [cert, key] = ["cert", "key"].map(|name| dir.path().join(name));
        std::fs::write(&cert, issued.certificate).unwrap();
        std::fs::write(&key, issued.key).unwrap();
        let files = TlsFiles { cert, key, ca: None };
        Arc::new(Identity::load(Audience::Clients, files, Arc::default()).unwrap())
    }

    /// With the clock stopped, time moves on as soon as nobody has anything to do.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_ends_its_handshake_is_cut_off() {
        let identity = identity();
        let door = Door { tls: Some(identity.clone()), port: Port::Resp, says: RESP_SAYS };
        for begun in [&b""[..], b"\x16\x03\x01\x02\x00"] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            client.write_all(begun).await.unwrap();
            let (tcp, _) = listener.accept().await.unwrap();
            let began = Instant::now();
            assert!(door.pass(tcp).await.is_none());
            assert!((TLS_HANDSHAKE_TIMEOUT..2 * TLS_HANDSHAKE_TIMEOUT).contains(&began.elapsed()));
            assert_eq!(client.read(&mut [0; 1]).await.unwrap_or(0), 0);
        }
        let text = identity.figures.text(&[(Audience::Clients, 0)]);
        assert!(text.contains("failed_total{listener=\"resp\",reason=\"timeout\"} 2\n"), "{text}");
    }
}
