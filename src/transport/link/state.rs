//! Where a link stands, and what waits on it.

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::super::CallError;
use super::super::frame::{Frame, Kind};
use super::super::pending::Pending;
use super::super::queue::Queue;
use crate::limits::{PEER_QUEUE_BYTES_MAX, PEER_QUEUE_MESSAGES_MAX};

/// Where a link stands; the module's drawing shows the ways between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    Dialling,
    Connected,
    /// With what calls are told.
    Down(CallError),
    /// Gone for good: the peer was removed or moved, or the transport shut down.
    Closed,
}

/// What a link's lock covers.
#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) queue: Queue,
    pub(super) pending: Pending,
    pub(super) last_call: u64,
    pub(super) wanted: Instant,
    /// The cluster id the peer was told on the present connection.
    pub(super) announced: u128,
    /// What the peer takes, as it said on the present connection.
    pub(super) features: u8,
}

impl State {
    /// Of a link that nobody has used.
    pub(super) fn idle() -> Self {
        Self {
            phase: Phase::Idle,
            queue: Queue::new(PEER_QUEUE_MESSAGES_MAX, PEER_QUEUE_BYTES_MAX),
            pending: Pending::default(),
            last_call: 0,
            wanted: Instant::now(),
            announced: 0,
            features: 0,
        }
    }

    /// Queues a beat unless something else is queued.
    pub(super) fn beat(&mut self, wake: &Notify) {
        if self.queue.len() == 0 {
            self.queue.push_first(Frame::control(Kind::Beat, Bytes::new()));
            wake.notify_one();
        }
    }
}
