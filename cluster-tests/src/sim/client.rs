//! One client that lives in the simulation: it thinks, asks some node, waits, and remembers what it was told.
//!
//! It is a state, not a task: [`Client::turn`] is called at every tick. What it asks goes to a node as a [`Request`], which
//! takes its time on the way and may never arrive.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::ask::Judged;
use super::clock::MS;
use super::keys::{self, Chosen};
use super::plan::Plan;
use super::seed::Seed;
use crate::history::{Input, Operation, Outcome, Output};

/// Longest time on the way between client and node, ns.
const WAY_NS: u64 = MS;
/// A node counts an age by its own clock, which may be slow: by less than one part in so many (`faults::DRIFT_PPM_MAX`).
const AGE_DRIFT_PARTS: u64 = 45;
/// Longest a client waits before it gives up.
const PATIENCE_MS: std::ops::RangeInclusive<u64> = 300..=4000;
/// Longest pause after an operation that failed: a node that refuses is not flooded.
const BACK_OFF_NS: u64 = 50 * MS;

/// Operations on their way to a node.
pub(super) struct Request {
    pub(super) node: u64,
    /// When it arrives, ns.
    pub(super) at_ns: u64,
    pub(super) asked: Vec<(String, Input)>,
    pub(super) timeout: Duration,
    pub(super) answer: oneshot::Sender<Vec<Judged>>,
}

enum State {
    /// Thinks until then.
    Idle(u64),
    Waiting(Waiting),
}

struct Waiting {
    node: u64,
    /// How many processes ran there: another one is another connection.
    starts: u64,
    asked: Vec<(String, Input)>,
    called_ns: u64,
    gives_up_ns: u64,
    answer: oneshot::Receiver<Vec<Judged>>,
}

/// One client.
pub(super) struct Client {
    id: u64,
    /// A client that cannot know what became of its operation goes on as a new process.
    process: u64,
    random: StdRng,
    state: State,
    chosen: Chosen,
    pause_ns: u64,
    /// Asks always the same node, if it can.
    stays: bool,
}

impl Client {
    pub(super) fn new(id: u64, seed: Seed, plan: &Plan) -> Self {
        let random = seed.split("client", id).stream("choices");
        let chosen = Chosen::new(id, plan);
        let stays = id < plan.lease_readers;
        Self { id, process: id, random, state: State::Idle(0), chosen, pause_ns: plan.pause_ns, stays }
    }

    /// Looks whether there is an answer; the operations that ended with it, the times but for the return's set.
    pub(super) fn hear(&mut self, now_ns: u64) -> Vec<Operation> {
        let State::Waiting(waiting) = &mut self.state else { return Vec::new() };
        let lost = |why| waiting.asked.iter().map(|(_, input)| Judged::lost(input, why)).collect();
        let judged = match waiting.answer.try_recv() {
            Ok(judged) => judged,
            Err(TryRecvError::Closed) => lost("the connection broke"),
            Err(TryRecvError::Empty) if now_ns >= waiting.gives_up_ns => lost("no answer in time"),
            Err(TryRecvError::Empty) => return Vec::new(),
        };
        let State::Waiting(waiting) = std::mem::replace(&mut self.state, State::Idle(0)) else {
            return Vec::new();
        };
        let good = judged.iter().all(|one| one.outcome == Outcome::Ok);
        let pause_ns = if good { self.pause_ns } else { self.pause_ns.max(BACK_OFF_NS) };
        self.state = State::Idle(now_ns + self.random.random_range(0..=pause_ns));
        self.remember(waiting, judged)
    }

    fn remember(&mut self, waiting: Waiting, judged: Vec<Judged>) -> Vec<Operation> {
        let process = self.process * keys::PROCESSES_STEP + waiting.starts;
        if judged.iter().any(|one| one.outcome == Outcome::Unknown) {
            self.process += keys::PROCESSES_STEP;
        }
        let (id, node, call_ns) = (self.id, waiting.node, waiting.called_ns);
        let operation = |((key, input), one): ((String, Input), Judged)| {
            let error = expired_but_shown(&one).unwrap_or(one.error);
            let Judged { outcome, output, time_ms, age_ms, .. } = one;
            let age_ms = age_ms.map(|age_ms| age_ms + age_ms.div_ceil(AGE_DRIFT_PARTS));
            Operation {
                client: id,
                process,
                node,
                key,
                call_ns,
                return_ns: 0,
                input,
                output,
                outcome,
                time_ms,
                age_ms,
                connection: waiting.starts,
                error,
                ..Operation::default()
            }
        };
        let ended: Vec<_> = waiting.asked.into_iter().zip(judged).map(operation).collect();
        for one in &ended {
            self.chosen.saw(&one.key, one.output.as_ref().and_then(Output::version));
        }
        ended
    }

    /// Asks again if it has thought for long enough.
    /// `nodes`: whom it may ask, and how many processes ran there.
    pub(super) fn call(&mut self, now_ns: u64, nodes: &[(u64, u64)]) -> Option<Request> {
        let State::Idle(until_ns) = self.state else { return None };
        if now_ns < until_ns || nodes.is_empty() {
            return None;
        }
        let drawn = self.random.random_range(0..nodes.len());
        let (node, starts) = nodes[if self.stays { self.id as usize % nodes.len() } else { drawn }];
        let asked = self.chosen.choose(&mut self.random);
        let patience_ms = self.random.random_range(PATIENCE_MS);
        let (tell, answer) = oneshot::channel();
        let gives_up_ns = now_ns + patience_ms * MS;
        let waiting = Waiting { node, asked: asked.clone(), starts, called_ns: now_ns, gives_up_ns, answer };
        self.state = State::Waiting(waiting);
        let at_ns = now_ns + self.random.random_range(0..=WAY_NS);
        Some(Request { node, at_ns, asked, timeout: Duration::from_millis(patience_ms), answer: tell })
    }

    /// Whether it waits for an answer.
    pub(super) fn waits(&self) -> bool {
        matches!(self.state, State::Waiting(_))
    }
}

/// What [`expired_but_shown`] says.
pub(super) const SHOWN_EXPIRED: &str = "shown at or past its deadline";

/// No reply may show a value whose deadline is at or before the group time it carries.
fn expired_but_shown(one: &Judged) -> Option<String> {
    let (deadline, time_ms) = (one.deadline?, one.time_ms?);
    let read = matches!(one.output, Some(Output::Read(Some(_))));
    (read && deadline <= time_ms).then(|| format!("{SHOWN_EXPIRED}: {deadline} at group time {time_ms}"))
}
