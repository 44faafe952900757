//! Replicas of one group in one process: real logs, real snapshot stores, real connections. Connections can be
//! cut, messages thrown away, replicas restarted, and the apply of a replica held up.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use raft_store::codec::Decoder;
use raft_store::command::{Append, Command, Condition, Content, Expiry, Replies, Set};
use raft_store::key::{DEFAULT_NAMESPACE, Key};
use raft_store::map::Lookup;
use raft_store::snapshot_store::SnapshotStore;
use raft_store::wal::{SharedLog, WalOptions};
use raft_store::{GroupId, NodeId};
use tempfile::TempDir;
use tokio::time::Instant;

use super::super::{Batch, Group, GroupDeps, Lookups, ProposeError, ReadIndexError};
use crate::transport::{Answer, From, Handler, Service, Transport, TransportConfig};

/// The group that owns every slot.
pub(super) const GROUP: GroupId = 0;
/// The voters every test starts with.
pub(super) const VOTERS: [NodeId; 3] = [1, 2, 3];
/// Longer than anything here takes; reaching it is a failure.
pub(super) const LONG: Duration = Duration::from_secs(15);
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(2);
/// Where nobody listens.
const NOWHERE: &str = "127.0.0.1:1";

/// openraft's settings as a node sets them, with `lease` (ms) as the longest election timeout.
pub(super) fn settings(lease: u64) -> openraft::Config {
    openraft::Config {
        heartbeat_interval: lease / 10,
        election_timeout_min: lease / 2,
        election_timeout_max: lease,
        enable_leader_restore: Some(false),
        enable_pre_vote: Some(true),
        snapshot_policy: openraft::SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: u64::MAX,
        replication_lag_threshold: u64::MAX,
        purge_batch_size: 1,
        ..openraft::Config::default()
    }
}

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
    group: RwLock<Option<Arc<Group>>>,
    refuse: Mutex<Refuse>,
    seen: Mutex<Vec<Seen>>,
}

impl Gate {
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
        group.handle(service, body, answer).unwrap();
    }
}

struct Replica {
    deps: GroupDeps,
    gate: Arc<Gate>,
    dir: PathBuf,
}

/// Some nodes that all know each other.
pub(super) struct Rig {
    replicas: BTreeMap<NodeId, Replica>,
    _dir: TempDir,
}

impl Rig {
    /// Three voters that have a leader, and a lease of 400 ms.
    pub(super) async fn three() -> Self {
        Self::start(3, settings(400)).await
    }

    /// `nodes` nodes, of which the first three are voters and have a leader.
    pub(super) async fn start(nodes: u64, settings: openraft::Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let raft = Arc::new(settings.validate().unwrap());
        let mut replicas = BTreeMap::new();
        for node in 1..=nodes {
            let folder = dir.path().join(node.to_string());
            replicas.insert(node, Replica::start(node, folder, raft.clone()).await);
        }
        let rig = Self { replicas, _dir: dir };
        rig.heal();
        rig.at(1).initialize(&VOTERS.into()).await.unwrap();
        rig.leader().await;
        rig
    }

    /// A node's replica.
    pub(super) fn at(&self, node: NodeId) -> Arc<Group> {
        self.gate(node).group.read().clone().unwrap()
    }

    /// What stands before a node's replica.
    pub(super) fn gate(&self, node: NodeId) -> &Gate {
        &self.replicas[&node].gate
    }

    /// A node's connections.
    pub(super) fn transport(&self, node: NodeId) -> &Transport {
        &self.replicas[&node].deps.transport
    }

    /// How long a leader's lease is.
    pub(super) fn lease(&self) -> Duration {
        self.replicas[&1].deps.lease()
    }

    /// All nodes but these.
    pub(super) fn others(&self, but: &[NodeId]) -> Vec<NodeId> {
        self.replicas.keys().copied().filter(|node| !but.contains(node)).collect()
    }

    /// Closes the connections of two nodes, in both directions, until [`Self::heal`].
    pub(super) fn cut(&self, one: NodeId, other: NodeId) {
        self.transport(one).set_peer(other, NOWHERE);
        self.transport(other).set_peer(one, NOWHERE);
    }

