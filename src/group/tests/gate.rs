//! What stands before a replica: hands it the messages of its peers, or throws them away, and remembers them.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use raft_store::NodeId;
use raft_store::codec::Decoder;
use tokio::sync::{oneshot, watch};
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
    /// To whom answers are held back.
    holds: watch::Sender<Option<NodeId>>,
    seen: Mutex<Vec<Seen>>,
}

impl Gate {
    /// Lets everything through.
    pub(super) fn new(group: Arc<Group>) -> Self {
        let refuse: Refuse = Box::new(|_| false);
        let (group, receiver) = (RwLock::new(Some(group)), Mutex::default());
        let holds = watch::Sender::new(None);
        Self { group, receiver, refuse: Mutex::new(refuse), holds, seen: Mutex::default() }
    }

    /// Holds back, from now on, what the replica answers to a leader's appends, which it carries out; or lets it go.
    pub(super) fn hold_answers(&self, to: Option<NodeId>) {
        self.holds.send_replace(to);
    }

    /// The answer in the place of one that is held back.
    fn held(&self, answer: Answer) -> Answer {
        let (reply, replied) = oneshot::channel();
        let mut holds = self.holds.subscribe();
        tokio::spawn(async move {
            if let Ok(Ok(body)) = replied.await
                && holds.wait_for(Option::is_none).await.is_ok()
            {
                answer.send(body);
            }
        });
        Answer::here(reply)
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
        let holds = service == wire::APPEND && *self.holds.borrow() == Some(from.node);
        let answer = if holds { self.held(answer) } else { answer };
        match &*self.receiver.lock() {
            Some(receiver) if (wire::SNAPSHOT_BEGIN..=wire::SNAPSHOT_END).contains(&service) => {
                receiver.handle(service, body, answer).unwrap();
            }
            _ => group.handle(service, body, answer).unwrap(),
        }
    }
}
