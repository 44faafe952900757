//! What a node gets to see of the network: it connects, listens, reads and writes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Wire;
use super::pipe::Piece;
use super::state::{Attempt, Close, Side, State};

/// One end of a connection. To drop it closes it.
pub struct End {
    wire: Wire,
    connection: u64,
    side: Side,
}

impl End {
    pub(super) fn new(wire: Wire, connection: u64, side: Side) -> Self {
        Self { wire, connection, side }
    }

    /// What a closed or forgotten connection answers.
    fn gone<T>() -> Poll<io::Result<T>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.wire.lock().close(self.connection, self.side, Close::End);
    }
}

impl AsyncRead for End {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.wire.lock();
        match state.connections.get_mut(&self.connection) {
            Some(pipes) => pipes[1 - self.side].poll_read(cx, to),
            None => Self::gone(),
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.wire.lock();
        let Some(pipes) = state.connections.get_mut(&self.connection) else { return Self::gone() };
        let room = match pipes[self.side].poll_room(cx) {
            Poll::Ready(Ok(room)) => room,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        };
        let taken = &bytes[..room.min(bytes.len())];
        state.send(self.connection, self.side, Piece::Bytes(Bytes::copy_from_slice(taken)));
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.lock().send(self.connection, self.side, Piece::End);
        Poll::Ready(Ok(()))
    }
}

/// A connection being made; to drop it gives it up.
pub(super) struct Connecting {
    wire: Wire,
    number: u64,
}

impl Connecting {
    pub(super) fn begin(wire: &Wire, from: u64, to: u64) -> Self {
        let mut state = wire.lock();
        let state: &mut State = &mut state;
        let (there, back) = (state.links.get(from, to), state.links.get(to, from));
        let delay_ns = there.delay_ns(&mut state.random) + back.delay_ns(&mut state.random);
        let number = state.number();
        let at_ns = state.now_ns + delay_ns;
        state.attempts.insert(number, Attempt { from, to, at_ns, waker: None, result: None });
        Self { wire: wire.clone(), number }
    }
}

impl Future for Connecting {
    type Output = io::Result<End>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.wire.lock();
        let Some(attempt) = state.attempts.get_mut(&self.number) else { return End::gone() };
        let Some(result) = attempt.result.take() else {
            attempt.waker = Some(context.waker().clone());
            return Poll::Pending;
        };
        state.attempts.remove(&self.number);
        Poll::Ready(match result {
            Some(connection) => Ok(End::new(self.wire.clone(), connection, 0)),
            None => Err(io::ErrorKind::ConnectionRefused.into()),
        })
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        let mut state = self.wire.lock();
        if let Some(Attempt { result: Some(Some(connection)), .. }) = state.attempts.remove(&self.number) {
            state.close(connection, 0, Close::Reset);
        }
    }
}
