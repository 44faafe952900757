//! Clients that only read, each from one node, and wait for no answer long: what a node that is cut off still says
//! would go unheard if every client hung on a write to it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::plan::SEED_STEP;
use crate::client::Client;
use crate::history::{Consistency, Input, Operation, Outcome};
use crate::workload;

/// Readers of each node.
const READERS: u64 = 2;
/// How long an answer is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(400);
/// Between two reads of one reader.
const PAUSE: Duration = Duration::from_millis(8);
/// Numbers of clients from here on are readers'.
const FIRST_CLIENT: u64 = 1_000_000;

/// Readers at work until told to stop, or dropped.
#[derive(Debug)]
pub(super) struct Readers {
    stop: tokio::sync::watch::Sender<bool>,
    tasks: JoinSet<Vec<Operation>>,
}

impl Readers {
    /// Starts readers of keys `0..keys` at these nodes; times count from `epoch`.
    pub(super) fn start(nodes: &[(u64, SocketAddr)], keys: u64, seed: u64, epoch: Instant) -> Self {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let mut tasks = JoinSet::new();
        for &(node, address) in nodes {
            for number in 0..READERS {
                let client = FIRST_CLIENT + node * READERS + number;
                let random = StdRng::seed_from_u64(seed ^ client.wrapping_mul(SEED_STEP));
                let reader = Reader { client, node, address, keys, random, epoch, http: Client::default() };
                tasks.spawn(reader.run(stopped.clone()));
            }
        }
        Self { stop, tasks }
    }

    /// Stops them: what they read.
    pub(super) async fn finish(mut self) -> anyhow::Result<Vec<Operation>> {
        self.stop.send_replace(true);
        let mut all = Vec::new();
        while let Some(read) = self.tasks.join_next().await {
            all.extend(read?);
        }
        Ok(all)
    }
}

struct Reader {
    client: u64,
    node: u64,
    address: SocketAddr,
    keys: u64,
    random: StdRng,
    epoch: Instant,
    http: Client,
}

impl Reader {
    async fn run(mut self, stopped: tokio::sync::watch::Receiver<bool>) -> Vec<Operation> {
        let mut history = Vec::new();
        while !*stopped.borrow() {
            // What is not answered has no effect and says nothing.
            history.extend(self.read().await);
            sleep(PAUSE).await;
        }
        history
    }

    async fn read(&mut self) -> Option<Operation> {
        let key = workload::name(self.random.random_range(0..self.keys));
        let how = if self.random.random() { Consistency::Lease } else { Consistency::Linearizable };
        let input = Input::Get(how);
        let call_ns = self.epoch.elapsed().as_nanos() as u64;
        let judged = timeout(ANSWER_TIMEOUT, self.http.operate(self.address, &key, &input)).await.ok()?;
        let return_ns = self.epoch.elapsed().as_nanos() as u64;
        (judged.outcome == Outcome::Ok).then_some(Operation {
            client: self.client,
            process: self.client,
            node: self.node,
            key,
            call_ns,
            return_ns,
            input,
            output: judged.output,
            outcome: judged.outcome,
            time_ms: judged.time_ms,
            age_ms: judged.age_ms,
            expires: judged.expires,
            connection: self.http.connections(self.address),
            error: judged.error,
        })
    }
}
