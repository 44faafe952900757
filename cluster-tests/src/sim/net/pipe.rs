//! One direction of one TCP connection: bytes on their way, bytes that arrived, and who waits for them.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use tokio::io::ReadBuf;

/// Bytes that were written and not yet acknowledged, at most: a socket's buffers.
const WINDOW_BYTES: usize = 256 << 10;

/// What travels.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Bytes(Bytes),
    /// The sender has closed: FIN.
    End,
    /// The connection is gone: RST.
    Reset,
}

/// How the reading end finds the connection once it has read everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Closed,
    Reset,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) from: u64,
    pub(super) to: u64,
    flying: VecDeque<(u64, Piece)>,
    flying_bytes: usize,
    /// Bytes that arrived and whose acknowledgement did not.
    unacked_bytes: usize,
    inbox: VecDeque<Bytes>,
    ended: Option<Ended>,
    /// Nothing is delivered before: TCP has not tried again yet.
    pub(super) resume_ns: u64,
    /// When the line has sent what was written before.
    line_free_ns: u64,
    pub(super) reader_gone: bool,
    pub(super) writer_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    reset: bool,
}

impl Pipe {
    pub(super) fn new(from: u64, to: u64) -> Self {
        Self {
            from,
            to,
            flying: VecDeque::new(),
            flying_bytes: 0,
            unacked_bytes: 0,
            inbox: VecDeque::new(),
            ended: None,
            resume_ns: 0,
            line_free_ns: 0,
            reader_gone: false,
            writer_gone: false,
            reader: None,
            writer: None,
            reset: false,
        }
    }

    /// How many bytes may be written now; `Pending`: none, and the writer is woken when some may be.
    pub(super) fn poll_room(&mut self, context: &Context<'_>) -> Poll<io::Result<usize>> {
        if self.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let room = WINDOW_BYTES.saturating_sub(self.flying_bytes + self.unacked_bytes);
        if room == 0 {
            self.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(room))
    }

    /// Sends a piece off: it leaves when the line is free and `busy_ns` later, arrives `delay_ns` after that, and
    /// never before what was sent earlier.
    pub(super) fn send(&mut self, piece: Piece, now_ns: u64, busy_ns: u64, delay_ns: u64) {
        if let Piece::Bytes(bytes) = &piece {
            self.flying_bytes += bytes.len();
        }
        self.line_free_ns = self.line_free_ns.max(now_ns) + busy_ns;
        let arrives_ns = self.line_free_ns + delay_ns;
        let before_ns = self.flying.back().map_or(0, |(at, _)| *at);
        self.flying.push_back((arrives_ns.max(before_ns), piece));
    }

    /// The next piece that has arrived by `now_ns`.
    pub(super) fn arrived(&mut self, now_ns: u64) -> Option<Piece> {
        if now_ns < self.resume_ns || self.flying.front().is_none_or(|(at, _)| *at > now_ns) {
            return None;
        }
        let (_, piece) = self.flying.pop_front()?;
        if let Piece::Bytes(bytes) = &piece {
            self.flying_bytes -= bytes.len();
            self.unacked_bytes += bytes.len();
        }
        Some(piece)
    }

    /// Hands a piece to the reader.
    pub(super) fn take_in(&mut self, piece: Piece) {
        match piece {
            Piece::Bytes(_) if self.reader_gone => {}
            Piece::Bytes(bytes) => self.inbox.push_back(bytes),
            Piece::End => self.ended = self.ended.or(Some(Ended::Closed)),
            Piece::Reset => self.ended = Some(Ended::Reset),
        }
        wake(&mut self.reader);
    }

    /// What arrived is acknowledged.
    pub(super) fn acknowledge(&mut self) {
        if self.unacked_bytes > 0 {
            self.unacked_bytes = 0;
            wake(&mut self.writer);
        }
    }

    /// The writer learns that the connection is gone.
    pub(super) fn fail_writes(&mut self) {
        self.reset = true;
        wake(&mut self.writer);
    }

    /// The connection is gone at once, and what was on its way with it.
    pub(super) fn break_off(&mut self) {
        self.flying.clear();
        self.flying_bytes = 0;
        self.inbox.clear();
        self.take_in(Piece::Reset);
        self.fail_writes();
    }

    /// Reads what is there; an empty read is the end.
    pub(super) fn poll_read(&mut self, context: &Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ended == Some(Ended::Reset) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.inbox.is_empty() && self.ended.is_none() {
            self.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        while let Some(bytes) = self.inbox.front_mut()
            && to.remaining() > 0
        {
            let count = bytes.len().min(to.remaining());
            to.put_slice(&bytes[..count]);
            bytes.advance(count);
            if bytes.is_empty() {
                self.inbox.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Nothing can come of it any more.
    pub(super) fn is_over(&self) -> bool {
        self.reader_gone && (self.writer_gone || self.reset)
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
