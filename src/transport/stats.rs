//! What the transport counts.

use std::sync::atomic::{AtomicU64, Ordering};

use raft_store::NodeId;

use super::Lane;

/// A transport's counters since it was bound, and its state now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransportStats {
    /// Frames received, beats and hellos left out.
    pub frames_in: u64,
    /// Frames handed to a socket, beats among them.
    pub frames_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes handed to a socket.
    pub bytes_out: u64,
    /// Writes to sockets begun; `frames_out` over this is how well frames were coalesced.
    pub writes: u64,
    /// Connections this node dialled with success.
    pub connects: u64,
    /// Connections of peers served now.
    pub inbound: u64,
    /// Each lane to each peer.
    pub peers: Vec<PeerStats>,
}

/// One lane to one peer, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerStats {
    /// The peer.
    pub node: NodeId,
    /// The lane.
    pub lane: Lane,
    /// Whether its connection stands.
    pub connected: bool,
    /// Frames waiting to be written.
    pub queued_messages: usize,
    /// Bytes waiting to be written.
    pub queued_bytes: usize,
    /// Calls without an answer, those queued among them.
    pub outstanding: usize,
}

/// The counters behind [`TransportStats`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) frames_in: Counter,
    pub(super) frames_out: Counter,
    pub(super) bytes_in: Counter,
    pub(super) bytes_out: Counter,
    pub(super) writes: Counter,
    pub(super) connects: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
