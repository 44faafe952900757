//! Carries commands out in runs: plain reads in a row are one question to the node, plain writes in a row one request,
//! so that commands of one group share a round or a packed entry.
//!
//! Guarantees: answers come in the order of the commands, and no read overtakes a write of the same connection or the
//! other way round, because a run is of one kind.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use raft_store::command::Command;
use raft_store::key::Key;
use tokio::time::Instant;

use super::Shared;
use super::data::spec::{DataCommand, Spec};
use super::outcome::{of_read, of_write, unknown, was_full};
use super::parse::Frame;
use super::plan::{Context, Keyspace, Plan, ReadShape, WriteShape};
use super::server::{self, Call, Server};
use super::session::{Face, Session};
use super::table::{self, Known, What};
use super::value::Value;
use super::{errors, guard, keyspace, route};
use crate::auth::{Caller, Denied};
use crate::config::Consistency;
use crate::error::Result;
use crate::limits::{REQUEST_TIMEOUT_DEFAULT, RESP_SERVER_WORDS_MAX};
use crate::node::{Node, Read, Served};
use crate::trace::{self, Protocol, Traced};

/// What is left to do for a command.
enum Step {
    /// Nothing: this is the answer.
    Ready(Value),
    /// So many of the run's reads.
    Read(usize, ReadShape),
    /// So many of the run's writes.
    Write(usize, WriteShape),
}

/// A command that is understood.
enum Prepared {
    /// It may share a run with others.
    Step(Step, Vec<Key>, Vec<Command>),
    /// It is carried out by itself.
    Server(Server),
    /// The same.
    Keyspace(Keyspace),
}

/// Commands that are carried out together.
#[derive(Default)]
struct Run {
    steps: Vec<(Option<usize>, Step)>,
    reads: Vec<Read>,
    writes: Vec<Command>,
}

/// Carries out a run of `frames` from `at` on and appends the answers to `out`; the place of the first command that is
/// still to be carried out.
pub(super) async fn advance(
    shared: &Shared,
    session: &mut Session,
    frames: &[Frame],
    at: usize,
    out: &mut BytesMut,
) -> usize {
    let began = Instant::now();
    let Some(node) = shared.node() else {
        session.answer(&Value::Error(errors::LOADING.to_owned()), out);
        shared.metrics.took(1, began.elapsed());
        return at + 1;
    };
    let (first, client) = (session.commands + 1, session.client.id);
    let request =
        trace::Request::new(Protocol::Resp, traced(&frames[at], client, first), shared.config.log_keys);
    let context = session.context();
    let caller = guard::caller(node.gate(), session, &context);
    let mut runner = Runner { shared, node, context, caller, session, operation: UNKNOWN };
    let (next, noted, key) = trace::carry_out(request, runner.advance(frames, at, out)).await;
    let operation = runner.operation;
    session.commands += (next - at) as u64;
    let took = began.elapsed();
    shared.metrics.took((next - at) as u64, took);
    let served = Served { protocol: Protocol::Resp, operation, took, noted, key };
    node.served(served, || id_of(client, first));
    next
}

/// What the way of a run is logged by, if requests are traced now: its first command stands for all of them.
fn traced(frame: &Frame, client: u64, command: u64) -> Option<Arc<Traced>> {
    trace::enabled().then(|| Traced::begin(Protocol::Resp, name_of(frame), id_of(client, command), None))
}

/// The id of a request of the Redis protocol: connection and command, each counted from 1.
fn id_of(client: u64, command: u64) -> String {
    format!("resp-{client}-{command}")
}

fn name_of(frame: &Frame) -> &'static str {
    table::find(&frame[0]).map_or(UNKNOWN, |known| known.spec.name)
}

/// What a command is called that there is none of.
const UNKNOWN: &str = "unknown";

struct Runner<'a> {
    shared: &'a Shared,
    node: &'a Node,
    context: Context,
    /// Who the connection is, for as long as this run lasts.
    caller: Result<Caller, Denied>,
    session: &'a mut Session,
    /// The name of the run's first command, which stands for all of them.
    operation: &'static str,
}

