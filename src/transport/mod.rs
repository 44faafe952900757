//! Peer connections: frames, calls and answers between nodes, without knowing what they mean.
//!
//! From each node to each other one connection for each lane carries every group's messages, multiplexed by call id
//! and coalesced for each flush. A call whose frame never left says so ([`CallError::NotSent`]): only that
//! makes it safe to try again elsewhere.
//!
//! Relies on tokio, and on [`crate::tls`] where certificates are shown. Guarantees: calls to one node and lane are handled in the order in which they were
//! made (a broken connection cuts that order: `From::connection` changes); every call ends within its timeout;
//! both lanes, and all peers, wait for nothing of one another; every queue is bounded; two nodes of different
//! clusters never exchange a call once both know theirs.

mod answer;
mod connection;
mod context;
mod detector;
mod dial;
mod frame;
mod health;
mod hello;
mod inbound;
mod link;
mod net;
mod peers;
mod pending;
mod queue;
mod shared;
#[cfg(feature = "simulation")]
mod simulated;
mod stats;
#[cfg(test)]
mod tests;
mod tuning;
mod waiting;
#[cfg(all(test, feature = "simulation"))]
pub(crate) mod wires;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use raft_store::NodeId;
use tokio::sync::watch;

pub use self::answer::Answer;
pub use self::health::{Evidence, Health, PeerState};
pub use self::net::Net;
#[cfg(feature = "simulation")]
pub use self::simulated::{SimulatedListener, SimulatedNet, SimulatedStream};
pub use self::stats::{PeerStats, TransportStats};

use self::frame::HEADER_BYTES;
use self::hello::Hello;
use self::shared::Shared;
use self::tuning::Tuning;
use crate::limits::FRAME_BYTES_MAX;

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

/// A node of this version takes requests with the id by which their way is logged.
pub const FEATURE_TRACED: u8 = 1;

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

/// Takes the calls of all peers.
pub trait Handler: Send + Sync + 'static {
    /// Handles one call. Called in the order of arrival for each connection; must not block.
    fn handle(&self, from: From, service: Service, body: Bytes, answer: Answer);
}

/// What the transport needs to know.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    /// This node; never 0, which stands for "any" in a hello.
    pub node: NodeId,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The network all this is about.
    pub net: Net,
    /// How often every peer is sent something, so that silence means something ([`Health`]).
    pub pulse: Duration,
}

/// The transport of one node; cheap to clone. Its tasks run on the runtime it was bound on, until
/// [`Self::shutdown`].
#[derive(Debug, Clone)]
pub struct Transport {
    shared: Arc<Shared>,
}

impl Transport {
    /// Binds the listener; a taken port is an error that names it. Nothing is served before [`Self::serve`].
    pub async fn bind(config: TransportConfig) -> std::io::Result<Self> {
        Self::bind_with(config, Tuning::default()).await
    }

    async fn bind_with(config: TransportConfig, tuning: Tuning) -> std::io::Result<Self> {
        Ok(Self { shared: Arc::new(Shared::bind(config, tuning).await?) })
    }

    /// Begins to accept peers. Only the first call has an effect, and none after [`Self::shutdown`].
    pub fn serve(&self, handler: Arc<dyn Handler>) {
        self.shared.serve(handler);
    }

    /// The address bound (the port may have been 0).
    pub fn local_addr(&self) -> SocketAddr {
        self.shared.local_addr
    }

    /// Sets the cluster id, once: from then on peers of other clusters are refused, also on connections that
    /// stand already, and peers of this one see this node as a member.
    pub fn set_cluster(&self, cluster_id: u128) {
        self.shared.set_cluster(cluster_id);
    }

    /// Sets or changes where a node listens. A change closes its connections; its calls on their way are lost.
    pub fn set_peer(&self, node: NodeId, addr: &str) {
        self.shared.peers.set(&self.shared.context, node, addr);
    }

    /// Forgets a node and closes its connections in both directions. It may dial this node again.
    pub fn remove_peer(&self, node: NodeId) {
        self.shared.remove_peer(node);
    }

    /// Calls a node and waits for its answer, at most `timeout`. The frame is queued before this first
    /// yields, so calls to one node and lane arrive in the order in which their futures were first polled.
    /// The first call to a peer waits for the connection; while a peer cannot be reached, calls fail at once.
    /// A call to this node itself goes to its handler directly. To drop the future gives the call up.
    pub async fn call(
        &self,
        node: NodeId,
        lane: Lane,
        service: Service,
        body: Bytes,
        timeout: Duration,
    ) -> Result<Bytes, CallError> {
        check_size(&body)?;
        if node == self.shared.context.node {
            return self.shared.call_self(service, body, timeout).await;
        }
        let waiting = self.shared.peers.link(node, lane)?.call(service, body)?;
        waiting.wait(timeout).await
    }

    /// Whether a node said when this one connected to it that it takes `feature`; not before there is a connection.
    pub fn takes(&self, node: NodeId, lane: Lane, feature: u8) -> bool {
        self.shared.peers.link(node, lane).is_ok_and(|link| link.takes(feature))
    }

    /// Calls whoever listens at `addr`, over a connection of its own: for seeds whose id is not known yet.
    pub async fn call_addr(
        &self,
        addr: &str,
        service: Service,
        body: Bytes,
        timeout: Duration,
    ) -> Result<Bytes, CallError> {
        check_size(&body)?;
        let context = &self.shared.context;
        let hello = Hello { lane: Lane::Control, node: context.node, cluster: 0, expected: 0 };
        dial::call_once(context, addr, hello, (service, body), timeout).await
    }

    /// How long ago anything was last heard from a node, on a connection in either direction; `None`: never
    /// since [`Self::set_peer`]. Peers beat with every pulse, so a node that is up and connected stays near that.
    pub fn last_heard(&self, node: NodeId) -> Option<Duration> {
        if node == self.shared.context.node {
            return Some(Duration::ZERO);
        }
        self.shared.peers.detector(node)?.silent_for(&self.shared.context)
    }

    /// How a node seems to be; `None`: it is no peer.
    pub fn health(&self, node: NodeId) -> Option<Health> {
        Some(self.shared.peers.detector(node)?.health())
    }

    /// The same of every peer, by id.
    pub fn healths(&self) -> Vec<(NodeId, Health)> {
        self.shared.peers.health()
    }

    /// Changes whenever the state of a peer does.
    pub fn watch_health(&self) -> watch::Receiver<u64> {
        self.shared.context.watch_health()
    }

    /// Counters, and the state of every lane.
    pub fn stats(&self) -> TransportStats {
        self.shared.stats()
    }

    /// Closes listener and connections and waits until every task of this transport has ended. Calls on their
    /// way fail, answers not yet written are dropped, and nothing can be called afterwards.
    pub async fn shutdown(&self) {
        self.shared.shutdown().await;
    }
}

fn too_large(body: &Bytes) -> bool {
    body.len() > FRAME_BYTES_MAX - HEADER_BYTES
}

fn check_size(body: &Bytes) -> Result<(), CallError> {
    if too_large(body) {
        return Err(CallError::NotSent(format!("{} bytes are too large for a frame", body.len())));
    }
    Ok(())
}
