//! One lane to one peer: the calls waiting on it, and the connection it dials when there are any.
//!
//! ```text
//! Idle ──first call──▶ Dialling ──welcome──▶ Connected
//!   ▲                      │ failed              │ broke
//!   └─nobody called long── Down ◀────────────────┘      Down dials again by itself, with backoff
//! ```
//! Calls wait in Dialling and Connected and fail at once in Down. One lock covers queue and pending calls, so
//! whether a call's frame was handed to the socket is never in doubt: "not sent" is said only when it was not.

mod state;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use raft_store::NodeId;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::connection::{Ended, drive};
use super::context::{Context, stopped};
use super::detector::Detector;
use super::dial::{Dialled, NoConnection, dial};
use super::frame::{Frame, Kind};
use super::hello::Hello;
use super::pending::result_of;
use super::stats::PeerStats;
use super::tuning::{BACKOFF_MAX, BACKOFF_MIN};
use super::waiting::Waiting;
use super::{CallError, Lane, Service};
use crate::limits::PEER_QUEUE_MESSAGES_MAX;
use state::{Phase, State};

/// One lane to one peer.
#[derive(Debug)]
pub(super) struct Link {
    context: Arc<Context>,
    detector: Arc<Detector>,
    node: NodeId,
    addr: String,
    lane: Lane,
    state: Mutex<State>,
    wake: Notify,
    stop: watch::Sender<bool>,
}

impl Link {
    /// An idle link.
    pub(super) fn new(
        context: Arc<Context>,
        detector: Arc<Detector>,
        node: NodeId,
        addr: &str,
        lane: Lane,
    ) -> Self {
        let state = State::idle();
        let (wake, stop) = (Notify::new(), watch::Sender::new(false));
        Self { context, detector, node, addr: addr.to_owned(), lane, state: Mutex::new(state), wake, stop }
    }

    /// Queues a call; dials if that was not under way.
    pub(super) fn call(self: &Arc<Self>, service: Service, body: Bytes) -> Result<Waiting, CallError> {
        let mut state = self.state.lock();
        state.wanted = Instant::now();
        let dial = match &state.phase {
            Phase::Down(error) => return Err(error.clone()),
            Phase::Closed => return Err(CallError::NotSent("the peer was removed or moved".into())),
            Phase::Idle => true,
            Phase::Dialling | Phase::Connected => false,
        };
        let waiting = self.enqueue(&mut state, service, body)?;
        if dial {
            self.dial(&mut state);
        }
        drop(state);
        self.wake.notify_one();
        Ok(waiting)
    }

    fn enqueue(
        self: &Arc<Self>,
        state: &mut State,
        service: Service,
        body: Bytes,
    ) -> Result<Waiting, CallError> {
        let call = state.last_call + 1;
        let full = || CallError::NotSent(format!("queue full towards node {}", self.node));
        if state.pending.len() >= PEER_QUEUE_MESSAGES_MAX {
            return Err(full());
        }
        state.queue.push(Frame { kind: Kind::Call, service, call, body }).map_err(|_| full())?;
        state.last_call = call;
        Ok(Waiting::new(Arc::clone(self), call, state.pending.add(call)))
    }

    /// Whether the peer said on the present connection that it takes `feature`.
    pub(super) fn takes(&self, feature: u8) -> bool {
        let state = self.state.lock();
        state.phase == Phase::Connected && state.features & feature == feature
    }

    /// Has the peer hear from this node: sends a beat unless something else is queued, or with `dial` connects if that is
    /// not under way.
    pub(super) fn pulse(self: &Arc<Self>, dial: bool) {
        let mut state = self.state.lock();
        match state.phase {
            Phase::Connected => state.beat(&self.wake),
            Phase::Idle if dial => self.dial(&mut state),
            _ => {}
        }
    }

    fn dial(self: &Arc<Self>, state: &mut State) {
        state.phase = Phase::Dialling;
        self.context.spawn(Arc::clone(self).run());
    }

    /// Forgets a call nobody waits for any more; `Some(sent)` if it had no result yet.
    pub(super) fn give_up(&self, call: u64) -> Option<bool> {
        self.state.lock().pending.give_up(call)
    }

    /// Tells the peer which cluster this node belongs to now, unless its hello did.
    pub(super) fn announce_cluster(&self) {
        let mut state = self.state.lock();
        if state.phase == Phase::Connected {
            self.announce(&mut state);
        }
        drop(state);
        self.wake.notify_one();
    }

    fn announce(&self, state: &mut State) {
        let cluster = self.context.cluster();
        if state.announced != cluster {
            state.announced = cluster;
            let body = Bytes::copy_from_slice(&cluster.to_le_bytes());
            state.queue.push_first(Frame::control(Kind::Cluster, body));
        }
    }

