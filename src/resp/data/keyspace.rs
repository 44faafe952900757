//! `SCAN`, `KEYS`, `DBSIZE`, `RANDOMKEY`, `FLUSHDB` and `FLUSHALL`: what is about all keys of a namespace.
//!
//! Planned and answered here; between the two, whoever carries them out asks the groups.

use bytes::Bytes;
use raft_store::key::Key;

use super::super::plan::{Context, Keyspace, Plan, ScanPlan};
use super::super::value::Value;
use super::args::{Planned, at_least, exactly, integer, is, syntax};
use super::glob::Glob;
use super::spec::{DataCommand, KeyPositions, READ, READ_FAST, Spec, WRITE};

/// The commands of this file.
pub(super) const COMMANDS: &[DataCommand] = &[
Spec::new("generic", "scan", -2, READ, KeyPositions::NONE).docs("2.8.0", "O(1) a call, O(N) for all N keys", "Some of the keys, and where to go on.").differs("Refused within MULTI. A cursor holds on every node. On the cluster port only the slots this node leads count.").planned_by(scan),
Spec::new("generic", "keys", 2, READ, KeyPositions::NONE).docs("1.0.0", "O(N) for N keys", "The keys that match a pattern.").differs("All groups are asked one after another; refused within MULTI. On the cluster port only the slots this node leads count.").planned_by(keys),
Spec::new("server", "dbsize", 1, READ_FAST, KeyPositions::NONE).docs("1.0.0", "O(N) for N groups", "How many keys there are.").differs("All groups are asked one after another; refused within MULTI. On the cluster port only the slots this node leads count.").planned_by(dbsize),
Spec::new("generic", "randomkey", 1, READ, KeyPositions::NONE).docs("1.0.0", "O(1)", "Any key.").differs("Refused within MULTI. On the cluster port only the slots this node leads count.").planned_by(randomkey),
Spec::new("server", "flushdb", -1, WRITE, KeyPositions::NONE).docs("1.0.0", "O(N) for N groups", "Delete every key.").differs("All groups are asked one after another; refused within MULTI. On the cluster port only the slots this node leads count.").planned_by(flush),
Spec::new("server", "flushall", -1, WRITE, KeyPositions::NONE).docs("1.0.0", "O(N) for N groups", "Delete every key.").differs("The same as FLUSHDB: there is one database.").planned_by(flush),
];

/// Keys `SCAN` looks at in one call unless told otherwise.
const SCAN_COUNT_DEFAULT: usize = 10;

fn scan(_: &Context, args: &[Bytes]) -> Planned {
    let ([cursor], mut options) = at_least(args)?;
    let mut plan = ScanPlan { cursor: read_cursor(cursor)?, limit: SCAN_COUNT_DEFAULT, pattern: None };
    let mut strings = true;
    while let [word, value, rest @ ..] = options {
        match word {
            word if is(word, "count") => plan.limit = read_count(value)?,
            word if is(word, "match") => plan.pattern = Some(Glob::new(value)).filter(|_| value != "*"),
            word if is(word, "type") => strings = is(value, "string"),
            _ => return Err(syntax()),
        }
        options = rest;
    }
    match options {
        [] if strings => Ok(Plan::Keyspace(Keyspace::Scan(plan))),
        // Every value is a string, so there is nothing of another type to look for.
        [] => Ok(Plan::Now(scanned(None, [], 0))),
        _ => Err(syntax()),
    }
}

/// A cursor, as `strtoul` reads it: Redis takes an empty one for 0.
fn read_cursor(arg: &[u8]) -> Result<u64, Value> {
    let number = std::str::from_utf8(arg).ok().and_then(|text| match text {
        "" => Some(0),
        text => text.parse().ok(),
    });
    number.ok_or_else(|| Value::err("invalid cursor"))
}

/// How many keys to look at. It is a hint: the node that walks them looks at no more than its own bound.
fn read_count(arg: &[u8]) -> Result<usize, Value> {
    match integer(arg)? {
        ..1 => Err(syntax()),
        count => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
    }
}

/// The answer to [`Keyspace::Scan`]: of the keys found those that match, and where to go on (0: nowhere).
pub fn scanned(pattern: Option<&Glob>, found: impl IntoIterator<Item = Key>, next: u64) -> Value {
    let cursor = Value::Bulk(next.to_string().into());
    Value::Array(vec![cursor, Value::Array(matching(pattern, found).collect())])
}

/// Those of some keys that match, as they are told to clients: `KEYS` is answered by an array of all of them.
pub fn matching(pattern: Option<&Glob>, found: impl IntoIterator<Item = Key>) -> impl Iterator<Item = Value> {
    let matches = move |key: &Key| pattern.is_none_or(|pattern| pattern.matches(key.user_key()));
    found.into_iter().filter(matches).map(|key| told(&key))
}

/// The answer to [`Keyspace::Random`].
pub fn drawn(key: Option<&Key>) -> Value {
    key.map_or(Value::Null, told)
}

fn told(key: &Key) -> Value {
    Value::Bulk(Bytes::copy_from_slice(key.user_key()))
}

fn keys(_: &Context, args: &[Bytes]) -> Planned {
    let [pattern] = exactly(args)?;
    Ok(Plan::Keyspace(Keyspace::Keys(Glob::new(pattern))))
}

fn dbsize(_: &Context, _: &[Bytes]) -> Planned {
    Ok(Plan::Keyspace(Keyspace::Size))
}

fn randomkey(_: &Context, _: &[Bytes]) -> Planned {
    Ok(Plan::Keyspace(Keyspace::Random))
}

/// `FLUSHDB` and `FLUSHALL`: there is one database. Either way it is done when it is answered.
fn flush(_: &Context, args: &[Bytes]) -> Planned {
    match args {
        [] => Ok(Plan::Keyspace(Keyspace::Flush)),
        [how] if is(how, "sync") || is(how, "async") => Ok(Plan::Keyspace(Keyspace::Flush)),
        _ => Err(syntax()),
    }
}
