//! One client of a workload: chooses an operation, carries it out, remembers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{Shared, Workload, name, operate};
use crate::client::Client;
use crate::history::{Consistency, Expect, Input, Operation, Outcome, Output};

/// Longest pause of a client after an operation that failed: keeps a node that refuses from being flooded.
const BACK_OFF_MS_MAX: u64 = 20;
/// Spreads one seed over the clients.
const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// One client.
pub(super) struct Actor {
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
    /// Client number `id`.
    pub(super) fn new(id: u64, workload: &Workload, shared: &Arc<Shared>) -> Self {
        Self {
            id,
            process: id,
            random: StdRng::seed_from_u64(workload.seed ^ id.wrapping_mul(SEED_STEP)),
            client: Client::default(),
            written: 0,
            last_seen: None,
            workload: workload.clone(),
            shared: shared.clone(),
        }
    }

    /// Acts until told to stop: what it did.
    pub(super) async fn run(mut self) -> Vec<Operation> {
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
            _ => self.workload.first_key + self.random.random_range(0..self.workload.keys),
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
        if self.id < self.workload.pinned {
            return endpoints[self.id as usize % endpoints.len()];
        }
        endpoints[self.random.random_range(0..endpoints.len())]
    }

    async fn back_off(&mut self) {
        let pause = self.random.random_range(1..=BACK_OFF_MS_MAX);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
