//! What a command asks of the cluster, worked out from its arguments alone, and how its answer is made of what came
//! back. Pure: whoever holds the connection carries plans out.
//!
//! A shape is asked only when every part of its plan succeeded. When a part failed the answer is that error; and when
//! another part of the same write may have been applied, it is one that begins with `UNKNOWN`.

use std::fmt;

use bytes::Bytes;
use raft_store::command::{Command, Reply};
use raft_store::key::{Key, NamespaceId};
use raft_store::map::Entry;

use super::data::glob::Glob;
use super::value::Value;

/// What commands are planned and answered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The namespace the connection works in.
    pub namespace: NamespaceId,
    /// Longest value a command may leave, in bytes.
    pub value_bytes_max: usize,
    /// The wall clock when the command was read, ms since 1970: what absolute times are told against.
    pub wall_ms: u64,
}

/// Turns the arguments after a command's name into a plan, or into the error that answers it. The number of arguments
/// has been checked against the command's arity.
pub type Planner = fn(&Context, &[Bytes]) -> Result<Plan, Value>;

/// What a command asks for.
#[derive(Debug)]
pub enum Plan {
    /// Nothing: this is the answer.
    Now(Value),
    /// The entries of these keys, in this order.
    Read {
        /// One or more keys, possibly of several groups.
        keys: Vec<Key>,
        /// Makes the answer.
        shape: ReadShape,
    },
    /// Changes, in this order.
    Write {
        /// One or more commands that do not depend on each other, possibly of several groups. What must happen together
        /// is one command (a `Txn`, if need be).
        commands: Vec<Command>,
        /// Makes the answer.
        shape: WriteShape,
    },
    /// Something about all keys of the namespace.
    Keyspace(Keyspace),
}

/// What a read found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The entry; `None`: absent or expired.
    pub entry: Option<Entry>,
    /// Group time of the answer, ms.
    pub time_ms: u64,
}

/// What became of a command that was applied; its reply may be a rejection, which changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// What the command answered.
    pub reply: Reply,
    /// Group time when it was applied, ms.
    pub time_ms: u64,
}

type Answer<T> = dyn FnOnce(&Context, Vec<T>) -> Value + Send;

/// Makes an answer of what came back.
pub struct Shape<T>(Box<Answer<T>>);

/// Makes an answer of what was found: one [`Found`] for each key of the plan, in its order.
pub type ReadShape = Shape<Found>;

/// Makes an answer of what was applied: one [`Applied`] for each command of the plan, in its order.
pub type WriteShape = Shape<Applied>;

impl<T> Shape<T> {
    /// A shape that answers by `answer`. One that captures nothing allocates nothing.
    pub fn new(answer: impl FnOnce(&Context, Vec<T>) -> Value + Send + 'static) -> Self {
        Self(Box::new(answer))
    }

    /// The answer.
    pub fn answer(self, context: &Context, parts: Vec<T>) -> Value {
        (self.0)(context, parts)
    }
}

impl<T> fmt::Debug for Shape<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shape")
    }
}

/// Something about all keys of the namespace, or of the part of it the connection sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keyspace {
    /// One page of the keys; answered by `data::keyspace::scanned`.
    Scan(ScanPlan),
    /// Every key that matches; answered by an array of `data::keyspace::matching`.
    Keys(Glob),
    /// How many keys there are; an integer.
    Size,
    /// Any key, or nothing; answered by `data::keyspace::drawn`.
    Random,
    /// Delete them all; `OK`.
    Flush,
}

/// A page of `SCAN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanPlan {
    /// Where to go on; 0: at the start.
    pub cursor: u64,
    /// How many keys to look at.
    pub limit: usize,
    /// Which of them to return; `None`: all.
    pub pattern: Option<Glob>,
}
