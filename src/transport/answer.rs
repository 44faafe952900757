//! Answers: what a handler holds to answer a call, and the queue they take back.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::CallError;
use super::connection::Ended;
use super::frame::{Frame, Kind};
use super::pending::CallResult;
use super::queue::Queue;
use crate::limits::{FRAME_BYTES_MAX, PEER_QUEUE_BYTES_MAX, PEER_QUEUE_MESSAGES_MAX};

/// Answers one call, now or later, from any task. Dropping it unanswered tells the caller at once that no answer
/// will come ([`CallError::Lost`]).
#[derive(Debug)]
pub struct Answer {
    route: Option<Route>,
}

#[derive(Debug)]
enum Route {
    Here(oneshot::Sender<CallResult>),
    Peer { outbox: Arc<Outbox>, call: u64 },
}

impl Answer {
    /// For a call of this node to itself.
    pub(crate) fn here(result: oneshot::Sender<CallResult>) -> Self {
        Self { route: Some(Route::Here(result)) }
    }

    /// For a call that came by a connection.
    pub(super) fn peer(outbox: Arc<Outbox>, call: u64) -> Self {
        Self { route: Some(Route::Peer { outbox, call }) }
    }

    /// Sends the answer. One too large for a frame is logged, and the caller told that there is none.
    pub fn send(mut self, body: Bytes) {
        if super::too_large(&body) {
            tracing::error!(bytes = body.len(), max = FRAME_BYTES_MAX, "an answer is too large to send");
            return self.finish(Err("the answer was too large"));
        }
        self.finish(Ok(body));
    }

    fn finish(&mut self, result: Result<Bytes, &'static str>) {
        match self.route.take() {
            // The caller may have stopped waiting; nobody misses the answer then.
            Some(Route::Here(caller)) => {
                let _ = caller.send(result.map_err(|reason| CallError::Lost(reason.to_owned())));
            }
            Some(Route::Peer { outbox, call }) => outbox.answer(call, result),
            None => {}
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.finish(Err("the peer dropped the call"));
    }
}

/// Answers waiting to be written to one connection.
#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<OutboxState>,
    wake: Notify,
}

#[derive(Debug)]
struct OutboxState {
    queue: Queue,
    closed: Option<Closed>,
}

#[derive(Debug, Clone, Copy)]
enum Closed {
    Full,
    Here,
}

impl Outbox {
    /// An empty one.
    pub(super) fn new() -> Self {
        let queue = Queue::new(PEER_QUEUE_MESSAGES_MAX, PEER_QUEUE_BYTES_MAX);
        Self { state: Mutex::new(OutboxState { queue, closed: None }), wake: Notify::new() }
    }

    fn answer(&self, call: u64, result: Result<Bytes, &'static str>) {
        let (kind, body) = match result {
            Ok(body) => (Kind::Answer, body),
            Err(reason) => (Kind::Dropped, Bytes::from_static(reason.as_bytes())),
        };
        let mut state = self.state.lock();
        if state.closed.is_some() {
            return;
        }
        // A peer that does not take its answers gets none: skipping single ones would leave its calls hanging.
        if state.queue.push(Frame { kind, service: 0, call, body }).is_err() {
            state.close(Closed::Full);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Queues a beat unless there is something to write anyway.
    pub(super) fn beat(&self) {
        let mut state = self.state.lock();
        if state.queue.len() == 0 {
            state.queue.push_first(Frame::control(Kind::Beat, Bytes::new()));
            self.wake.notify_one();
        }
    }

    /// Drops what is queued and whatever is still answered; the connection ends.
    pub(super) fn close(&self) {
        self.state.lock().close(Closed::Here);
        self.wake.notify_one();
    }

    /// Moves the next answers to `batch`.
    pub(super) fn take(&self, batch: &mut Vec<Frame>) -> Result<(), Ended> {
        let mut state = self.state.lock();
        match state.closed {
            None => state.queue.take(batch, |_| true),
            Some(Closed::Full) => return Err(Ended::AnswersFull),
            Some(Closed::Here) => return Err(Ended::ClosedHere),
        }
        Ok(())
    }

    /// Wakes the writer.
    pub(super) fn wake(&self) -> &Notify {
        &self.wake
    }
}

impl OutboxState {
    fn close(&mut self, why: Closed) {
        self.closed.get_or_insert(why);
        self.queue.clear();
    }
}
