//! A node alone in its cluster, and peers whose answers are a test's own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use raft_store::command::{Append, Command, Condition, Content, Expiry, Set};
use raft_store::key::{DEFAULT_NAMESPACE, Key};
use raft_store::{GroupId, NodeId};
use tempfile::TempDir;
use tokio::time::Instant;

use super::super::{Inner, Node};
use crate::config::Config;
use crate::transport::{Answer, From, Handler, Net, Service, Transport, TransportConfig};

/// A group this node holds no replica of.
pub(super) const ELSEWHERE: GroupId = 77;
/// Where nobody listens.
pub(super) const NOWHERE: &str = "127.0.0.1:1";
/// Longer than anything here takes; reaching it is a failure.
const LONG: Duration = Duration::from_secs(15);

/// A node that is its whole cluster.
pub(super) struct Alone {
    pub(super) node: Node,
    _dir: TempDir,
}

impl Alone {
    pub(super) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With some settings of a test's own.
    pub(super) async fn with(settings: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config {
            id: 1,
            data_dir: dir.path().to_owned(),
            peer: anywhere(),
            bootstrap_expect: 1,
            groups: 3,
            log_segment: 1 << 20,
            ..Config::default()
        };
        settings(&mut config);
        let node = Node::start(config, anywhere()).await.unwrap();
        let alone = Self { node, _dir: dir };
        let ends = Instant::now() + LONG;
        while !alone.node.ready().ready {
            assert!(Instant::now() < ends, "never ready: {:?}", alone.node.ready());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        alone
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.node.inner
    }

    /// Makes a peer known, and the first one the presumed leader of [`ELSEWHERE`].
    pub(super) fn introduce(&self, node: NodeId, addr: &str) {
        self.inner().transport.set_peer(node, addr);
        if self.inner().known_leader(ELSEWHERE).is_none() {
            self.inner().note_leader(ELSEWHERE, Some(node));
        }
    }
}

pub(super) fn anywhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

type Reply = Box<dyn FnMut(usize) -> Option<Bytes> + Send>;

/// A peer that answers the nth call of one service as it is told; `None`: it takes the call and never answers.
pub(super) struct Fake {
    transport: Transport,
    state: Arc<FakeState>,
}

struct FakeState {
    service: Service,
    calls: Mutex<usize>,
    reply: Mutex<Reply>,
}

impl Fake {
    pub(super) async fn start(
        node: NodeId,
        service: Service,
        reply: impl FnMut(usize) -> Option<Bytes> + Send + 'static,
    ) -> Self {
        let transport = Transport::bind(TransportConfig {
            node,
            listen: anywhere(),
            net: Net::Tcp,
            pulse: crate::limits::pulse(50),
        })
        .await
        .unwrap();
        let state =
            Arc::new(FakeState { service, calls: Mutex::default(), reply: Mutex::new(Box::new(reply)) });
        transport.serve(state.clone());
        Self { transport, state }
    }

    pub(super) fn addr(&self) -> String {
        self.transport.local_addr().to_string()
    }

    /// Calls so far.
    pub(super) fn calls(&self) -> usize {
        *self.state.calls.lock()
    }
}

impl Handler for FakeState {
    fn handle(&self, _from: From, service: Service, _body: Bytes, answer: Answer) {
        if service != self.service {
            return;
        }
        let call = {
            let mut calls = self.calls.lock();
            *calls += 1;
            *calls
        };
        if let Some(body) = (self.reply.lock())(call) {
            answer.send(body);
        }
    }
}

pub(super) fn key(name: &str) -> Key {
    Key::new(DEFAULT_NAMESPACE, name.as_bytes()).unwrap()
}

pub(super) fn append(name: &str, suffix: &str) -> Command {
    let suffix = suffix.to_owned().into();
    Command::Append(Append {
        key: key(name),
        suffix,
        content: Content::Octets,
        len_max: 1 << 20,
        condition: Condition::None,
    })
}

pub(super) fn set(name: &str, value: String) -> Command {
    let (content, expiry, condition) = (Content::Octets, Expiry::Never, Condition::None);
    Command::Set(Set { key: key(name), value: value.into(), content, expiry, condition })
}

pub(super) fn within(time: Duration) -> Instant {
    Instant::now() + time
}
