//! One connection: reads commands, has them carried out, writes the answers.
//!
//! Relies on the parser for commands and on [`super::run`] for what they do. Guarantees: commands are carried out and
//! answered in the order they came; what the connection holds is bounded: one command that is not all there, one batch
//! of commands, and `RESP_OUTPUT_BYTES_MAX` of answers and what one batch adds to them, past which it reads no more
//! commands until the client has read its answers; a client that does not read them for `RESP_STALL_MAX` is
//! disconnected. An idle connection holds no buffers.

mod linger;
mod receive;

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::Shared;
use super::parse::{Frame, Limits, Parser, ProtocolError};
use super::session::{Face, Session};
use super::value::Value;
use crate::limits::{
    RESP_BATCH_BYTES_MAX, RESP_BATCH_COMMANDS_MAX, RESP_BUFFER_KEPT_BYTES, RESP_LINGER_TIMEOUT,
    RESP_OUTPUT_BYTES_MAX, RESP_STALL_MAX,
};
use crate::tls::Stream;

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// The client left, or its connection broke.
    Gone,
    /// It was killed, or the listener stops.
    Told,
    /// What it sent is no request.
    Malformed(ProtocolError),
    /// It asked for it.
    Asked,
    /// It reads no answers.
    Stalled,
}

/// A connection with its buffers.
struct Connection {
    stream: Stream,
    parser: Parser,
    input: BytesMut,
    output: BytesMut,
    /// When the client must have read some of the answers.
    stalled_at: Option<Instant>,
    /// Whether commands came after the listener was told to stop.
    late: bool,
    session: Session,
    shared: Arc<Shared>,
}

/// Serves a client until it leaves, is sent away, or `stopping` says so; then its answers are still sent.
pub(super) async fn serve(
    stream: Stream,
    face: Face,
    shared: Arc<Shared>,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    let clients = shared.clients(face);
    let client = clients.enter(stream.peer_addr()?, stream.local_addr()?);
    let listed = Leave(shared.clone(), face, client.id);
    let session = Session::new(client, face, &shared.config);
    let mut connection = Connection::new(stream, session, shared);
    let end = connection.serve(&mut stopping).await;
    drop(listed);
    connection.end(end).await
}

/// Forgets the client, however its connection ends.
struct Leave(Arc<Shared>, Face, u64);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.clients(self.1).leave(self.2);
    }
}

impl Connection {
    fn new(stream: Stream, session: Session, shared: Arc<Shared>) -> Self {
        let parser = Parser::new(Limits::for_values(shared.config.value_max));
        let (input, output) = (BytesMut::new(), BytesMut::new());
        Self { stream, parser, input, output, stalled_at: None, late: false, session, shared }
    }

    async fn serve(&mut self, stopping: &mut watch::Receiver<bool>) -> End {
        loop {
            let (frames, fault) = self.batch();
            if let Err(end) = self.carry_out(&frames).await {
                return end;
            }
            if let Some(error) = fault {
                return End::Malformed(error);
            }
            if frames.is_empty() {
                self.give_back();
                if let Err(end) = self.wait(stopping).await {
                    return end;
                }
            }
        }
    }

