//! Peer connections: frames, calls and answers between nodes, without knowing what they mean.
//!
//! One connection for each pair of nodes and lane carries every group's messages, multiplexed by call id
//! and coalesced for each flush. A call whose frame never left says so ([`CallError::NotSent`]): only that
//! makes it safe to try again elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use raft_store::NodeId;

/// Which connection of a pair a message takes, so that heartbeats never wait behind snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Raft messages, forwarded requests, questions.
    Control,
    /// Snapshot chunks.
    Bulk,
}

/// What kind of question a call asks; the layer above numbers them.
pub type Service = u8;

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It never left this node: no connection, or a full queue.
    #[error("not sent: {0}")]
    NotSent(String),
    /// It may have arrived; the connection broke, or no answer came in time.
    #[error("no answer: {0}")]
    Lost(String),
    /// The peer belongs to another cluster, has another id, or speaks another protocol version.
    #[error("refused: {0}")]
    Refused(String),
}

/// Who sent a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct From {
    /// The sender's node id.
    pub node: NodeId,
    /// Whether it proved to be of this node's cluster (a fresh node has none yet).
    pub member: bool,
    /// Number of the connection it came by: order is kept within one.
    pub connection: u64,
}

/// Answers one call, now or later, from any task. Dropping it answers nothing: the caller times out.
#[derive(Debug)]
pub struct Answer {}

impl Answer {
    /// Sends the answer.
    pub fn send(self, _body: Bytes) {
        unimplemented!()
    }
}

/// Takes the calls of all peers.
pub trait Handler: Send + Sync + 'static {
    /// Handles one call. Called in the order of arrival for each connection; must not block.
    fn handle(&self, from: From, service: Service, body: Bytes, answer: Answer);
}

/// The transport of one node; cheap to clone.
#[derive(Debug, Clone)]
pub struct Transport {}

/// What the transport needs to know.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    /// This node.
    pub node: NodeId,
    /// Where to listen.
    pub listen: SocketAddr,
}

impl Transport {
    /// Binds the listener; a taken port is an error that names it. Nothing is served before [`Self::serve`].
    pub async fn bind(_config: TransportConfig) -> std::io::Result<Self> {
        unimplemented!()
    }

    /// Begins to accept peers.
    pub fn serve(&self, _handler: Arc<dyn Handler>) {
        unimplemented!()
    }

    /// The address bound (the port may have been 0).
    pub fn local_addr(&self) -> SocketAddr {
        unimplemented!()
    }

    /// Sets the cluster id, once: from then on peers of other clusters are refused.
    pub fn set_cluster(&self, _cluster_id: u128) {
        unimplemented!()
    }

    /// Sets or changes where a node listens.
    pub fn set_peer(&self, _node: NodeId, _addr: &str) {
        unimplemented!()
    }

    /// Forgets a node and closes its connections.
    pub fn remove_peer(&self, _node: NodeId) {
        unimplemented!()
    }

    /// Calls a node and waits for its answer, at most `timeout`. The frame is queued before this first
    /// yields, so calls to one node and lane arrive in the order in which their futures were first polled.
    pub async fn call(
        &self,
        _node: NodeId,
        _lane: Lane,
        _service: Service,
        _body: Bytes,
        _timeout: Duration,
    ) -> Result<Bytes, CallError> {
        unimplemented!()
    }

    /// Calls whoever listens at `addr`, over a connection of its own: for seeds whose id is not known yet.
    pub async fn call_addr(
        &self,
        _addr: &str,
        _service: Service,
        _body: Bytes,
        _timeout: Duration,
    ) -> Result<Bytes, CallError> {
        unimplemented!()
    }

    /// How long ago anything was last heard from a node; `None`: never.
    pub fn last_heard(&self, _node: NodeId) -> Option<Duration> {
        unimplemented!()
    }

    /// Closes listener and connections.
    pub async fn shutdown(&self) {}
}
