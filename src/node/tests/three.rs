//! Three nodes of one cluster in this process, each with its folder: they can be stopped, changed on disk, and
//! started again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use raft_store::command::{Command, Condition, Content, Delete, Expiry, Set};
use raft_store::{GroupId, NodeId};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::super::{Consistency, Node, Read, WriteOk};
use super::fakes::{anywhere, key, within};
use crate::config::Config;
use crate::error::Result;

/// Longer than anything here takes; reaching it is a failure.
pub(super) const LONG: Duration = Duration::from_secs(30);
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(5);
/// How often a cluster is tried when another process took one of its ports in between.
const ATTEMPTS: usize = 5;

pub(super) struct Three {
    /// Node `i` has id `i + 1`; `None` while it is stopped.
    nodes: Vec<Option<Node>>,
    configs: Vec<Config>,
    _dir: TempDir,
}

impl Three {
    /// Three ready nodes with three data groups.
    pub(super) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With some settings of a test's own.
    pub(super) async fn with(settings: impl Fn(&mut Config)) -> Self {
        for _ in 1..ATTEMPTS {
            if let Ok(three) = Self::try_start(&settings).await {
                return three;
            }
        }
        Self::try_start(&settings).await.unwrap()
    }

    async fn try_start(settings: &impl Fn(&mut Config)) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let peers = free_ports().await?;
        let seeds: Vec<String> = peers.iter().map(SocketAddr::to_string).collect();
        let configs = (1..).zip(peers).map(|(id, peer)| {
            let mut config = Config {
                id,
                data_dir: dir.path().join(id.to_string()),
                peer,
                seeds: seeds.clone(),
                bootstrap_expect: 3,
                log_segment: 1 << 20,
                ..Config::default()
            };
            settings(&mut config);
            config
        });
        let mut three = Self { nodes: Vec::new(), configs: configs.collect(), _dir: dir };
        for config in &three.configs {
            three.nodes.push(Some(Node::start(config.clone(), anywhere()).await?));
        }
        for node in 1..=3 {
            three.ready(node).await;
        }
        Ok(three)
    }

    pub(super) fn at(&self, node: NodeId) -> &Node {
        self.nodes[node as usize - 1].as_ref().expect("the node runs")
    }

    pub(super) fn dir(&self, node: NodeId) -> PathBuf {
        self.configs[node as usize - 1].data_dir.clone()
    }

    pub(super) async fn ready(&self, node: NodeId) {
        until("the node is ready", || self.at(node).ready().ready).await;
    }

    /// Stops a node in good order.
    pub(super) async fn stop(&mut self, node: NodeId) {
        let stopped = self.nodes[node as usize - 1].take().expect("the node runs");
        stopped.shutdown().await;
    }

    /// Starts a stopped node.
    pub(super) async fn start_again(&mut self, node: NodeId) {
        let config = self.configs[node as usize - 1].clone();
        let ends = Instant::now() + LONG;
        // The locks of the node that was stopped go with its last task.
        let started = loop {
            match Node::start(config.clone(), anywhere()).await {
                Ok(node) => break node,
                Err(error) => assert!(Instant::now() < ends, "{error:#}"),
            }
            tokio::time::sleep(POLL).await;
        };
        self.nodes[node as usize - 1] = Some(started);
    }

    /// The running node that leads a group.
    pub(super) async fn leader(&self, group: GroupId) -> NodeId {
        let leading = || {
            let running = self.nodes.iter().flatten();
            running.filter(|node| node.inner.host.get(group).is_some_and(|g| g.leads())).map(Node::id).next()
        };
        until("the group has a leader", || leading().is_some()).await;
        leading().expect("it had one just now")
    }
}

/// Ports that are free now: bound all at once, so that they differ, and let go.
async fn free_ports() -> std::io::Result<Vec<SocketAddr>> {
    let mut bound = Vec::new();
    for _ in 0..3 {
        bound.push(TcpListener::bind(anywhere()).await?);
    }
    bound.iter().map(TcpListener::local_addr).collect()
}

/// Waits until `holds`.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let ends = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < ends, "waited {LONG:?} in vain: {what}");
        tokio::time::sleep(POLL).await;
    }
}

pub(super) fn set(name: &str, value: impl Into<bytes::Bytes>) -> Command {
    Command::Set(Set {
        key: key(name),
        value: value.into(),
        content: Content::Octets,
        expiry: Expiry::Never,
        condition: Condition::None,
    })
}

pub(super) fn delete(name: &str) -> Command {
    Command::Delete(Delete { key: key(name), condition: Condition::None })
}

pub(super) async fn write(node: &Node, command: Command) -> Result<WriteOk> {
    node.write(command, within(Duration::from_secs(5))).await
}

/// What a node answers for a key.
pub(super) async fn read(node: &Node, name: &str, consistency: Consistency) -> Result<Option<bytes::Bytes>> {
    let read = Read { key: key(name), consistency, max_staleness: None };
    let found = node.read(read, within(Duration::from_secs(5))).await?;
    Ok(found.entry.map(|entry| entry.value))
}
