//! `MSET` and `MSETNX`: several keys at once, all of one group.

use bytes::Bytes;
use raft_store::command::{Command, Condition, Content, Expiry, Rejection, Reply, Set};
use raft_store::key::Key;
use raft_store::limits::TXN_COMMANDS_MAX;

use super::super::plan::Context;
use super::super::value::Value;
use super::args::{Planned, key, otherwise, value, write_one, wrong_number};
use super::spec::{DataCommand, GROW, KeyPositions, Spec};
use super::txn::together;

/// The commands of this file.
pub(super) const COMMANDS: &[DataCommand] = &[
    Spec::new("string", "mset", -3, GROW, KeyPositions::PAIRS)
        .docs("1.0.1", "O(N) for N keys", "Set keys, all at once.")
        .differs("Keys of several groups are refused with CROSSSLOT.")
        .planned_by(mset),
    Spec::new("string", "msetnx", -3, GROW, KeyPositions::PAIRS)
        .docs("1.0.1", "O(N) for N keys", "Set keys, all at once, if none of them exists.")
        .differs("Keys of several groups are refused with CROSSSLOT; refused within MULTI.")
        .planned_by(msetnx),
];

fn mset(context: &Context, args: &[Bytes]) -> Planned {
    let mut pairs = pairs(context, args, "mset")?;
    // One pair needs no transaction.
    match pairs.len() {
        1 => Ok(write_one(pairs.remove(0), |reply| all_set(reply, Value::OK))),
        _ => Ok(together(Vec::new(), pairs, |reply| all_set(reply, Value::OK))),
    }
}

fn msetnx(context: &Context, args: &[Bytes]) -> Planned {
    let pairs = pairs(context, args, "msetnx")?;
    let absent = pairs.iter().filter_map(Command::key).map(|key| (key.clone(), None)).collect();
    Ok(together(absent, pairs, |reply| match reply {
        Reply::Rejected(Rejection::VersionMismatch { .. }) => Value::Int(0),
        reply => all_set(reply, Value::Int(1)),
    }))
}

/// A `set` for each pair of key and value.
fn pairs(context: &Context, args: &[Bytes], command: &str) -> Result<Vec<Command>, Value> {
    let (pairs, []) = args.as_chunks() else { return Err(wrong_number(command)) };
    pairs.iter().map(|[name, bytes]| Ok(set(key(context, name)?, value(context, bytes)?))).collect()
}

fn set(key: Key, value: Bytes) -> Command {
    let (content, expiry, condition) = (Content::Octets, Expiry::Never, Condition::None);
    Command::Set(Set { key, value, content, expiry, condition })
}

/// `answer`, when everything was set.
fn all_set(reply: Reply, answer: Value) -> Value {
    match reply {
        // Each value is within its bound, so it is their number.
        Reply::Rejected(Rejection::TooLarge) => {
            Value::err(format_args!("at most {TXN_COMMANDS_MAX} keys are set together"))
        }
        Reply::Written(_) => answer,
        Reply::Many(replies) => {
            let refused = replies.into_iter().find(|reply| !matches!(reply, Reply::Written(_)));
            refused.map_or(answer, otherwise)
        }
        reply => otherwise(reply),
    }
}
