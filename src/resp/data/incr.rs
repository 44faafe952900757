//! `INCR`, `INCRBY`, `DECR`, `DECRBY` and `INCRBYFLOAT`.

use bytes::Bytes;
use raft_store::command::{Command, Condition, Incr, IncrFloat, Rejection, Reply};

use super::super::plan::Context;
use super::super::value::Value;
use super::args::{Planned, exactly, integer, key, otherwise, parse_integer, unanswered, write_one};
use super::spec::{DataCommand, GROW_FAST, KeyPositions, Spec};

/// The commands of this file.
pub(super) const COMMANDS: &[DataCommand] = &[
    Spec::new("string", "incr", 2, GROW_FAST, KeyPositions::ONE)
        .docs("1.0.0", "O(1)", "Add 1 to an integer.")
        .planned_by(incr),
    Spec::new("string", "incrby", 3, GROW_FAST, KeyPositions::ONE)
        .docs("1.0.0", "O(1)", "Add to an integer.")
        .planned_by(incrby),
    Spec::new("string", "decr", 2, GROW_FAST, KeyPositions::ONE)
        .docs("1.0.0", "O(1)", "Take 1 from an integer.")
        .planned_by(decr),
    Spec::new("string", "decrby", 3, GROW_FAST, KeyPositions::ONE)
        .docs("1.0.0", "O(1)", "Take from an integer.")
        .planned_by(decrby),
    Spec::new("string", "incrbyfloat", 3, GROW_FAST, KeyPositions::ONE)
        .docs("2.6.0", "O(N) for N digits", "Add to a decimal number.")
        .differs("Exact decimals, rounded once to 17 places; at most 5 KiB, whatever `value-max`; no hexadecimal numbers.")
        .planned_by(incrbyfloat),
];

fn incr(context: &Context, args: &[Bytes]) -> Planned {
    let [name] = exactly(args)?;
    add(context, name, 1)
}

fn decr(context: &Context, args: &[Bytes]) -> Planned {
    let [name] = exactly(args)?;
    add(context, name, -1)
}

fn incrby(context: &Context, args: &[Bytes]) -> Planned {
    let [name, by] = exactly(args)?;
    add(context, name, integer(by)?)
}

fn decrby(context: &Context, args: &[Bytes]) -> Planned {
    let [name, by] = exactly(args)?;
    let by = integer(by)?.checked_neg().ok_or_else(|| Value::err("decrement would overflow"))?;
    add(context, name, by)
}

fn add(context: &Context, name: &[u8], by: i64) -> Planned {
    let (key, condition) = (key(context, name)?, Condition::None);
    let command = Command::Incr(Incr { key, by, init: Some(0), condition });
    Ok(write_one(command, |reply| match reply {
        Reply::Written(written) => {
            let sum = written.value.as_deref().and_then(parse_integer);
            sum.map_or_else(unanswered, Value::Int)
        }
        reply => otherwise(reply),
    }))
}

fn incrbyfloat(context: &Context, args: &[Bytes]) -> Planned {
    let [name, by] = exactly(args)?;
    let command = Command::IncrFloat(IncrFloat { key: key(context, name)?, by: by.clone() });
    Ok(write_one(command, |reply| match reply {
        Reply::Written(written) => written.value.map_or_else(unanswered, Value::Bulk),
        Reply::Rejected(Rejection::Overflow) => Value::err("increment would produce NaN or Infinity"),
        reply => otherwise(reply),
    }))
}
