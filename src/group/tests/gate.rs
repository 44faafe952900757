//! What stands before a replica: hands it the messages of its peers, or throws them away, and remembers them.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use raft_store::NodeId;
use raft_store::codec::Decoder;
use tokio::time::Instant;

use super::super::Group;
use super::super::snapshot_receive::SnapshotReceiver;
use super::super::wire;
use super::rig::GROUP;
use crate::transport::{Answer, From, Handler, Service};

/// One message that reached a node, as its handler saw it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) from: NodeId,
    pub(super) service: Service,
}

type Refuse = Box<dyn FnMut(&Seen) -> bool + Send>;

/// Hands messages to the replica, but for those a test throws away. As in `node::services`, a message without a
/// replica to take it is left unanswered.
pub(super) struct Gate {
    /// The replica; none while it restarts.
    pub(super) group: RwLock<Option<Arc<Group>>>,
    /// Takes the snapshots in the place of the replica's own, if a test put one here.
    pub(super) receiver: Mutex<Option<SnapshotReceiver>>,
    refuse: Mutex<Refuse>,
    seen: Mutex<Vec<Seen>>,
}

impl Gate {
    /// Lets everything through.
    pub(super) fn new(group: Arc<Group>) -> Self {
        let refuse: Refuse = Box::new(|_| false);
        let (group, receiver) = (RwLock::new(Some(group)), Mutex::default());
        Self { group, receiver, refuse: Mutex::new(refuse), seen: Mutex::default() }
    }

    /// Throws away what `refuse` says, from now on.
    pub(super) fn refuse(&self, refuse: impl FnMut(&Seen) -> bool + Send + 'static) {
        *self.refuse.lock() = Box::new(refuse);
    }

    /// Messages seen of one service.
    pub(super) fn seen(&self, service: Service) -> Vec<Seen> {
        self.seen.lock().iter().filter(|seen| seen.service == service).copied().collect()
    }
}

impl Handler for Gate {
    fn handle(&self, from: From, service: Service, body: Bytes, answer: Answer) {
        let seen = Seen { at: Instant::now(), from: from.node, service };
        self.seen.lock().push(seen);
        let refused = (self.refuse.lock())(&seen);
        let group = self.group.read().clone().filter(|_| !refused);
        let Some(group) = group else { return };
        let mut input = Decoder::new(body);
        assert_eq!(input.u32().unwrap(), GROUP);
        let body = input.take(input.remaining()).unwrap();
        match &*self.receiver.lock() {
            Some(receiver) if (wire::SNAPSHOT_BEGIN..=wire::SNAPSHOT_END).contains(&service) => {
                receiver.handle(service, body, answer).unwrap();
            }
            _ => group.handle(service, body, answer).unwrap(),
        }
    }
}
