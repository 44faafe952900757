//! One established connection: reads, writes and beats, in one task, until something ends it.
//!
//! Both ends are driven alike; an [`End`] says what to send and what to do with what arrives. Each end sends
//! a beat when it has nothing else to say, so silence means that the other end, or the way to it, is gone.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use super::context::Context;
use super::frame::{Frame, FrameError, Kind, Split, split};
use super::hello::Mismatch;
use super::net::Stream;
use super::tuning::{COPY_BYTES_MAX, READ_BUFFER_BYTES, SILENT_BEATS_MAX};
use crate::limits::FRAME_BYTES_MAX;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("closed by the peer")]
    Closed,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the peer sent {0}")]
    Frame(#[from] FrameError),
    #[error("the peer sent {0:?} out of place")]
    Unexpected(Kind),
    #[error("{0}")]
    Mismatch(#[from] Mismatch),
    #[error("nothing heard from the peer")]
    Silent,
    #[error("the peer does not take its answers")]
    AnswersFull,
    #[error("closed by this node")]
    ClosedHere,
}

/// What one end of a connection does.
pub(super) trait End: Sync {
    /// Wakes the writer: there may be something to take.
    fn wake(&self) -> &Notify;
    /// Moves the next frames to write to `batch`.
    fn take(&self, batch: &mut Vec<Frame>) -> Result<(), Ended>;
    /// Queues a beat unless something else is queued.
    fn beat(&self);
    /// Notes that bytes arrived.
    fn heard(&self);
    /// Handles one frame.
    fn receive(&self, frame: Frame) -> Result<(), Ended>;
}

/// Drives a connection until it ends. To drop this future closes it as well.
pub(super) async fn drive(
    stream: &mut Stream,
    reader: &mut FrameReader,
    end: &impl End,
    context: &Context,
) -> Ended {
    match stream {
        Stream::Tcp(stream) => {
            let (mut input, mut output) = stream.split();
            drive_both(&mut input, &mut output, reader, end, context).await
        }
        Stream::Tls(stream) => {
            let (mut input, mut output) = tokio::io::split(stream);
            drive_both(&mut input, &mut output, reader, end, context).await
        }
        #[cfg(feature = "simulation")]
        Stream::Simulated(stream) => {
            let (mut input, mut output) = tokio::io::split(stream);
            drive_both(&mut input, &mut output, reader, end, context).await
        }
    }
}

/// Drives both directions of a connection until one of them ends.
async fn drive_both(
    input: &mut (impl AsyncRead + Unpin),
    output: &mut (impl AsyncWrite + Unpin),
    reader: &mut FrameReader,
    end: &impl End,
    context: &Context,
) -> Ended {
    let heard = AtomicBool::new(true);
    // Not biased: a peer that sends without pause must not keep this end from writing.
    let ended = tokio::select! {
        ended = read_all(input, reader, end, &heard, context) => ended,
        ended = write_all(output, end, context) => ended,
        ended = watch(end, &heard, context) => ended,
    };
    ended.err().unwrap_or(Ended::Closed)
}

async fn read_all(
    input: &mut (impl AsyncRead + Unpin),
    reader: &mut FrameReader,
    end: &impl End,
    heard: &AtomicBool,
    context: &Context,
) -> Result<(), Ended> {
    loop {
        while let Some(frame) = reader.next(FRAME_BYTES_MAX)? {
            if frame.kind != Kind::Beat {
                context.counters.frames_in.add(1);
                end.receive(frame)?;
            }
        }
        let bytes = reader.fill(input).await?;
        context.counters.bytes_in.add(bytes);
        heard.store(true, Ordering::Relaxed);
        end.heard();
    }
}

async fn write_all(
    output: &mut (impl AsyncWrite + Unpin),
    end: &impl End,
    context: &Context,
) -> Result<(), Ended> {
    let (mut batch, mut pack) = (Vec::new(), Pack::default());
    loop {
        end.take(&mut batch)?;
        if batch.is_empty() {
            end.wake().notified().await;
            continue;
        }
        context.counters.frames_out.add(batch.len());
        batch.drain(..).for_each(|frame| pack.add(frame));
        pack.seal();
        context.counters.bytes_out.add(pack.remaining());
        context.counters.writes.add(1);
        output.write_all_buf(&mut pack).await?;
        // With TLS what was taken may still wait to leave.
        output.flush().await?;
    }
}

/// Beats, and listens for the other end's. Silence is counted in beats, not by the clock: a pause of this process
/// is one missed beat, whatever its length.
async fn watch(end: &impl End, heard: &AtomicBool, context: &Context) -> Result<(), Ended> {
    let mut tick = tokio::time::interval(context.tuning.beat);
    let mut silent = 0;
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        silent = if heard.swap(false, Ordering::Relaxed) { 0 } else { silent + 1 };
        if silent >= SILENT_BEATS_MAX {
            return Err(Ended::Silent);
        }
        end.beat();
    }
}

