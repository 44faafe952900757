//! The state behind every clone of a transport.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use raft_store::NodeId;
use tokio::sync::oneshot;

use super::answer::{Answer, Outbox};
use super::context::Context;
use super::net::Listener;
use super::peers::Peers;
use super::tuning::Tuning;
use super::{CallError, From, Handler, Service, TransportConfig, TransportStats, detector, inbound};

/// Everything of one transport.
pub(super) struct Shared {
    pub(super) context: Arc<Context>,
    pub(super) local_addr: SocketAddr,
    pub(super) peers: Peers,
    /// Accepted connections by number, with whose they are.
    pub(super) inbound: Mutex<BTreeMap<u64, (NodeId, Arc<Outbox>)>>,
    pub(super) last_connection: AtomicU64,
    listener: Mutex<Option<Listener>>,
    handler: Mutex<Option<Arc<dyn Handler>>>,
}

impl Shared {
    /// Binds the listener.
    pub(super) async fn bind(config: TransportConfig, tuning: Tuning) -> io::Result<Self> {
        let taken = |error: io::Error| {
            let text = format!("cannot listen for peers on {}: {error}", config.listen);
            io::Error::new(error.kind(), text)
        };
        let listener = config.net.listen(config.listen).await.map_err(taken)?;
        Ok(Self {
            local_addr: listener.local_addr()?,
            context: Arc::new(Context::new(config.node, config.net, config.pulse, tuning)),
            peers: Peers::default(),
            inbound: Mutex::default(),
            last_connection: AtomicU64::new(0),
            listener: Mutex::new(Some(listener)),
            handler: Mutex::new(None),
        })
    }

    /// Begins to accept.
    pub(super) fn serve(self: &Arc<Self>, handler: Arc<dyn Handler>) {
        let Some(listener) = self.listener.lock().take() else { return };
        *self.handler.lock() = Some(Arc::clone(&handler));
        self.context.spawn(inbound::accept_all(Arc::clone(self), listener, handler));
        self.context.spawn(detector::keep_pulse(Arc::clone(self)));
    }

    /// Sets the cluster id and tells the peers.
    pub(super) fn set_cluster(&self, cluster: u128) {
        if !self.context.set_cluster(cluster) {
            let (ours, asked) = (self.context.cluster(), cluster);
            return tracing::error!(
                "cluster {ours:032x} cannot become {asked:032x}: it is set once, never to 0"
            );
        }
        self.peers.announce_cluster();
    }

    /// Forgets a peer and closes the connections of either direction.
    pub(super) fn remove_peer(&self, node: NodeId) {
        self.peers.remove(node);
        self.inbound.lock().values().filter(|(from, _)| *from == node).for_each(|(_, outbox)| outbox.close());
    }

    /// Notes that something came from a node.
    pub(super) fn heard(&self, node: NodeId) {
        if let Some(detector) = self.peers.detector(node) {
            detector.hear(&self.context);
        }
    }

    /// Hands a call of this node to itself to its handler.
    pub(super) async fn call_self(
        &self,
        service: Service,
        body: Bytes,
        timeout: Duration,
    ) -> Result<Bytes, CallError> {
        let handler = self.handler.lock().clone();
        let handler = handler.ok_or_else(|| CallError::NotSent("this node does not serve".into()))?;
        let (answer, result) = oneshot::channel();
        let member = self.context.cluster() != 0;
        let from = From { node: self.context.node, member, connection: 0 };
        handler.handle(from, service, body, Answer::here(answer));
        match tokio::time::timeout(timeout, result).await {
            Ok(result) => result.unwrap_or_else(|_| Err(CallError::Lost("the call was dropped".into()))),
            Err(_) => Err(CallError::Lost("no answer in time".into())),
        }
    }

    /// Counters and states.
    pub(super) fn stats(&self) -> TransportStats {
        let counters = &self.context.counters;
        TransportStats {
            frames_in: counters.frames_in.get(),
            frames_out: counters.frames_out.get(),
            bytes_in: counters.bytes_in.get(),
            bytes_out: counters.bytes_out.get(),
            writes: counters.writes.get(),
            connects: counters.connects.get(),
            inbound: self.inbound.lock().len() as u64,
            peers: self.peers.stats(),
        }
    }

    /// Ends everything.
    pub(super) async fn shutdown(&self) {
        self.context.stop();
        self.peers.shut_down();
        // The handler often holds this transport; letting go of it breaks that circle.
        *self.handler.lock() = None;
        *self.listener.lock() = None;
        self.context.ended().await;
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transport(node {} at {})", self.context.node, self.local_addr)
    }
}
