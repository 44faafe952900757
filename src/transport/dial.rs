//! Dialling: connect, say hello, be welcome.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use super::connection::{Ended, FrameReader};
use super::context::Context;
use super::frame::{Frame, Kind};
use super::hello::{Hello, Mismatch, Welcome};
use super::net::Stream;
use super::pending::result_of;
use super::tuning::HELLO_BYTES_MAX;
use super::{CallError, Service};
use crate::limits::FRAME_BYTES_MAX;

/// A connection on which calls may be sent.
pub(super) struct Dialled {
    pub(super) stream: Stream,
    pub(super) reader: FrameReader,
    /// The cluster this node said it belongs to.
    pub(super) announced: u128,
    /// What the peer takes.
    pub(super) features: u8,
}

/// Why there is no connection. No call was sent.
#[derive(Debug)]
pub(super) struct NoConnection {
    /// What its callers are told: `NotSent`, or `Refused` when the two may not speak.
    pub(super) error: CallError,
    /// Nobody listens at the address: its system says so.
    pub(super) nobody_listens: bool,
}

impl From<CallError> for NoConnection {
    fn from(error: CallError) -> Self {
        Self { error, nobody_listens: false }
    }
}

#[derive(Debug, thiserror::Error)]
enum DialError {
    #[error(transparent)]
    Ended(#[from] Ended),
    #[error("the peer says: {0}")]
    Refused(String),
    #[error("wrong peer: {0}")]
    Mismatch(#[from] Mismatch),
}

impl From<std::io::Error> for DialError {
    fn from(error: std::io::Error) -> Self {
        Self::Ended(error.into())
    }
}

/// Connects to `addr` and introduces this node; the hello's cluster is filled in here.
pub(super) async fn dial(context: &Context, addr: &str, hello: Hello) -> Result<Dialled, NoConnection> {
    let hello = Hello { cluster: context.cluster(), ..hello };
    match tokio::time::timeout(context.tuning.dial, introduce(context, addr, hello)).await {
        Ok(Ok(dialled)) => {
            context.counters.connects.add(1);
            Ok(dialled)
        }
        Ok(Err(DialError::Ended(ended))) => {
            let nobody_listens = matches!(&ended, Ended::Io(io) if io.kind() == ErrorKind::ConnectionRefused);
            Err(NoConnection { error: CallError::NotSent(format!("{addr}: {ended}")), nobody_listens })
        }
        Ok(Err(refused)) => Err(CallError::Refused(format!("{addr}: {refused}")).into()),
        Err(_) => Err(CallError::NotSent(format!("{addr}: no connection in time")).into()),
    }
}

async fn introduce(context: &Context, addr: &str, hello: Hello) -> Result<Dialled, DialError> {
    let mut stream = context.net.connect(addr).await?;
    stream.set_nodelay()?;
    stream.write_all(&Frame::control(Kind::Hello, hello.to_bytes()).to_bytes()).await?;
    stream.flush().await?;
    let mut reader = FrameReader::default();
    let answer = reader.read(&mut stream, HELLO_BYTES_MAX).await?;
    let welcome = match answer.kind {
        Kind::Welcome => Welcome::from_bytes(answer.body)?,
        Kind::Refuse => return Err(DialError::Refused(String::from_utf8_lossy(&answer.body).into_owned())),
        other => return Err(Ended::Unexpected(other).into()),
    };
    welcome.accept(&hello, context.cluster())?;
    Ok(Dialled { stream, reader, announced: hello.cluster, features: welcome.features })
}

/// One call over a connection of its own, closed afterwards.
pub(super) async fn call_once(
    context: &Context,
    addr: &str,
    hello: Hello,
    (service, body): (Service, Bytes),
    timeout: Duration,
) -> Result<Bytes, CallError> {
    let mut sent = false;
    match tokio::time::timeout(timeout, ask(context, addr, hello, service, body, &mut sent)).await {
        Ok(result) => result,
        Err(_) if sent => Err(CallError::Lost(format!("{addr}: no answer in time"))),
        Err(_) => Err(CallError::NotSent(format!("{addr}: no connection in time"))),
    }
}

async fn ask(
    context: &Context,
    addr: &str,
    hello: Hello,
    service: Service,
    body: Bytes,
    sent: &mut bool,
) -> Result<Bytes, CallError> {
    let dialled = dial(context, addr, hello).await.map_err(|none| none.error)?;
    let Dialled { mut stream, mut reader, .. } = dialled;
    *sent = true;
    let call = Frame { kind: Kind::Call, service, call: 1, body };
    let lost = |error: Ended| CallError::Lost(format!("{addr}: {error}"));
    stream.write_all(&call.to_bytes()).await.map_err(|error| lost(error.into()))?;
    stream.flush().await.map_err(|error| lost(error.into()))?;
    loop {
        let frame = reader.read(&mut stream, FRAME_BYTES_MAX).await.map_err(lost)?;
        match frame.kind {
            Kind::Beat => {}
            Kind::Answer | Kind::Dropped => return result_of(frame),
            other => return Err(lost(Ended::Unexpected(other))),
        }
    }
}
