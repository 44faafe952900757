//! Concurrent clients that write a history until told to stop.
//!
//! Every choice comes from one seed, which is printed when the history is wrong; the interleaving is the
//! machine's. Values are unique: client, then a counter.

mod actor;
#[cfg(test)]
mod stub;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::actor::Actor;
use crate::client::{Client, Judged, OPERATION_TIMEOUT};
use crate::cluster::Cluster;
use crate::history::{self, Consistency, Input, Operation, Outcome};
use crate::{checker, wait};

/// What clients do.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Number of clients.
    pub clients: u64,
    /// How many of them ask one node only, each its own: they go on while others wait for a node that is cut off.
    pub pinned: u64,
    /// Number of keys they share.
    pub keys: u64,
    /// Number of the first of them, so that workloads one after the other need not share keys.
    pub first_key: u64,
    /// Whether deletes and compare-and-sets are in the mix, beside sets and reads.
    pub mixed: bool,
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
            keys: 24,
            first_key: 0,
            mixed: true,
            value_bytes: 16,
            seed: rand::random(),
        }
    }
}

/// A workload under way.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    clients: JoinSet<Vec<Operation>>,
    seed: u64,
    first_key: u64,
}

#[derive(Debug)]
struct Shared {
    epoch: Instant,
    stop: AtomicBool,
    processes: AtomicU64,
    acknowledged: AtomicU64,
    endpoints: watch::Sender<Vec<(u64, SocketAddr)>>,
}

impl Workload {
    /// Starts the clients against these nodes.
    pub fn start(self, endpoints: Vec<(u64, SocketAddr)>) -> Running {
        let shared = Arc::new(Shared {
            epoch: Instant::now(),
            stop: AtomicBool::new(false),
            processes: AtomicU64::new(self.clients),
            acknowledged: AtomicU64::new(0),
            endpoints: watch::Sender::new(endpoints),
        });
        let mut clients = JoinSet::new();
        for id in 0..self.clients {
            clients.spawn(Actor::new(id, &self, &shared).run());
        }
        Running { shared, clients, seed: self.seed, first_key: self.first_key }
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

    /// What the times of the history count from.
    pub fn epoch(&self) -> Instant {
        self.shared.epoch
    }

    /// Has the clients use these nodes from now on.
    pub fn use_nodes(&self, endpoints: Vec<(u64, SocketAddr)>) {
        self.shared.endpoints.send_replace(endpoints);
    }

    /// Stops the clients, reads every key once more at every running node, and judges the whole history. It is
    /// kept in the cluster's folder.
    pub async fn judge(self, cluster: &Cluster, keys: u64) -> anyhow::Result<Vec<Operation>> {
        let seed = self.seed;
        let history = self.finish(&cluster.endpoints(), keys).await?;
        let file = cluster.folder().join("history.jsonl");
        history::write(&file, &history)?;
        let judging = tokio::task::spawn_blocking(move || (checker::check(&history), history));
        let (verdict, history) = judging.await?;
        ensure!(verdict.is_ok(), "seed {seed}, history {}: {verdict}", file.display());
        Ok(history)
    }

    /// Stops the clients and reads every key once more at these nodes: the whole history, by time.
    pub async fn finish(mut self, nodes: &[(u64, SocketAddr)], keys: u64) -> anyhow::Result<Vec<Operation>> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut history = Vec::new();
        while let Some(operations) = self.clients.join_next().await {
            history.extend(operations.context("a client panicked")?);
        }
        for key in self.first_key..self.first_key + keys {
            for node in nodes {
                history.push(self.final_read(*node, &name(key)).await?);
            }
        }
        history.sort_by_key(|op| op.call_ns);
        Ok(history)
    }

    /// A read that must be answered by now.
    async fn final_read(&self, node: (u64, SocketAddr), key: &str) -> anyhow::Result<Operation> {
        let process = self.shared.processes.fetch_add(1, Ordering::Relaxed);
        let mut client = Client::default();
        let read = wait::until("a last read is answered", OPERATION_TIMEOUT * 3, async || {
            let input = Input::Get(Consistency::Linearizable);
            let read = operate(&self.shared, &mut client, node, (process, process), key, input).await;
            (read.outcome == Outcome::Ok).then_some(read)
        });
        read.await.with_context(|| format!("key {key} at node {}", node.0))
    }
}

/// The name of a workload's key.
pub fn name(key: u64) -> String {
    format!("key-{key}")
}

/// Carries one operation out and records it.
async fn operate(
    shared: &Shared,
    client: &mut Client,
    (node, address): (u64, SocketAddr),
    (id, process): (u64, u64),
    key: &str,
    input: Input,
) -> Operation {
    let call_ns = shared.now_ns();
    let Judged { outcome, output, time_ms, error, .. } = client.operate(address, key, &input).await;
    let return_ns = shared.now_ns();
    Operation {
        client: id,
        process,
        node,
        key: key.to_owned(),
        call_ns,
        return_ns,
        input,
        output,
        outcome,
        time_ms,
        error,
    }
}

impl Shared {
    fn now_ns(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }
}