    /// Takes the commands that are there, as many as may be carried out together.
    fn batch(&mut self) -> (Vec<Frame>, Option<ProtocolError>) {
        let (mut frames, mut bytes) = (Vec::new(), 0);
        if self.output.len() >= RESP_OUTPUT_BYTES_MAX {
            return (frames, None);
        }
        let commands_max = self.limit();
        while frames.len() < commands_max && bytes < RESP_BATCH_BYTES_MAX {
            match self.parser.next(&mut self.input) {
                Ok(Some(frame)) => {
                    bytes += frame.iter().map(|argument| argument.len()).sum::<usize>();
                    frames.push(frame);
                }
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        (frames, None)
    }

    /// Bounds what is taken next, in bytes and in commands. Who has still to show a token gets little, one command at a
    /// time: behind the one that shows it the others count as its holder's.
    fn limit(&mut self) -> usize {
        let gate = self.shared.node().map(|node| node.gate());
        if !gate.is_some_and(|gate| gate.is_on()) {
            return RESP_BATCH_COMMANDS_MAX;
        }
        let known = self.session.grant.is_some();
        let limits = match known {
            true => Limits::for_values(self.shared.config.value_max),
            false => Limits::for_strangers(),
        };
        self.parser.limit(limits);
        if known { RESP_BATCH_COMMANDS_MAX } else { 1 }
    }

    /// Carries commands out and sends what the client takes of the answers.
    async fn carry_out(&mut self, frames: &[Frame]) -> Result<(), End> {
        let mut at = 0;
        while at < frames.len() {
            at = super::run::advance(&self.shared, &mut self.session, frames, at, &mut self.output).await;
            self.send()?;
            if self.session.closing {
                return Err(End::Asked);
            }
            while self.output.len() >= RESP_OUTPUT_BYTES_MAX {
                self.sent_more().await?;
            }
        }
        Ok(())
    }

    /// Waits until the client can take more answers, and sends them.
    async fn sent_more(&mut self) -> Result<(), End> {
        let stalled_at = self.stalled_at.unwrap_or_else(|| Instant::now() + RESP_STALL_MAX);
        tokio::select! {
            ready = poll_fn(|cx| self.stream.poll_writable(cx)) => ready.map_err(|_| End::Gone)?,
            () = sleep_until(stalled_at) => return Err(End::Stalled),
        }
        self.send()
    }

    /// Sends what can be sent without waiting.
    fn send(&mut self) -> Result<(), End> {
        match self.send_now() {
            Ok(()) => self.stalled_at = None,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.stalled_at.get_or_insert_with(|| Instant::now() + RESP_STALL_MAX);
            }
            Err(_) => return Err(End::Gone),
        }
        Ok(())
    }

    fn send_now(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            match self.stream.try_write(&self.output)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                sent => {
                    self.output.advance(sent);
                    self.stalled_at = None;
                    self.shared.metrics.bytes_out.fetch_add(sent as u64, Relaxed);
                }
            }
        }
        self.stream.try_flush()
    }

    /// Whether answers still have to leave.
    fn unsent(&self) -> bool {
        !self.output.is_empty() || self.stream.holds_back()
    }

    /// Waits for more from the client, or for it to take more.
    async fn wait(&mut self, stopping: &mut watch::Receiver<bool>) -> Result<(), End> {
        let (unsent, waiting) = (self.unsent(), self.output.len());
        let (stream, parser, input) = (&mut self.stream, &self.parser, &mut self.input);
        let ready = poll_fn(|cx| {
            if unsent && stream.poll_writable(cx)?.is_ready() {
                return Poll::Ready(Ok(Ready::Writable));
            }
            match waiting {
                ..RESP_OUTPUT_BYTES_MAX => {
                    receive::poll_receive(stream, parser, input, cx).map_ok(Ready::Received)
                }
                _ => Poll::Pending,
            }
        });
        let ready: io::Result<Ready> = tokio::select! {
            ready = ready => ready,
            () = self.session.client.killed() => return Err(End::Told),
            _ = stopping.wait_for(|stopping| *stopping) => Ok(Ready::Stopping),
            () = sleep_until(self.stalled_at.unwrap_or_else(Instant::now)), if self.stalled_at.is_some() => {
                return Err(End::Stalled);
            }
        };
        match ready {
            Ok(Ready::Stopping) => self.take_last().await,
            Ok(Ready::Writable) => self.send(),
            Ok(Ready::Received(received @ 1..)) => {
                self.shared.metrics.bytes_in.fetch_add(received as u64, Relaxed);
                Ok(())
            }
            Ok(Ready::Received(0)) | Err(_) => Err(End::Gone),
        }
    }

    /// Takes what the client had sent when the listener was told to stop, and waits a moment for the rest of a command
    /// that began to come: that is answered too.
    async fn take_last(&mut self) -> Result<(), End> {
        let rest_within = if self.input.is_empty() { Duration::ZERO } else { RESP_LINGER_TIMEOUT };
        let (stream, parser, input) = (&mut self.stream, &self.parser, &mut self.input);
        let receive = poll_fn(|cx| receive::poll_receive(stream, parser, input, cx));
        match timeout(rest_within, receive).await {
            Ok(Ok(received @ 1..)) => {
                self.late = true;
                self.shared.metrics.bytes_in.fetch_add(received as u64, Relaxed);
                Ok(())
            }
            _ => Err(End::Told),
        }
    }

    /// Gives back what an idle connection needs no more.
    fn give_back(&mut self) {
        for buffer in [&mut self.input, &mut self.output] {
            if buffer.is_empty() && buffer.capacity() > RESP_BUFFER_KEPT_BYTES {
                *buffer = BytesMut::new();
            }
        }
    }

    /// Sends the last answers and closes.
    async fn end(mut self, end: End) -> io::Result<()> {
        let addr = self.session.client.addr;
        match end {
            End::Gone => return Ok(()),
            End::Stalled => {
                self.shared.metrics.stalled.fetch_add(1, Relaxed);
                let bytes = self.output.len();
                tracing::warn!(%addr, bytes, "disconnected a client of the Redis protocol that reads no answers");
                return Ok(());
            }
            End::Malformed(error) => {
                self.shared.metrics.malformed.fetch_add(1, Relaxed);
                tracing::debug!(%addr, %error, "closing a connection of the Redis protocol");
                self.session.answer(&Value::err(error), &mut self.output);
            }
            // Of an idle client nothing is on its way, so that closing takes no answer from it.
            End::Told if !self.late => return self.finish().await,
            End::Told | End::Asked => {}
        }
        self.finish().await?;
        linger::linger(&mut self.stream).await;
        Ok(())
    }

    /// Sends the answers that are left.
    async fn finish(&mut self) -> io::Result<()> {
        while self.unsent() {
            if self.sent_more().await.is_err() {
                return Ok(());
            }
        }
        self.stream.shutdown().await
    }
}

/// What a wait ended with.
enum Ready {
    /// The listener is to stop.
    Stopping,
    /// The client takes more answers.
    Writable,
    /// So many bytes came; 0: the client left.
    Received(usize),
}

#[cfg(test)]
mod tests;