    /// Ends the link for good: its connection closes and its calls fail.
    pub(super) fn close(&self, reason: &str) {
        self.fall(Phase::Closed, reason, &CallError::NotSent(reason.to_owned()));
        self.stop.send_replace(true);
    }

    /// How it is now.
    pub(super) fn stats(&self) -> PeerStats {
        let state = self.state.lock();
        PeerStats {
            node: self.node,
            lane: self.lane,
            connected: state.phase == Phase::Connected,
            queued_messages: state.queue.len(),
            queued_bytes: state.queue.bytes(),
            outstanding: state.pending.len(),
        }
    }

    async fn run(self: Arc<Self>) {
        let mut stop = self.stop.subscribe();
        tokio::select! {
            biased;
            () = stopped(&mut stop) => {}
            () = self.keep_connected() => {}
        }
    }

    /// Dials, serves and dials again, until nobody has wanted this peer for long.
    async fn keep_connected(&self) {
        let hello = Hello { lane: self.lane, node: self.context.node, cluster: 0, expected: self.node };
        let mut backoff = BACKOFF_MIN;
        loop {
            match dial(&self.context, &self.addr, hello).await {
                Ok(dialled) => backoff = self.serve(dialled, backoff).await,
                Err(error) => self.dial_failed(error),
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).clamp(BACKOFF_MIN, BACKOFF_MAX);
            if self.rest_if_unwanted() {
                return;
            }
        }
    }

    /// Serves one connection to its end; returns how long to wait before the next.
    async fn serve(&self, mut dialled: Dialled, backoff: Duration) -> Duration {
        if !self.connected(dialled.announced, dialled.features) {
            return backoff;
        }
        tracing::info!(node = self.node, addr = self.addr, lane = ?self.lane, "connected to peer");
        let since = Instant::now();
        let ended = drive(&mut dialled.stream, &mut dialled.reader, self, &self.context).await;
        tracing::warn!(node = self.node, addr = self.addr, lane = ?self.lane, %ended, "lost connection to peer");
        let reason = format!("connection to node {}: {ended}", self.node);
        let unsent = match ended {
            Ended::Mismatch(mismatch) => CallError::Refused(mismatch.to_string()),
            _ => CallError::NotSent(reason.clone()),
        };
        self.fall(Phase::Down(unsent.clone()), &reason, &unsent);
        // At once, if it stood for long: whether somebody still listens there says what became of the peer.
        if since.elapsed() > BACKOFF_MAX { Duration::ZERO } else { backoff }
    }

    fn connected(&self, announced: u128, features: u8) -> bool {
        let mut state = self.state.lock();
        if state.phase == Phase::Closed {
            return false;
        }
        state.phase = Phase::Connected;
        (state.announced, state.features) = (announced, features);
        self.announce(&mut state);
        true
    }

    fn dial_failed(&self, NoConnection { error, nobody_listens }: NoConnection) {
        if nobody_listens {
            self.detector.refused(&self.context);
        }
        if self.state.lock().phase == Phase::Dialling {
            tracing::warn!(node = self.node, lane = ?self.lane, %error, "cannot reach peer");
        }
        self.fall(Phase::Down(error.clone()), "never sent", &error);
    }

    /// Leaves the present phase and fails every call: lost for `reason` if sent, with `unsent` if not.
    fn fall(&self, phase: Phase, reason: &str, unsent: &CallError) {
        let mut state = self.state.lock();
        if state.phase == Phase::Closed {
            return;
        }
        state.phase = phase;
        state.queue.clear();
        state.pending.fail_all(reason, unsent);
    }

    fn rest_if_unwanted(&self) -> bool {
        let mut state = self.state.lock();
        let rest =
            matches!(state.phase, Phase::Down(_)) && state.wanted.elapsed() > self.context.tuning.wanted_for;
        if rest {
            state.phase = Phase::Idle;
        }
        rest
    }
}

impl super::connection::End for Link {
    fn wake(&self) -> &Notify {
        &self.wake
    }

    fn take(&self, batch: &mut Vec<Frame>) -> Result<(), Ended> {
        let State { queue, pending, .. } = &mut *self.state.lock();
        queue.take(batch, |frame| frame.kind != Kind::Call || pending.mark_sent(frame.call));
        Ok(())
    }

    fn beat(&self) {
        self.state.lock().beat(&self.wake);
    }

    fn heard(&self) {
        self.detector.hear(&self.context);
    }

    fn receive(&self, frame: Frame) -> Result<(), Ended> {
        if !matches!(frame.kind, Kind::Answer | Kind::Dropped) {
            return Err(Ended::Unexpected(frame.kind));
        }
        let call = frame.call;
        self.state.lock().pending.finish(call, result_of(frame));
        Ok(())
    }
}
