//! `MULTI`, `EXEC`, `DISCARD`, `WATCH`: an optimistic lock and commands, carried out as one command of the store.
//!
//! `WATCH` remembers the versions of keys by a linearizable read; `EXEC` sends them with the commands as one
//! [`Txn`], which the group applies only while every watched key has that version. So nothing comes between, whoever
//! leads. What commands mean is planned as always; a read becomes a `Get` at its place.

use std::collections::BTreeSet;

use bytes::Bytes;
use raft_store::command::{Command, Get, Rejection, Reply, Txn};
use raft_store::key::Key;
use tokio::time::Instant;

use super::errors;
use super::plan::{Applied, Context, Found, Plan, ReadShape, WriteShape};
use super::server::{self, Call, Server};
use super::session::Face;
use super::table::{self, What};
use super::value::Value;
use crate::config::Consistency;
use crate::limits::{REQUEST_TIMEOUT_DEFAULT, RESP_OUTPUT_BYTES_MAX, RESP_WATCHED_MAX};
use crate::node::Read;

/// What `EXEC` says of a transaction of which a command was refused.
const ABORTED: &str = "EXECABORT Transaction discarded because of previous errors.";

/// What one queued command has to do with the transaction.
enum Part<'a> {
    /// Nothing: this is the answer.
    Ready(Value),
    /// So many of its replies.
    Read(usize, ReadShape),
    /// For each command of the plan its replies: one, or as many as a transaction within had commands.
    Write(Vec<Option<usize>>, WriteShape),
    /// Carried out afterwards.
    Server(Server, &'a [Bytes]),
}

/// `MULTI`.
pub(super) fn multi(call: &mut Call<'_>) -> Value {
    if call.session.queue.is_some() {
        return Value::err("MULTI calls can not be nested");
    }
    call.session.begin();
    Value::OK
}

/// `DISCARD`.
pub(super) fn discard(call: &mut Call<'_>) -> Value {
    match call.session.end_transaction() {
        Some(_) => Value::OK,
        None => Value::err("DISCARD without MULTI"),
    }
}

/// `WATCH`.
pub(super) async fn watch(call: &mut Call<'_>) -> Value {
    if call.session.queue.is_some() {
        return Value::err("WATCH inside MULTI is not allowed");
    }
    match remember(call).await {
        Ok(()) => Value::OK,
        Err(value) => value,
    }
}

async fn remember(call: &mut Call<'_>) -> Result<(), Value> {
    let keys = call.arguments.iter().map(|key| Key::new(call.context.namespace, key));
    let mut keys: BTreeSet<Key> = keys.collect::<Result<_, _>>().map_err(Value::err)?;
    // What is watched already keeps the version it had then.
    let known: BTreeSet<&Key> = call.session.watched.iter().map(|(key, _)| key).collect();
    keys.retain(|key| !known.contains(key));
    if call.session.watched.len() + keys.len() > RESP_WATCHED_MAX {
        return Err(Value::err("too many keys are watched"));
    }
    let consistency = Consistency::Linearizable;
    let reads = keys.iter().map(|key| Read { key: key.clone(), consistency, max_staleness: None }).collect();
    let found = call.node.read_many(reads, Instant::now() + REQUEST_TIMEOUT_DEFAULT).await;
    for (key, found) in keys.into_iter().zip(found) {
        let entry = found.map_err(|error| errors::answer(&error))?.entry;
        call.session.watched.push((key, entry.map(|entry| entry.version)));
    }
    Ok(())
}

/// `EXEC`.
pub(super) async fn exec(call: &mut Call<'_>) -> Value {
    let Some((queue, watched)) = call.session.end_transaction() else {
        return Value::err("EXEC without MULTI");
    };
    if queue.spoilt {
        return Value::Error(ABORTED.to_owned());
    }
    let mut commands = Vec::new();
    let parts = queue.frames.iter().map(|frame| part(&call.context, frame, &mut commands)).collect();
    let txn = Txn { watched, commands };
    match apply(call, txn).await {
        Ok(applied) => answers(call, parts, applied).await,
        Err(value) => value,
    }
}

