//! Concurrent clients that write a history until told to stop.
//!
//! What they do is a mix of kinds ([`Kind`]), each a script of its own. Every choice comes from one seed, which is
//! printed when the history is wrong; the interleaving is the machine's. Values are unique: client, then a counter.

mod actor;
mod crew;
mod draw;
mod kind;
mod last;
mod protocol;
mod script;
mod shared;
#[cfg(test)]
mod stub;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::task::JoinSet;

pub use self::kind::{Kind, Mix, MixError};
pub use self::protocol::Protocol;
use self::shared::Shared;
use crate::cluster::Cluster;
use crate::history::{self, Operation};
use crate::{checker, wait};

/// What clients do.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Number of clients.
    pub clients: u64,
    /// How many of them ask one node only, each its own: they go on while others wait for a node that is cut off.
    pub pinned: u64,
    /// What they do, and how often each of it.
    pub mix: Mix,
    /// What they speak.
    pub protocol: Protocol,
    /// Operations, or batches of them, that arrive in a second, whether or not earlier ones were answered. `None`:
    /// each client goes on when it was answered.
    pub rate: Option<f64>,
    /// Number of keys that registers share.
    pub keys: u64,
    /// Number of the first of them. Workloads one after the other that differ in it share no key of any kind.
    pub first_key: u64,
    /// Bytes each value is filled up to.
    pub value_bytes: usize,
    /// Where every choice comes from.
    pub seed: u64,
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            clients: 16,
            pinned: 0,
            mix: Mix::default(),
            protocol: Protocol::default(),
            rate: None,
            keys: 24,
            first_key: 0,
            value_bytes: 16,
            seed: crate::seed::chosen(),
        }
    }
}

/// A workload under way.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    crew: JoinSet<anyhow::Result<Vec<Operation>>>,
    seed: u64,
    first_key: u64,
}

impl Workload {
    /// Starts the clients against these nodes.
    pub fn start(self, endpoints: Vec<(u64, SocketAddr)>) -> Running {
        let shared = Arc::new(Shared::new(self.clients, self.protocol, endpoints));
        let (seed, first_key) = (self.seed, self.first_key);
        let mut crew = JoinSet::new();
        crew.spawn(crew::run(self, shared.clone()));
        Running { shared, crew, seed, first_key }
    }
}

impl Running {
    /// Waits until `count` more writes have been acknowledged.
    pub async fn acknowledges(&self, count: u64, within: Duration) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let goal = self.shared.acknowledged.load(Ordering::Relaxed) + count;
        wait::until(&format!("{count} more writes acknowledged"), within, async || {
            (self.shared.acknowledged.load(Ordering::Relaxed) >= goal).then_some(())
        })
        .await?;
        Ok(began.elapsed())
    }

    /// Has the clients use these nodes from now on; while there are none, they wait.
    pub fn use_nodes(&self, endpoints: Vec<(u64, SocketAddr)>) {
        self.shared.endpoints.send_replace(endpoints);
    }

    /// What the clients speak.
    pub fn protocol(&self) -> Protocol {
        self.shared.protocol
    }

    /// What the times of the history count from.
    pub fn epoch(&self) -> Instant {
        self.shared.epoch
    }

    /// Stops the clients, reads every key once more at every running node, and judges the whole history. It is
    /// kept in the cluster's folder.
    pub async fn judge(self, cluster: &Cluster, keys: u64) -> anyhow::Result<Vec<Operation>> {
        let seed = self.seed;
        let nodes = cluster.speaking(self.shared.protocol);
        let history = self.finish(&nodes, keys).await?;
        let file = cluster.folder().join("history.jsonl");
        history::write(&file, &history)?;
        let judging = tokio::task::spawn_blocking(move || (checker::check(&history), history));
        let (verdict, history) = judging.await?;
        ensure!(verdict.is_ok(), "seed {seed}, history {}: {verdict}", file.display());
        Ok(history)
    }

    /// Stops the clients and reads every key once more at these nodes, the `keys` registers even if no client used
    /// them: the whole history, by time.
    pub async fn finish(mut self, nodes: &[(u64, SocketAddr)], keys: u64) -> anyhow::Result<Vec<Operation>> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut history = self.crew.join_next().await.context("the clients ended before")???;
        let registers = (self.first_key..self.first_key + keys).map(name);
        let used: BTreeSet<String> = registers.chain(history.iter().map(|op| op.key.clone())).collect();
        for node in nodes {
            history.extend(last::read_all(&self.shared, *node, &used).await?);
        }
        history.sort_by_key(|op| op.call_ns);
        Ok(history)
    }
}

/// The name of a register's key.
pub fn name(key: u64) -> String {
    format!("{}-{key}", Kind::Register.prefix())
}