/// Cuts what arrives into frames.
#[derive(Debug, Default)]
pub(super) struct FrameReader {
    buffer: BytesMut,
    /// Bytes the frame that has begun still needs.
    missing: usize,
}

impl FrameReader {
    /// The next frame that has arrived whole.
    pub(super) fn next(&mut self, frame_bytes_max: usize) -> Result<Option<Frame>, FrameError> {
        match split(&mut self.buffer, frame_bytes_max)? {
            Split::Frame(frame) => {
                if frame.wire_bytes() > READ_BUFFER_BYTES {
                    // Lets go of the large block, which reading would otherwise use again and keep.
                    self.buffer = BytesMut::from(&self.buffer[..]);
                }
                Ok(Some(frame))
            }
            Split::More(bytes) => {
                self.missing = bytes;
                Ok(None)
            }
        }
    }

    /// Waits for more bytes and says how many came; their end is an error.
    pub(super) async fn fill(&mut self, input: &mut (impl AsyncRead + Unpin)) -> Result<usize, Ended> {
        let room = self.buffer.capacity() - self.buffer.len();
        if room < self.missing || room < READ_BUFFER_BYTES / 16 {
            self.buffer.reserve(self.missing.max(READ_BUFFER_BYTES));
        }
        match input.read_buf(&mut self.buffer).await? {
            0 => Err(Ended::Closed),
            bytes => Ok(bytes),
        }
    }

    /// Waits for the next frame.
    pub(super) async fn read(
        &mut self,
        input: &mut (impl AsyncRead + Unpin),
        frame_bytes_max: usize,
    ) -> Result<Frame, Ended> {
        loop {
            if let Some(frame) = self.next(frame_bytes_max)? {
                return Ok(frame);
            }
            self.fill(input).await?;
        }
    }
}

/// Frames packed for one write: small ones copied together, large bodies left where they lie.
#[derive(Debug, Default)]
struct Pack {
    chunks: VecDeque<Bytes>,
    small: BytesMut,
}

impl Pack {
    fn add(&mut self, frame: Frame) {
        frame.put_header(&mut self.small);
        if frame.body.len() <= COPY_BYTES_MAX {
            self.small.put_slice(&frame.body);
        } else {
            self.seal();
            self.chunks.push_back(frame.body);
        }
    }

    /// Moves what was copied to the chunks.
    fn seal(&mut self) {
        if !self.small.is_empty() {
            self.chunks.push_back(self.small.split().freeze());
        }
    }
}

impl Buf for Pack {
    fn remaining(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum()
    }

    fn has_remaining(&self) -> bool {
        !self.chunks.is_empty()
    }

    fn chunk(&self) -> &[u8] {
        self.chunks.front().map_or(&[], |chunk| chunk)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = slices.len().min(self.chunks.len());
        slices.iter_mut().zip(&self.chunks).for_each(|(slice, chunk)| *slice = IoSlice::new(chunk));
        filled
    }

    fn advance(&mut self, mut count: usize) {
        while let Some(chunk) = self.chunks.front_mut()
            && count > 0
        {
            let bytes = count.min(chunk.len());
            chunk.advance(bytes);
            count -= bytes;
            if chunk.is_empty() {
                self.chunks.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests;