fn part<'a>(context: &Context, frame: &'a [Bytes], commands: &mut Vec<Command>) -> Part<'a> {
    let command = match table::find(&frame[0]).map(|known| known.what) {
        Some(What::Data(command)) => command,
        Some(What::Server(server)) => return Part::Server(server, &frame[1..]),
        None => return Part::Ready(Value::Error(ABORTED.to_owned())),
    };
    match (command.planner)(context, &frame[1..]) {
        Ok(Plan::Now(value)) | Err(value) => Part::Ready(value),
        Ok(Plan::Read { keys, shape }) => {
            let count = keys.len();
            commands.extend(keys.into_iter().map(|key| Command::Get(Get { key })));
            Part::Read(count, shape)
        }
        Ok(Plan::Write { commands: own, shape }) => {
            Part::Write(own.into_iter().map(|command| add(command, commands)).collect(), shape)
        }
        // Refused when it was to be queued.
        Ok(Plan::Keyspace(_)) => Part::Ready(Value::Error(ABORTED.to_owned())),
    }
}

/// Adds a command; how many its transaction holds, if it is one.
fn add(command: Command, commands: &mut Vec<Command>) -> Option<usize> {
    match command {
        Command::Txn(txn) => {
            let count = txn.commands.len();
            commands.extend(txn.commands);
            Some(count)
        }
        single => {
            commands.push(single);
            None
        }
    }
}

/// What the commands replied, and the group time then; or the answer that stands for the whole.
async fn apply(call: &Call<'_>, txn: Txn) -> Result<(Vec<Reply>, u64), Value> {
    if txn.commands.is_empty() && txn.watched.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let txn = Command::Txn(txn);
    if call.session.face == Face::Cluster {
        let slots: BTreeSet<_> = txn.keys().map(Key::slot).collect();
        if slots.len() > 1 {
            return Err(Value::Error(errors::CROSS_SLOT.to_owned()));
        }
    }
    let done = call.node.write(txn, Instant::now() + REQUEST_TIMEOUT_DEFAULT).await;
    let done = done.map_err(|error| errors::answer(&error))?;
    match done.reply {
        Reply::Many(replies) => Ok((replies, done.time_ms)),
        Reply::Rejected(Rejection::VersionMismatch { .. }) => Err(Value::NullArray),
        Reply::Rejected(rejection) => {
            Err(Value::Error(format!("EXECABORT Transaction discarded: {rejection}")))
        }
        _ => Err(Value::Error("UNKNOWN The transaction was answered with something else".to_owned())),
    }
}

async fn answers(call: &mut Call<'_>, parts: Vec<Part<'_>>, applied: (Vec<Reply>, u64)) -> Value {
    let (replies, time_ms) = applied;
    let mut replies = replies.into_iter();
    let (mut answers, mut told_bytes) = (Vec::with_capacity(parts.len()), 0);
    for part in parts {
        answers.push(match part {
            Part::Ready(value) => value,
            Part::Read(count, shape) => of_read(&call.context, replies.by_ref().take(count), time_ms, shape),
            Part::Write(counts, shape) => {
                let replies = counts.into_iter().filter_map(|count| match count {
                    Some(count) => Some(Reply::Many(replies.by_ref().take(count).collect())),
                    None => replies.next(),
                });
                shape.answer(&call.context, replies.map(|reply| Applied { reply, time_ms }).collect())
            }
            Part::Server(..) if told_bytes > RESP_OUTPUT_BYTES_MAX => {
                Value::err("not carried out: the answers of this transaction are too long")
            }
            Part::Server(server, arguments) => {
                let Call { shared, node, context, .. } = *call;
                let mut inner = Call { shared, node, context, session: call.session, arguments };
                let answer = Box::pin(server::run(server, &mut inner)).await.unwrap_or(Value::OK);
                told_bytes += answer.bytes();
                answer
            }
        });
    }
    Value::Array(answers)
}

fn of_read(context: &Context, replies: impl Iterator<Item = Reply>, time_ms: u64, shape: ReadShape) -> Value {
    let found = replies.map(|reply| match reply {
        Reply::Found(entry) => Ok(Found { entry, time_ms }),
        Reply::Rejected(rejection) => Err(Value::err(rejection)),
        _ => Err(Value::err("the read was answered with something else")),
    });
    match found.collect::<Result<Vec<_>, _>>() {
        Ok(found) => shape.answer(context, found),
        Err(value) => value,
    }
}
