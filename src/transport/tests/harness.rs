//! Transports, handlers and hand-driven peers for the tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::super::connection::FrameReader;
use super::super::frame::{Frame, Kind};
use super::super::hello::{Hello, Welcome};
use super::super::tuning::Tuning;
use super::super::{Answer, CallError, From, Handler, Lane, Net, Service, Transport, TransportConfig};
use crate::limits::FRAME_BYTES_MAX;

/// Longer than anything here takes; reaching it is a failure.
pub(super) const LONG: Duration = Duration::from_secs(8);

/// How a stranger greets node 2.
pub(super) const HELLO: Hello = Hello { lane: Lane::Control, node: 9, cluster: 7, expected: 2 };

pub(super) fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A handler made of a function.
pub(super) struct Fun<F>(pub(super) F);

impl<F: Fn(From, Service, Bytes, Answer) + Send + Sync + 'static> Handler for Fun<F> {
    fn handle(&self, from: From, service: Service, body: Bytes, answer: Answer) {
        self.0(from, service, body, answer);
    }
}

pub(super) fn echo() -> Arc<dyn Handler> {
    Arc::new(Fun(|_, _, body, answer: Answer| answer.send(body)))
}

/// Answers whether the caller is a member.
pub(super) fn membership() -> Arc<dyn Handler> {
    Arc::new(Fun(|from: From, _, _, answer: Answer| answer.send(Bytes::from(from.member.to_string()))))
}

/// The calls a handler was given, with what answers them.
pub(super) type Calls = tokio::sync::mpsc::UnboundedReceiver<(From, Bytes, Answer)>;

/// Hands every call to a channel, unanswered.
pub(super) fn collect() -> (Arc<dyn Handler>, Calls) {
    let (calls, received) = tokio::sync::mpsc::unbounded_channel();
    let handler = Fun(move |from, _, body, answer| {
        let _ = calls.send((from, body, answer));
    });
    (Arc::new(handler), received)
}

pub(super) async fn start_at(
    node: u64,
    listen: SocketAddr,
    tuning: Tuning,
    handler: Arc<dyn Handler>,
) -> Transport {
    start_on(Net::Tcp, node, listen, tuning, handler).await
}

pub(super) async fn start_on(
    net: Net,
    node: u64,
    listen: SocketAddr,
    tuning: Tuning,
    handler: Arc<dyn Handler>,
) -> Transport {
    let config = TransportConfig { node, listen, net, pulse: crate::limits::pulse(50) };
    let transport = Transport::bind_with(config, tuning).await.unwrap();
    transport.serve(handler);
    transport
}

pub(super) async fn start(node: u64, handler: Arc<dyn Handler>) -> Transport {
    start_at(node, any_port(), Tuning::default(), handler).await
}

pub(super) fn introduce(from: &Transport, node: u64, to: &Transport) {
    from.set_peer(node, &to.local_addr().to_string());
}

/// Node 1, which knows node 2, which answers by `handler`.
pub(super) async fn pair(handler: Arc<dyn Handler>) -> (Transport, Transport) {
    let (one, two) = (start(1, echo()).await, start(2, handler).await);
    introduce(&one, 2, &two);
    (one, two)
}

pub(super) async fn call(from: &Transport, node: u64, body: &'static str) -> Result<Bytes, CallError> {
    from.call(node, Lane::Control, 0, Bytes::from_static(body.as_bytes()), LONG).await
}

/// Gives way to other tasks until `done`.
pub(super) async fn until(mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, wait).await.expect("it never came to that");
}

/// One end of a connection driven by hand.
pub(super) struct Raw {
    pub(super) stream: TcpStream,
    reader: FrameReader,
}

impl Raw {
    pub(super) async fn dial(to: &Transport) -> Self {
        let stream = TcpStream::connect(to.local_addr()).await.unwrap();
        Self { stream, reader: FrameReader::default() }
    }

    /// Accepts a connection and welcomes it as `node`.
    pub(super) async fn welcome(listener: &TcpListener, node: u64, cluster: u128) -> Self {
        let (stream, _) = listener.accept().await.unwrap();
        let mut raw = Self { stream, reader: FrameReader::default() };
        assert_eq!(raw.read().await.unwrap().kind, Kind::Hello);
        raw.write(Frame::control(Kind::Welcome, Welcome { node, cluster, features: 0 }.to_bytes())).await;
        raw
    }

    pub(super) async fn hello(to: &Transport, hello: Hello) -> (Self, Frame) {
        let mut raw = Self::dial(to).await;
        raw.write(Frame::control(Kind::Hello, hello.to_bytes())).await;
        let answer = raw.read().await.unwrap();
        (raw, answer)
    }

    pub(super) async fn write(&mut self, frame: Frame) {
        self.stream.write_all(&frame.to_bytes()).await.unwrap();
    }

    /// The next frame but beats; `None`: the other end closed.
    pub(super) async fn read(&mut self) -> Option<Frame> {
        loop {
            let frame = self.reader.read(&mut self.stream, FRAME_BYTES_MAX).await.ok()?;
            if frame.kind != Kind::Beat {
                return Some(frame);
            }
        }
    }
}