    /// Cuts a node off from all others.
    pub(super) fn isolate(&self, node: NodeId) {
        self.others(&[node]).into_iter().for_each(|other| self.cut(node, other));
    }

    /// Lets every node speak with every other.
    pub(super) fn heal(&self) {
        for &node in self.replicas.keys() {
            for other in self.others(&[node]) {
                self.introduce(node, other);
            }
        }
    }

    /// Lets two nodes speak again.
    pub(super) fn join(&self, one: NodeId, other: NodeId) {
        self.introduce(one, other);
        self.introduce(other, one);
    }

    fn introduce(&self, one: NodeId, to: NodeId) {
        self.transport(one).set_peer(to, &self.transport(to).local_addr().to_string());
    }

    /// Waits until one of all nodes leads.
    pub(super) async fn leader(&self) -> NodeId {
        self.leader_of(&self.others(&[])).await
    }

    /// Waits until one of `nodes` leads.
    pub(super) async fn leader_of(&self, nodes: &[NodeId]) -> NodeId {
        let leading = || nodes.iter().copied().find(|&node| self.at(node).leads());
        until("one of them leads", || leading().is_some()).await;
        leading().unwrap_or(nodes[0])
    }

    /// Stops a node's replica and its log, and opens both again from disk; when it began to open them.
    pub(super) async fn restart(&mut self, node: NodeId) -> Instant {
        let replica = self.replicas.get_mut(&node).unwrap();
        let group = replica.gate.group.write().take().unwrap();
        group.shutdown().await;
        drop(group);
        replica.deps.log.close().unwrap();
        replica.deps.log = reopened(replica.dir.join("log")).await;
        let opens = Instant::now();
        let group = Group::open(GROUP, &replica.deps).await.unwrap();
        *replica.gate.group.write() = Some(group);
        opens
    }

    /// Writes through whichever of `nodes` leads, again until it is done: for commands that may be done twice.
    pub(super) async fn write(&self, nodes: &[NodeId], command: Command) -> Replies {
        let ends = Instant::now() + LONG;
        loop {
            let leader = self.leader_of(nodes).await;
            let group = self.at(leader);
            let proposed = tokio::time::timeout(self.lease() * 2, propose(&group, command.clone()));
            match proposed.await {
                Ok(Ok(replies)) => return replies,
                error => assert!(Instant::now() < ends, "never written: {error:?}"),
            }
        }
    }

    /// Reads through whichever of `nodes` leads, again until there is an answer.
    pub(super) async fn read(&self, nodes: &[NodeId], name: &str) -> Lookups {
        let ends = Instant::now() + LONG;
        loop {
            let leader = self.leader_of(nodes).await;
            match read(&self.at(leader), name, false).await {
                Ok(lookups) => return lookups,
                error => assert!(Instant::now() < ends, "never read: {error:?}"),
            }
        }
    }

    /// Waits until all `nodes` have applied everything one of them has.
    pub(super) async fn converged(&self, nodes: &[NodeId]) {
        let index = |node: &NodeId| self.at(*node).leadership.progress.index();
        let newest = nodes.iter().map(index).max().flatten();
        until("all have applied everything", || nodes.iter().all(|node| index(node) >= newest)).await;
    }

    /// Nodes in whose log or map a key stands.
    pub(super) fn held_by(&self, name: &str) -> Vec<NodeId> {
        self.others(&[])
            .into_iter()
            .filter(|&node| self.logged(node, name) || self.mapped(node, name))
            .collect()
    }

    /// Fails if a key stands in any log or map.
    pub(super) fn assert_nowhere(&self, name: &str) {
        let held_by = self.held_by(name);
        assert!(held_by.is_empty(), "{name} was said not to be applied, and nodes {held_by:?} have it");
    }

    fn logged(&self, node: NodeId, name: &str) -> bool {
        let key = key(name);
        let entries = self.replicas[&node].deps.log.read(GROUP, 0, u64::MAX, u64::MAX).unwrap();
        entries.iter().any(|entry| entry.payload.windows(key.as_bytes().len()).any(|w| w == key.as_bytes()))
    }

