//! What the transport dials and listens on: TCP, TLS on it, or under the feature `simulation` a network of a simulator's
//! own.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

#[cfg(feature = "simulation")]
use super::simulated::{SimulatedListener, SimulatedNet, SimulatedStream};
use crate::tls::{Identity, NotTls, Port, TlsStream};

/// A network.
#[derive(Debug, Clone, Default)]
pub enum Net {
    /// The machine's TCP.
    #[default]
    Tcp,
    /// The same, with TLS in which both ends show certificates of nodes.
    Tls(Arc<Identity>),
    /// A simulator's.
    #[cfg(feature = "simulation")]
    Simulated(Arc<dyn SimulatedNet>),
}

impl Net {
    /// Connects to whoever listens at `addr`, host and port.
    pub(super) async fn connect(&self, addr: &str) -> io::Result<Stream> {
        match self {
            Self::Tcp => Ok(Stream::Tcp(TcpStream::connect(addr).await?)),
            Self::Tls(identity) => {
                let host = addr.rsplit_once(':').map_or(addr, |(host, _)| host);
                let tcp = TcpStream::connect(addr).await?;
                tcp.set_nodelay(true)?;
                Ok(Stream::Tls(identity.dial(tcp, host).await?))
            }
            #[cfg(feature = "simulation")]
            Self::Simulated(net) => Ok(Stream::Simulated(net.connect(addr).await?)),
        }
    }

    /// Listens at `addr`.
    pub(super) async fn listen(&self, addr: SocketAddr) -> io::Result<Listener> {
        match self {
            Self::Tcp | Self::Tls(_) => Ok(Listener::Tcp(TcpListener::bind(addr).await?)),
            #[cfg(feature = "simulation")]
            Self::Simulated(net) => Ok(Listener::Simulated(net.listen(addr)?)),
        }
    }

    /// Does with an accepted connection what has to be done before its first frame, `within` this time.
    pub(super) async fn secure(&self, accepted: Stream, within: Duration) -> Result<Stream, NotTls> {
        match (self, accepted) {
            (Self::Tls(identity), Stream::Tcp(tcp)) => {
                tcp.set_nodelay(true).map_err(NotTls::Failed)?;
                identity.accept(tcp, Port::Peer, within).await.map(Stream::Tls)
            }
            (_, as_it_is) => Ok(as_it_is),
        }
    }
}

/// Where peers are accepted.
pub(super) enum Listener {
    Tcp(TcpListener),
    #[cfg(feature = "simulation")]
    Simulated(Box<dyn SimulatedListener>),
}

impl Listener {
    /// The address it got.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(tcp) => tcp.local_addr(),
            #[cfg(feature = "simulation")]
            Self::Simulated(listener) => Ok(listener.local_addr()),
        }
    }

    /// The next connection.
    pub(super) async fn accept(&mut self) -> io::Result<Stream> {
        match self {
            Self::Tcp(tcp) => Ok(Stream::Tcp(tcp.accept().await?.0)),
            #[cfg(feature = "simulation")]
            Self::Simulated(listener) => Ok(Stream::Simulated(listener.accept().await?)),
        }
    }
}

/// One connection; once it is established the two directions of its own kind are driven apart.
pub(super) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream>),
    #[cfg(feature = "simulation")]
    Simulated(Box<dyn SimulatedStream>),
}

impl Stream {
    /// Has small writes sent at once.
    pub(super) fn set_nodelay(&self) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.set_nodelay(true),
            // Done before the handshake, which consists of small writes.
            Self::Tls(_) => Ok(()),
            #[cfg(feature = "simulation")]
            Self::Simulated(_) => Ok(()),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
            #[cfg(feature = "simulation")]
            Self::Simulated(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
            #[cfg(feature = "simulation")]
            Self::Simulated(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
            #[cfg(feature = "simulation")]
            Self::Simulated(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
            #[cfg(feature = "simulation")]
            Self::Simulated(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
