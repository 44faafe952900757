//! What the clients of one run share, and how an operation is carried out and written down.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::{Semaphore, watch};

use super::protocol::{Protocol, Speaker};
use super::value;
use crate::client::Judged;
use crate::history::{Input, Operation, Outcome, Output};

/// A node: its id and the address clients speak to it at.
pub(super) type Node = (u64, SocketAddr);

/// What the clients of one run share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) epoch: Instant,
    pub(super) stop: AtomicBool,
    pub(super) processes: AtomicU64,
    pub(super) acknowledged: AtomicU64,
    /// Elements of the set, added or being added.
    pub(super) elements: AtomicU64,
    /// What there is to do at the moment, when it comes at a rate.
    pub(super) arrivals: Semaphore,
    pub(super) endpoints: watch::Sender<Vec<Node>>,
    /// What clients speak.
    pub(super) protocol: Protocol,
}

impl Shared {
    /// Of a run of so many clients against these nodes.
    pub(super) fn new(clients: u64, protocol: Protocol, endpoints: Vec<Node>) -> Self {
        Self {
            epoch: Instant::now(),
            stop: AtomicBool::new(false),
            processes: AtomicU64::new(clients),
            acknowledged: AtomicU64::new(0),
            elements: AtomicU64::new(0),
            arrivals: Semaphore::new(0),
            endpoints: watch::Sender::new(endpoints),
            protocol,
        }
    }

    /// Now, ns since the run began.
    pub(super) fn now_ns(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    /// Whether the run is over.
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A process number nobody had.
    pub(super) fn new_process(&self) -> u64 {
        self.processes.fetch_add(1, Ordering::Relaxed)
    }
}

/// Who acts: a client and its connections, in its present life.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) client: u64,
    pub(super) process: u64,
    speaker: Speaker,
}

impl Caller {
    /// A client whose first life has this number.
    pub(super) fn new(client: u64, process: u64, protocol: Protocol) -> Self {
        Self { client, process, speaker: protocol.client() }
    }

    /// Carries one operation out.
    pub(super) async fn one(&mut self, shared: &Shared, node: Node, key: String, input: Input) -> Operation {
        let input = self.speaker.asks(input);
        let call_ns = shared.now_ns();
        let judged = self.speaker.operate(node.1, &key, &travels(&input)).await;
        self.record(shared, node, call_ns, (key, input), judged)
    }

    /// Carries several out in one request.
    pub(super) async fn batch(
        &mut self,
        shared: &Shared,
        node: Node,
        list: Vec<(String, Input)>,
    ) -> Vec<Operation> {
        let list: Vec<_> = list.into_iter().map(|(key, input)| (key, self.speaker.asks(input))).collect();
        let call_ns = shared.now_ns();
        let sent: Vec<_> = list.iter().map(|(key, input)| (key.clone(), travels(input))).collect();
        let judged = self.speaker.batch(node.1, &sent).await;
        let pairs = list.into_iter().zip(judged);
        pairs.map(|(asked, judged)| self.record(shared, node, call_ns, asked, judged)).collect()
    }

    fn record(
        &self,
        shared: &Shared,
        (node, address): Node,
        call_ns: u64,
        (key, input): (String, Input),
        judged: Judged,
    ) -> Operation {
        let Judged { outcome, output, time_ms, age_ms, expires, error, .. } = judged;
        Operation {
            client: self.client,
            process: self.process,
            node,
            key,
            call_ns,
            return_ns: shared.now_ns(),
            input,
            output: output.map(named),
            outcome,
            time_ms,
            age_ms,
            expires,
            connection: self.speaker.connections(address),
            error,
        }
    }

    /// After an operation of unknown outcome a client goes on as another: its old life may still act.
    pub(super) fn learn(&mut self, shared: &Shared, done: &[Operation]) {
        if done.iter().any(|op| op.outcome == Outcome::Unknown) {
            self.process = shared.new_process();
        }
    }
}

/// The input with its value as it travels.
fn travels(input: &Input) -> Input {
    let mut input = input.clone();
    if let Input::Set { value, .. } | Input::Cas { value, .. } = &mut input {
        *value = value::expand(value).into_owned();
    }
    input
}

/// The output with its value as histories keep it.
fn named(mut output: Output) -> Output {
    if let Output::Read(Some(seen)) = &mut output {
        seen.value = value::contract(std::mem::take(&mut seen.value));
    }
    output
}
