//! Dialling: connect, say hello, be welcome.

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

/// Connects to `addr` and introduces this node; the hello's cluster is filled in here. Every error means that no
/// call was sent: `NotSent`, or `Refused` when the two may not speak.
pub(super) async fn dial(context: &Context, addr: &str, hello: Hello) -> Result<Dialled, CallError> {
    let hello = Hello { cluster: context.cluster(), ..hello };
    match tokio::time::timeout(context.tuning.dial, introduce(context, addr, hello)).await {
        Ok(Ok(dialled)) => {
            context.counters.connects.add(1);
            Ok(dialled)
        }
        Ok(Err(DialError::Ended(error))) => Err(CallError::NotSent(format!("{addr}: {error}"))),
        Ok(Err(refused)) => Err(CallError::Refused(format!("{addr}: {refused}"))),
        Err(_) => Err(CallError::NotSent(format!("{addr}: no connection in time"))),
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
    let Dialled { mut stream, mut reader, .. } = dial(context, addr, hello).await?;
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
