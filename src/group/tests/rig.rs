//! Replicas of one group in one process: real logs, real snapshot stores, real connections. Connections can be
//! cut, messages thrown away, and replicas restarted.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use raft_store::command::{Command, Replies};
use raft_store::map::Lookup;
use raft_store::snapshot_store::SnapshotStore;
use raft_store::wal::{SharedLog, WalOptions};
use raft_store::{GroupId, NodeId};
use tempfile::TempDir;
use tokio::time::Instant;

use super::super::{Floor, Group, GroupDeps, Lookups, Pace, clear, held, settings};
use super::gate::Gate;
use super::steps::*;
use crate::transport::{Net, Transport, TransportConfig};

/// The group that owns every slot.
pub(super) const GROUP: GroupId = 0;
/// The voters every test starts with.
pub(super) const VOTERS: [NodeId; 3] = [1, 2, 3];
/// Where nobody listens.
const NOWHERE: &str = "127.0.0.1:1";

/// openraft's settings as a node has them, with this lease in ms.
pub(super) fn with_lease(lease: u64) -> openraft::Config {
    settings(lease / 10, lease / 2, lease)
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
        Self::start(3, with_lease(400)).await
    }

    /// `nodes` nodes, of which the first three are voters and have a leader.
    pub(super) async fn start(nodes: u64, raft: openraft::Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let raft = Arc::new(raft.validate().unwrap());
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

    /// A node's snapshots.
    pub(super) fn snapshots(&self, node: NodeId) -> &SnapshotStore {
        &self.replicas[&node].deps.snapshots
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
        let group = Group::open(GROUP, &replica.deps, None).await.unwrap();
        *replica.gate.group.write() = Some(group);
        opens
    }

    /// Stops a node's replica and gives its space back; where its log ended.
    pub(super) async fn clear(&mut self, node: NodeId) -> Floor {
        let replica = &self.replicas[&node];
        let group = replica.gate.group.write().take().unwrap();
        group.shutdown().await;
        drop(group);
        let floor = held(GROUP, &replica.deps).unwrap().unwrap();
        clear(GROUP, &replica.deps).await.unwrap();
        floor
    }

    /// Opens a replica that was cleared, after a restart of its log.
    pub(super) async fn begin_anew(&mut self, node: NodeId, floor: Option<Floor>) {
        let replica = self.replicas.get_mut(&node).unwrap();
        replica.deps.log.close().unwrap();
        replica.deps.log = reopened(replica.dir.join("log")).await;
        let group = Group::open(GROUP, &replica.deps, floor).await.unwrap();
        *replica.gate.group.write() = Some(group);
    }

    /// A node's log.
    pub(super) fn log(&self, node: NodeId) -> &SharedLog {
        &self.replicas[&node].deps.log
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
        let transport =
            Transport::bind(TransportConfig { node, listen, net: Net::Tcp, pulse: crate::limits::pulse(50) })
                .await
                .unwrap();
        let snapshots = SnapshotStore::open(dir.join("snapshots")).unwrap();
        let log = reopened(dir.join("log")).await;
        let pace = Arc::new(Pace::new(u64::MAX));
        let deps = GroupDeps { node, transport, log, snapshots, raft, pace, appends: Arc::default() };
        let group = Group::open(GROUP, &deps, None).await.unwrap();
        let gate = Arc::new(Gate::new(group));
        deps.transport.serve(gate.clone());
        Self { deps, gate, dir }
    }
}

/// Opens a log, whose lock a replica that was just stopped may hold for a moment yet.
async fn reopened(dir: PathBuf) -> SharedLog {
    let ends = Instant::now() + LONG;
    let options = WalOptions { segment_bytes: 1 << 20, ..WalOptions::default() };
    loop {
        match SharedLog::open(&dir, options) {
            Ok(log) => return log,
            Err(error) => assert!(Instant::now() < ends, "{error}"),
        }
        tokio::time::sleep(POLL).await;
    }
}
