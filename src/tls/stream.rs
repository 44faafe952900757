//! A client's connection, with TLS or without, driven alike. Without it every call goes straight to the socket.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::TlsStream;

/// One connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    /// The address of the other end.
    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tcp().peer_addr()
    }

    /// The address of this end.
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp().local_addr()
    }

    /// Takes what can be taken of `bytes` without waiting; `WouldBlock`: nothing. With TLS some of what was taken may
    /// still have to leave: see [`Self::try_flush`].
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_write(bytes),
            Self::Tls(tls) => at_once(Pin::new(tls).poll_write(&mut nobody(), bytes)),
        }
    }

    /// Sends what was taken and has not left; `WouldBlock`: some of it is left.
    pub(crate) fn try_flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => at_once(Pin::new(tls).poll_flush(&mut nobody())),
        }
    }

    /// Whether something that was taken has not left yet.
    pub(crate) fn holds_back(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.get_ref().1.wants_write(),
        }
    }

    /// Resolves once more can be taken.
    pub(crate) fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(tcp) => tcp.poll_write_ready(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }
}

/// Wakes nobody: who tries without waiting asks again through [`Stream::poll_writable`].
fn nobody() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn at_once<T>(tried: Poll<io::Result<T>>) -> io::Result<T> {
    match tried {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, slices),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::Config;
    use crate::tls::authority::{Authority, Purpose, Validity};
    use crate::tls::{Dialer, Port, Security};

    /// Both ends of a connection: the accepting one, and the one that dialled.
    async fn pair() -> (Stream, Box<TlsStream>) {
        let dir = tempfile::tempdir().unwrap();
        let valid = Validity { not_before_s: 0, not_after_s: 4_000_000_000 };
        let authority = Authority::new("CA", valid).unwrap();
        let issued = authority.issue("n", &["localhost".into()], Purpose::Node, valid).unwrap();
        let [ca, cert, key] = ["ca", "cert", "key"].map(|name| dir.path().join(name));
        std::fs::write(&ca, authority.certificate()).unwrap();
        std::fs::write(&cert, issued.certificate).unwrap();
        std::fs::write(&key, issued.key).unwrap();
        let dialer = Dialer::from_files(&ca, None).unwrap();
        let (tls_cert, tls_key, peer_tls_ca) = (Some(cert), Some(key), Some(ca));
        let config = Config { tls_cert, tls_key, peer_tls_ca, ..Config::default() };
        let identity = Security::load(&config).unwrap().clients().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let within = std::time::Duration::from_secs(8);
        let accepting = identity.accept(accepted, Port::Resp, within);
        let (accepted, dialled) = tokio::join!(accepting, dialer.dial(tcp, "localhost"));
        (Stream::Tls(accepted.unwrap()), dialled.unwrap())
    }

    #[tokio::test]
    async fn what_was_taken_and_has_not_left_is_known_and_leaves_once_it_can() {
        let (mut near, mut far) = pair().await;
        assert!(!near.holds_back());
        let mut taken = 0;
        // Nobody reads, so there is an end to it.
        while !near.holds_back() {
            taken += near.try_write(&[7; 1000]).unwrap();
        }
        assert_eq!(near.try_flush().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let mut received = vec![0; taken];
        let (read, left) = tokio::join!(far.read_exact(&mut received), poll_fn(|cx| near.poll_writable(cx)));
        left.unwrap();
        assert!(read.unwrap() == taken && !near.holds_back());
        near.try_flush().unwrap();
    }
}