    fn mapped(&self, node: NodeId, name: &str) -> bool {
        self.at(node).look_up(&[key(name)]).found != [Lookup::Miss]
    }
}

impl Replica {
    async fn start(node: NodeId, dir: PathBuf, raft: Arc<openraft::Config>) -> Self {
        let listen = (Ipv4Addr::LOCALHOST, 0).into();
        let transport = Transport::bind(TransportConfig { node, listen }).await.unwrap();
        let snapshots = SnapshotStore::open(dir.join("snapshots")).unwrap();
        let log = reopened(dir.join("log")).await;
        let deps = GroupDeps { node, transport, log, snapshots, raft };
        let group = Group::open(GROUP, &deps).await.unwrap();
        let gate = Arc::new(Gate {
            group: RwLock::new(Some(group)),
            refuse: Mutex::new(Box::new(|_| false)),
            seen: Mutex::default(),
        });
        deps.transport.serve(gate.clone());
        Self { deps, gate, dir }
    }
}

/// Opens a log, whose lock a replica that was just stopped may hold for a moment yet.
async fn reopened(dir: PathBuf) -> SharedLog {
    let ends = Instant::now() + LONG;
    let options = WalOptions { segment_bytes: 1 << 20, ..WalOptions::default() };
    loop {
        match SharedLog::open(Path::new(&dir), options) {
            Ok(log) => return log,
            Err(error) => assert!(Instant::now() < ends, "{error}"),
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Waits for a condition.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let ends = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < ends, "it never came to this: {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// Waits for what must come.
pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, what).await.expect("it takes too long")
}

/// Lets time pass that is itself what a test is about.
pub(super) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Proposes one command at a replica.
pub(super) async fn propose(group: &Group, command: Command) -> Result<Replies, ProposeError> {
    group.propose(Batch::new(&[command])).await
}

/// Reads one key at a replica.
pub(super) async fn read(group: &Group, name: &str, lease: bool) -> Result<Lookups, ReadIndexError> {
    soon(group.read(&[key(name)], lease)).await
}

pub(super) fn key(name: &str) -> Key {
    Key::new(DEFAULT_NAMESPACE, name.as_bytes()).unwrap()
}

pub(super) fn set(name: &str, value: impl ToString) -> Command {
    set_for(name, value, Expiry::Never)
}

pub(super) fn set_for(name: &str, value: impl ToString, expiry: Expiry) -> Command {
    let value = value.to_string().into();
    let (content, condition) = (Content::Octets, Condition::None);
    Command::Set(Set { key: key(name), value, content, expiry, condition })
}

pub(super) fn append(name: &str, value: &str) -> Command {
    let suffix = value.to_owned().into();
    Command::Append(Append { key: key(name), suffix, content: Content::Octets, condition: Condition::None })
}

/// The value of the one key looked up.
pub(super) fn value(lookups: &Lookups) -> Option<String> {
    match &lookups.found[..] {
        [Lookup::Hit(entry)] => Some(String::from_utf8(entry.value.to_vec()).unwrap()),
        [Lookup::Miss] => None,
        other => panic!("one key was looked up, and this came: {other:?}"),
    }
}

/// Holds up the apply of a replica while it lives: its map can be read, but not written.
pub(super) struct Paused {
    resume: Option<mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Paused {
    pub(super) fn at(group: &Group) -> Self {
        let map = group.map().clone();
        let (resume, resumed) = mpsc::channel::<()>();
        let (holding, holds) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            // Lets readers pass and writers not.
            let _held = map.upgradable_read();
            let _ = holding.send(());
            let _ = resumed.recv();
        });
        holds.recv().unwrap();
        Self { resume: Some(resume), thread: Some(thread) }
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        drop(self.resume.take());
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

/// Waits until a replica knows that an entry behind those it has applied is committed.
pub(super) async fn committed_unapplied(group: &Group) {
    let applied = || group.leadership.progress.index();
    until("an entry is committed and not applied", || {
        group.metrics().local_committed.map(|id| id.index) > applied()
    })
    .await;
}
