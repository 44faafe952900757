//! Concurrent clients that write a history until told to stop.
//!
//! Every choice comes from one seed, which is printed when the history is wrong; the interleaving is the
//! machine's. Values are unique: client, then a counter.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::client::{Client, Judged};
use crate::cluster::Cluster;
use crate::history::{self, Consistency, Expect, Input, Operation, Outcome, Output};
use crate::{checker, wait};

/// Longest pause of a client after an operation that failed: keeps a node that refuses from being flooded.
const BACK_OFF_MS_MAX: u64 = 20;

/// What clients do.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Number of clients.
    pub clients: u64,
    /// Number of keys they share.
    pub keys: u64,
    /// Whether deletes and compare-and-sets are in the mix, beside sets and reads.
    pub mixed: bool,
    /// Bytes each value is filled up to.
    pub value_bytes: usize,
    /// Where every choice comes from.
    pub seed: u64,
}

impl Default for Workload {
    fn default() -> Self {
        Self { clients: 16, keys: 24, mixed: true, value_bytes: 16, seed: rand::random() }
    }
}

/// A workload under way.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    clients: JoinSet<Vec<Operation>>,
    seed: u64,
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
            let actor = Actor {
                id,
                process: id,
                random: StdRng::seed_from_u64(self.seed ^ id.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
                client: Client::default(),
                written: 0,
                last_seen: None,
                workload: self.clone(),
                shared: shared.clone(),
            };
            clients.spawn(actor.run());
        }
        Running { shared, clients, seed: self.seed }
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

    /// Has the clients use these nodes from now on.
    pub fn use_nodes(&self, endpoints: Vec<(u64, SocketAddr)>) {
        self.shared.endpoints.send_replace(endpoints);
    }

    /// Stops the clients, reads every key once more at `endpoints`, and judges the whole history. A wrong one
    /// is kept in the cluster's folder.
    pub async fn judge(mut self, cluster: &Cluster, keys: u64) -> anyhow::Result<Vec<Operation>> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut history = Vec::new();
        while let Some(operations) = self.clients.join_next().await {
            history.extend(operations.context("a client panicked")?);
        }
        for key in 0..keys {
            history.extend(self.final_reads(cluster, &name(key)).await?);
        }
        history.sort_by_key(|op| op.call_ns);
        let file = cluster.folder().join("history.jsonl");
        history::write(&file, &history)?;
        let verdict = tokio::task::spawn_blocking(move || (checker::check(&history), history)).await?;
        ensure!(verdict.0.is_ok(), "seed {}, history {}: {}", self.seed, file.display(), verdict.0);
        Ok(verdict.1)
    }

    /// A read of the key at every running node; each must answer by now.
    async fn final_reads(&self, cluster: &Cluster, key: &str) -> anyhow::Result<Vec<Operation>> {
        let mut reads = Vec::new();
        for (node, address) in cluster.endpoints() {
            let process = self.shared.processes.fetch_add(1, Ordering::Relaxed);
            let (shared, mut client) = (&self.shared, Client::default());
            let read =
                wait::until("a last read is answered", crate::client::OPERATION_TIMEOUT * 3, async || {
                    let input = Input::Get(Consistency::Linearizable);
                    let read =
                        operate(shared, &mut client, (node, address), (process, process), key, input).await;
                    (read.outcome == Outcome::Ok).then_some(read)
                });
            reads.push(read.await.with_context(|| format!("key {key} at node {node}"))?);
        }
        Ok(reads)
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

/// One client.
struct Actor {
    id: u64,
    process: u64,
    random: StdRng,
    client: Client,
    written: u64,
    last_seen: Option<(u64, u64)>,
    workload: Workload,
    shared: Arc<Shared>,
}

impl Actor {
    async fn run(mut self) -> Vec<Operation> {
        let mut history = Vec::new();
        while !self.shared.stop.load(Ordering::Relaxed) {
            let done = self.act().await;
            let is_write = !matches!(done.input, Input::Get(_));
            match done.outcome {
                Outcome::Ok if is_write => {
                    self.shared.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                Outcome::Ok => {}
                Outcome::Unknown | Outcome::Fail => self.back_off().await,
            }
            if done.outcome == Outcome::Unknown {
                self.process = self.shared.processes.fetch_add(1, Ordering::Relaxed);
            }
            history.push(done);
        }
        history
    }

    async fn act(&mut self) -> Operation {
        let key = self.pick_key();
        let input = self.choose(key);
        let node = self.pick_node();
        let who = (self.id, self.process);
        let done = operate(&self.shared, &mut self.client, node, who, &name(key), input).await;
        if let Some(version) = done.output.as_ref().and_then(Output::version) {
            self.last_seen = Some((key, version));
        }
        done
    }

    /// Often the key seen last, so that compare-and-sets have a chance.
    fn pick_key(&mut self) -> u64 {
        match self.last_seen {
            Some((key, _)) if self.random.random_bool(0.25) => key,
            _ => self.random.random_range(0..self.workload.keys),
        }
    }

    /// Writes and reads by halves; of the writes some are conditional or deletes.
    fn choose(&mut self, key: u64) -> Input {
        let die = self.random.random_range(0..100);
        match die {
            0..30 => Input::Get(Consistency::Linearizable),
            30..45 => Input::Get(Consistency::Lease),
            45..50 => Input::Get(Consistency::Local),
            50..58 if self.workload.mixed => Input::Delete,
            58..72 if self.workload.mixed => {
                let expect = match self.last_seen {
                    Some((seen, version)) if seen == key => Expect::Version(version),
                    _ => Expect::Absent,
                };
                Input::Cas { expect, value: self.value() }
            }
            _ => Input::Set { value: self.value(), ttl_ms: None },
        }
    }

    fn value(&mut self) -> String {
        self.written += 1;
        let unique = format!("{}-{}", self.id, self.written);
        format!("{unique:.<width$}", width = self.workload.value_bytes)
    }

    fn pick_node(&mut self) -> (u64, SocketAddr) {
        let endpoints = self.shared.endpoints.borrow();
        endpoints[self.random.random_range(0..endpoints.len())]
    }

    async fn back_off(&mut self) {
        let pause = self.random.random_range(1..=BACK_OFF_MS_MAX);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
