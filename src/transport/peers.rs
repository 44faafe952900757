//! The peers this node knows, each with its two lanes.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use raft_store::NodeId;

use super::context::Context;
use super::detector::Detector;
use super::health::Health;
use super::link::Link;
use super::stats::PeerStats;
use super::{CallError, Lane};

#[derive(Debug)]
struct Peer {
    addr: String,
    detector: Arc<Detector>,
    control: Arc<Link>,
    bulk: Arc<Link>,
}

impl Peer {
    fn new(context: &Arc<Context>, detector: Arc<Detector>, node: NodeId, addr: &str) -> Self {
        let link = |lane| Arc::new(Link::new(Arc::clone(context), Arc::clone(&detector), node, addr, lane));
        Self { addr: addr.to_owned(), control: link(Lane::Control), bulk: link(Lane::Bulk), detector }
    }

    fn links(&self) -> [&Arc<Link>; 2] {
        [&self.control, &self.bulk]
    }

    fn close(&self, reason: &str) {
        self.links().into_iter().for_each(|link| link.close(reason));
    }
}

/// All peers by id.
#[derive(Debug, Default)]
pub(super) struct Peers(RwLock<BTreeMap<NodeId, Peer>>);

impl Peers {
    /// Adds a peer, or moves it to another address.
    pub(super) fn set(&self, context: &Arc<Context>, node: NodeId, addr: &str) {
        let mut peers = self.0.write();
        let old = peers.get(&node);
        if context.is_stopped() || old.is_some_and(|peer| peer.addr == addr) {
            return;
        }
        let detector = old.map_or_else(|| Arc::new(Detector::new()), |peer| Arc::clone(&peer.detector));
        if let Some(old) = peers.insert(node, Peer::new(context, detector, node, addr)) {
            old.close("the peer moved to another address");
        }
    }

    /// Forgets a peer.
    pub(super) fn remove(&self, node: NodeId) {
        if let Some(peer) = self.0.write().remove(&node) {
            peer.close("the peer was removed");
        }
    }

    /// Forgets all peers.
    pub(super) fn shut_down(&self) {
        std::mem::take(&mut *self.0.write())
            .into_values()
            .for_each(|peer| peer.close("this node shuts down"));
    }

    /// A peer's lane.
    pub(super) fn link(&self, node: NodeId, lane: Lane) -> Result<Arc<Link>, CallError> {
        let peers = self.0.read();
        let peer = peers.get(&node);
        let peer = peer.ok_or_else(|| CallError::NotSent(format!("no address is known for node {node}")))?;
        Ok(Arc::clone(match lane {
            Lane::Control => &peer.control,
            Lane::Bulk => &peer.bulk,
        }))
    }

    /// What is known of a peer.
    pub(super) fn detector(&self, node: NodeId) -> Option<Arc<Detector>> {
        self.0.read().get(&node).map(|peer| Arc::clone(&peer.detector))
    }

    /// How every peer seems to be.
    pub(super) fn health(&self) -> Vec<(NodeId, Health)> {
        self.0.read().iter().map(|(&node, peer)| (node, peer.detector.health())).collect()
    }

    /// Beats to every peer, and counts who has been silent since the last time.
    pub(super) fn pulse(&self, context: &Context) {
        for peer in self.0.read().values() {
            let dial = peer.detector.pulse(context);
            peer.control.pulse(dial);
        }
    }

    /// Tells every connected peer this node's cluster.
    pub(super) fn announce_cluster(&self) {
        self.0.read().values().flat_map(Peer::links).for_each(|link| link.announce_cluster());
    }

    /// Every lane as it is now, by node.
    pub(super) fn stats(&self) -> Vec<PeerStats> {
        let mut stats: Vec<_> =
            self.0.read().values().flat_map(Peer::links).map(|link| link.stats()).collect();
        stats.sort_by_key(|peer| (peer.node, peer.lane as u8));
        stats
    }
}
