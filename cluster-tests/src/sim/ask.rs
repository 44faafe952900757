//! One operation of a history as the node's API takes it, and what its answer says.

use std::time::Duration;

use bytes::Bytes;
use quorate::error::{Error, Outcome as Told};
use quorate::node::{Consistency as Fresh, Node, Read, ReadOk, WriteOk};
use raft_store::command::{
    Append, Command, Condition, Content, Delete, Expiry, Incr, Persist, Rejection, Reply, Set, Touch,
};
use raft_store::key::{DEFAULT_NAMESPACE, Key};
use raft_store::limits::VALUE_BYTES_CEILING;
use tokio::time::Instant;

use crate::history::{Consistency, Expect, Input, Outcome, Output, Seen};

/// What is known of an operation once its answer is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) outcome: Outcome,
    pub(super) output: Option<Output>,
    pub(super) time_ms: Option<u64>,
    pub(super) error: String,
    /// The deadline shown with the answer, group time in ms.
    pub(super) deadline: Option<u64>,
}

impl Judged {
    /// Nothing was heard of it.
    pub(super) fn lost(input: &Input, why: &str) -> Self {
        // A read that nobody answered has no effect to place.
        let outcome = if is_read(input) { Outcome::Fail } else { Outcome::Unknown };
        Self { outcome, ..Self::failed(why.to_owned()) }
    }

    /// It certainly did not happen.
    pub(super) fn failed(error: String) -> Self {
        Self { outcome: Outcome::Fail, output: None, time_ms: None, error, deadline: None }
    }
}

fn is_read(input: &Input) -> bool {
    matches!(input, Input::Get(_))
}

/// Carries out operations, all reads or all writes, at one node, as one batch if they are several.
pub(super) async fn ask(node: Node, asked: Vec<(String, Input)>, timeout: Duration) -> Vec<Judged> {
    let deadline = Instant::now() + timeout;
    if asked.iter().all(|(_, input)| is_read(input)) {
        let reads = asked.iter().map(|(key, input)| read(key, input)).collect();
        return node.read_many(reads, deadline).await.into_iter().map(judge_read).collect();
    }
    let commands = asked.iter().map(|(key, input)| command(key, input)).collect();
    let answers = node.write_many(commands, deadline).await;
    asked.iter().zip(answers).map(|((_, input), answer)| judge_write(input, answer)).collect()
}

pub(super) fn key(name: &str) -> Key {
    Key::new(DEFAULT_NAMESPACE, name.as_bytes()).expect("keys of a simulation are short")
}

fn read(name: &str, input: &Input) -> Read {
    let consistency = match input {
        Input::Get(Consistency::Lease) => Fresh::Lease,
        Input::Get(Consistency::Local) => Fresh::Local,
        _ => Fresh::Linearizable,
    };
    Read { key: key(name), consistency, max_staleness: None }
}

fn command(name: &str, input: &Input) -> Command {
    let key = key(name);
    let set = |key, value: &str, expiry, condition| {
        let value = Bytes::copy_from_slice(value.as_bytes());
        Command::Set(Set { key, value, content: Content::Text, expiry, condition })
    };
    match input {
        Input::Get(_) => unreachable!("reads and writes are never asked for together"),
        Input::Set { value, ttl_ms } => set(key, value, expiry(*ttl_ms), Condition::None),
        Input::Delete => Command::Delete(Delete { key, condition: Condition::None }),
        Input::Cas { expect, value, ttl_ms } => set(key, value, expiry(*ttl_ms), condition(expect)),
        Input::Touch { ttl_ms } => Command::Touch(Touch { key, ttl_ms: *ttl_ms, condition: Condition::None }),
        Input::Persist => Command::Persist(Persist { key, condition: Condition::None }),
        Input::Incr { by } => Command::Incr(Incr { key, by: *by, init: Some(0), condition: Condition::None }),
        Input::Append { value } => {
            let suffix = Bytes::copy_from_slice(value.as_bytes());
            let (content, len_max) = (Content::Text, VALUE_BYTES_CEILING as u64);
            Command::Append(Append { key, suffix, content, len_max, condition: Condition::None })
        }
    }
}

fn expiry(ttl_ms: Option<u64>) -> Expiry {
    ttl_ms.map_or(Expiry::Never, Expiry::AfterMs)
}

fn condition(expect: &Expect) -> Condition {
    match expect {
        Expect::Absent => Condition::Absent,
        Expect::Present => Condition::Present,
        Expect::Version(version) => Condition::Version(*version),
        // Quorate compares versions only; a version that never is makes the operation fail cleanly.
        Expect::Value(_) => Condition::Version(0),
    }
}

fn judge_read(answer: Result<ReadOk, Error>) -> Judged {
    let found = match answer {
        Ok(found) => found,
        Err(error) => return Judged::failed(error.to_string()),
    };
    let text = |value: &Bytes| String::from_utf8_lossy(value).into_owned();
    let seen = found.entry.as_ref().map(|e| Seen { value: text(&e.value), version: Some(e.version) });
    Judged {
        outcome: Outcome::Ok,
        output: Some(Output::Read(seen)),
        time_ms: Some(found.time_ms),
        error: String::new(),
        deadline: found.entry.and_then(|entry| entry.deadline),
    }
}

fn judge_write(input: &Input, answer: Result<WriteOk, Error>) -> Judged {
    let ok = match answer {
        Ok(ok) => ok,
        Err(error) => {
            let outcome = match error.outcome {
                Some(Told::NotApplied) => Outcome::Fail,
                Some(Told::Unknown) | None => Outcome::Unknown,
            };
            return Judged { outcome, ..Judged::failed(error.to_string()) };
        }
    };
    let is_cas = matches!(input, Input::Cas { .. });
    let (output, deadline) = match ok.reply {
        Reply::Written(written) => {
            let value = written.value.map(|value| String::from_utf8_lossy(&value).into_owned());
            let (version, created) = (Some(written.version), Some(written.created));
            (Output::Written { version, created, value }, written.deadline)
        }
        Reply::Deleted { deleted, version } => (Output::Deleted { deleted, version: Some(version) }, None),
        Reply::Rejected(Rejection::VersionMismatch { current }) if is_cas => {
            (Output::Mismatch { current }, None)
        }
        Reply::Rejected(rejection) => return Judged::failed(rejection.to_string()),
        Reply::Done
        | Reply::Many(_)
        | Reply::Branched { .. }
        | Reply::Found(_)
        | Reply::Bit(_)
        | Reply::Length(_) => {
            return Judged::failed("an answer to another question".to_owned());
        }
    };
    let (output, time_ms) = (Some(output), Some(ok.time_ms));
    Judged { outcome: Outcome::Ok, output, time_ms, error: String::new(), deadline }
}
