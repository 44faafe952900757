//! One client of a workload: chooses an operation, carries it out, remembers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Workload;
use rand::seq::IndexedRandom;

use super::draw::Draw;
use super::kind::Mix;
use super::script::{self, Script, Step};
use super::shared::{Caller, Node, Shared};
use crate::history::{Input, Operation, Outcome};

/// Longest pause of a client after an operation that failed: keeps a node that refuses from being flooded.
const BACK_OFF_MS_MAX: u64 = 20;

/// One client.
pub(super) struct Actor {
    caller: Caller,
    draw: Draw,
    mix: Mix,
    /// One for each kind in the mix, in its order.
    scripts: Vec<Box<dyn Script>>,
    /// Whether it asks one node only.
    pinned: bool,
    /// Whether it acts only when something has arrived to be done.
    on_arrival: bool,
    shared: Arc<Shared>,
    history: Vec<Operation>,
}

impl Actor {
    /// Client number `client`, whose first life is `process`.
    pub(super) fn new(client: u64, process: u64, workload: &Workload, shared: &Arc<Shared>) -> Self {
        Self {
            caller: Caller::new(client, process, shared.protocol),
            draw: Draw::new(client, workload),
            mix: workload.mix.clone(),
            scripts: workload.mix.kinds().map(|kind| script::of(kind, shared)).collect(),
            pinned: client < workload.pinned,
            on_arrival: workload.rate.is_some(),
            shared: shared.clone(),
            history: Vec::new(),
        }
    }

    /// Acts until told to stop: what it did.
    pub(super) async fn run(mut self) -> Vec<Operation> {
        while !self.shared.stopped() {
            if self.on_arrival {
                let Ok(arrival) = self.shared.arrivals.acquire().await else { break };
                arrival.forget();
            }
            self.act().await;
        }
        self.history
    }

    async fn act(&mut self) {
        let Some(node) = self.pick_node() else { return self.back_off().await };
        self.draw.now_ns = self.shared.now_ns();
        let place = self.mix.draw(&mut self.draw.random);
        let step = self.scripts[place].next(&mut self.draw);
        let done = match step {
            Step::One(key, input) => vec![self.caller.one(&self.shared, node, key, input).await],
            Step::Batch(list) => self.caller.batch(&self.shared, node, list).await,
            Step::Wait(pause) => return tokio::time::sleep(pause).await,
        };
        for operation in &done {
            self.scripts[place].learn(operation);
            self.count(operation);
        }
        self.caller.learn(&self.shared, &done);
        let troubled = done.iter().any(|op| op.outcome != Outcome::Ok);
        self.history.extend(done);
        if troubled {
            self.back_off().await;
        }
    }

    fn count(&self, done: &Operation) {
        if done.outcome == Outcome::Ok && !matches!(done.input, Input::Get(_)) {
            self.shared.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A node, of a pinned client always the same while the nodes are; `None`: there is none at the moment.
    fn pick_node(&mut self) -> Option<Node> {
        let endpoints = self.shared.endpoints.borrow();
        if self.pinned {
            let place = self.caller.client.checked_rem(endpoints.len() as u64)?;
            return endpoints.get(place as usize).copied();
        }
        endpoints.choose(&mut self.draw.random).copied()
    }

    async fn back_off(&mut self) {
        let pause = 1 + self.draw.below(BACK_OFF_MS_MAX);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