impl Runner<'_> {
    async fn advance(&mut self, frames: &[Frame], at: usize, out: &mut BytesMut) -> usize {
        let mut run = Run::default();
        for frame in &frames[at..] {
            let known = table::find(&frame[0]);
            if known.is_some_and(|known| run.excludes(known.spec)) {
                break;
            }
            let row = known.map(|known| known.row);
            if run.steps.is_empty() {
                self.operation = known.map_or(UNKNOWN, |known| known.spec.name);
            }
            match self.prepare(known, frame) {
                Prepared::Step(step, keys, writes) => {
                    run.steps.push((row, step));
                    run.reads.extend(keys.into_iter().map(|key| self.read(key)));
                    run.writes.extend(writes);
                }
                _ if !run.steps.is_empty() => break,
                alone => {
                    self.session.client.called(row);
                    let answer = self.alone(alone, frame).await;
                    self.shared.metrics.called(row, matches!(answer, Some(Value::Error(_))));
                    if let Some(answer) = answer {
                        self.session.answer(&answer, out);
                    }
                    return at + 1;
                }
            }
        }
        self.session.client.called(run.steps.last().and_then(|(row, _)| *row));
        at + self.finish(run, out).await
    }

    /// Understands a command. Nothing is changed but, within a transaction, the queue.
    fn prepare(&mut self, known: Option<&'static Known>, frame: &Frame) -> Prepared {
        match self.check(known, frame) {
            Err(refused) => {
                if let Some(queue) = &mut self.session.queue {
                    queue.spoilt = true;
                }
                Prepared::Step(Step::Ready(refused), Vec::new(), Vec::new())
            }
            Ok(prepared) => prepared,
        }
    }

    fn check(&mut self, known: Option<&'static Known>, frame: &Frame) -> Result<Prepared, Value> {
        let known = known.ok_or_else(|| unknown(frame))?;
        if !known.spec.takes(frame.len()) {
            let name = known.spec.name;
            return Err(Value::err(format_args!("wrong number of arguments for '{name}' command")));
        }
        if frame.len() > RESP_SERVER_WORDS_MAX
            && matches!(known.what, What::Server(server) if server.is_brief())
        {
            return Err(Value::err(format_args!("too many arguments for '{}' command", known.spec.name)));
        }
        let (gate, called) = (self.node.gate(), (known.what, known.spec));
        guard::check_command(gate, &self.caller, called, &self.context, &frame[1..])?;
        if self.session.face == Face::Cluster {
            route::check(self.shared, self.node, self.session, known.spec, frame)?;
        }
        match known.what {
            What::Server(server) if self.session.queue.is_some() && !server.ends_queueing() => {
                self.queue(frame)
            }
            What::Server(server) => Ok(Prepared::Server(server)),
            What::Data(command) if self.session.queue.is_some() => self.queue_data(command, frame),
            What::Data(command) => self.plan(command, &frame[1..]),
        }
    }

    fn queue(&mut self, frame: &Frame) -> Result<Prepared, Value> {
        if let Some(queue) = &mut self.session.queue {
            queue.push(frame)?;
        }
        self.session.show_queue();
        Ok(Prepared::Step(Step::Ready(Value::Simple("QUEUED")), Vec::new(), Vec::new()))
    }

    /// Queues a command unless it is one that no transaction can hold. Other errors are told by `EXEC`, as in Redis.
    fn queue_data(&mut self, command: &DataCommand, frame: &Frame) -> Result<Prepared, Value> {
        let name = command.spec.name.to_ascii_uppercase();
        let plan = (command.planner)(&self.context, &frame[1..]);
        if let Ok(plan) = &plan {
            guard::check_plan(self.node.gate(), &self.caller, &command.spec, &self.context, plan)?;
        }
        match plan {
            Ok(Plan::Keyspace(_)) => Err(Value::err(format_args!(
                "{name} is not supported within MULTI: it is about the keys of all groups"
            ))),
            Ok(Plan::Write { commands, .. }) if commands.iter().any(has_lock) => {
                Err(Value::err(format_args!("{name} is not supported within MULTI: WATCH the keys instead")))
            }
            _ => self.queue(frame),
        }
    }

    fn plan(&self, command: &DataCommand, arguments: &[Bytes]) -> Result<Prepared, Value> {
        let plan = (command.planner)(&self.context, arguments)?;
        guard::check_plan(self.node.gate(), &self.caller, &command.spec, &self.context, &plan)?;
        Ok(match plan {
            Plan::Now(value) => Prepared::Step(Step::Ready(value), Vec::new(), Vec::new()),
            Plan::Read { keys, shape } => Prepared::Step(Step::Read(keys.len(), shape), keys, Vec::new()),
            Plan::Write { commands, shape } => {
                Prepared::Step(Step::Write(commands.len(), shape), Vec::new(), commands)
            }
            Plan::Keyspace(keyspace) => Prepared::Keyspace(keyspace),
        })
    }

    fn read(&self, key: Key) -> Read {
        let replica = self.session.readonly && self.session.face == Face::Cluster;
        let consistency = if replica { Consistency::Local } else { self.session.consistency };
        Read { key, consistency, max_staleness: None }
    }

    async fn alone(&mut self, alone: Prepared, frame: &Frame) -> Option<Value> {
        let (shared, node, context) = (self.shared, self.node, self.context);
        match alone {
            Prepared::Server(server) => {
                let mut call = Call { shared, node, context, session: self.session, arguments: &frame[1..] };
                server::run(server, &mut call).await
            }
            Prepared::Keyspace(keyspace) => Some(keyspace::run(node, &context, self.session, keyspace).await),
            Prepared::Step(..) => None,
        }
    }

    /// Asks the node and answers; how many commands were answered. Reads that did not fit into one answer of the node
    /// are left for the next run.
    async fn finish(&mut self, run: Run, out: &mut BytesMut) -> usize {
        let deadline = Instant::now() + REQUEST_TIMEOUT_DEFAULT;
        let (reads, writes) = (run.reads, run.writes);
        let found = if reads.is_empty() { Vec::new() } else { self.node.read_many(reads, deadline).await };
        let written =
            if writes.is_empty() { Vec::new() } else { self.node.write_many(writes, deadline).await };
        let (mut found, mut written) = (found.into_iter(), written.into_iter());
        let (mut first_read, commands) = (true, run.steps.len());
        for (answered, (row, step)) in run.steps.into_iter().enumerate() {
            let answer = match step {
                Step::Ready(value) => value,
                Step::Read(count, shape) => {
                    let mut parts = found.as_slice().iter().take(count);
                    if !std::mem::take(&mut first_read) && parts.any(was_full) {
                        return answered;
                    }
                    of_read(&self.context, found.by_ref().take(count), shape)
                }
                Step::Write(count, shape) => of_write(&self.context, written.by_ref().take(count), shape),
            };
            self.shared.metrics.called(row, matches!(answer, Value::Error(_)));
            self.session.answer(&answer, out);
        }
        commands
    }
}

impl Run {
    /// Whether a command is of the other kind than the run so far.
    fn excludes(&self, spec: &Spec) -> bool {
        if spec.writes() { !self.reads.is_empty() } else { !self.writes.is_empty() }
    }
}

/// Whether a transaction checks versions itself, which would then hold for the whole of another one around it.
fn has_lock(command: &Command) -> bool {
    matches!(command, Command::Txn(txn) if !txn.watched.is_empty())
}
