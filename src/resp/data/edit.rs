//! `APPEND`, `SETRANGE` and `SETBIT`: changing a part of a value.

use bytes::Bytes;
use raft_store::command::{Command, Condition, Content, Expiry, Reply, Set, SetBit, SetRange};
use raft_store::key::Key;

use super::super::plan::{Context, Plan};
use super::super::value::Value;
use super::args::{Planned, exactly, integer, key, otherwise, parse_integer, write_one};
use super::bits::bit_offset;
use super::spec::{DataCommand, GROW, GROW_FAST, KeyPositions, Spec};
use super::txn::looking_first;

/// The commands of this file.
pub(super) const COMMANDS: &[DataCommand] = &[
    Spec::new("string", "append", 3, GROW_FAST, KeyPositions::ONE)
        .docs("2.0.0", "O(N) for a value of N bytes", "Add bytes to the end of a value.")
        .planned_by(append),
    Spec::new("string", "setrange", 4, GROW, KeyPositions::ONE)
        .docs("2.2.0", "O(N) for a value of N bytes", "Write over a part of a value.")
        .planned_by(setrange),
    Spec::new("bitmap", "setbit", 4, GROW, KeyPositions::ONE)
        .docs("2.2.0", "O(N) for a value of N bytes", "Set or clear one bit of a value.")
        .planned_by(setbit),
];

fn append(context: &Context, args: &[Bytes]) -> Planned {
    let [name, suffix] = exactly(args)?;
    let (key, len_max) = (key(context, name)?, context.value_bytes_max as u64);
    if suffix.is_empty() {
        return Ok(append_nothing(key));
    }
    let (offset, value) = (SetRange::AT_END, suffix.clone());
    Ok(length_after(Command::SetRange(SetRange { key, offset, value, len_max })))
}

/// Nothing, appended to an absent key, makes an empty value.
fn append_nothing(key: Key) -> Plan {
    let (value, content) = (Bytes::new(), Content::Octets);
    let (expiry, condition) = (Expiry::Never, Condition::Absent);
    let create = Command::Set(Set { key: key.clone(), value, content, expiry, condition });
    looking_first(key, create, |before, _| Value::count(before.map_or(0, |entry| entry.value.len())))
}

fn setrange(context: &Context, args: &[Bytes]) -> Planned {
    let [name, offset, value] = exactly(args)?;
    let offset = u64::try_from(integer(offset)?).map_err(|_| Value::err("offset is out of range"))?;
    let (key, len_max) = (key(context, name)?, context.value_bytes_max as u64);
    Ok(length_after(Command::SetRange(SetRange { key, offset, value: value.clone(), len_max })))
}

/// Answers how long the value is then.
fn length_after(command: Command) -> Plan {
    write_one(command, |reply| match reply {
        Reply::Written(written) => length(written.len),
        Reply::Length(len) => length(len),
        reply => otherwise(reply),
    })
}

fn length(len: u64) -> Value {
    Value::Int(i64::try_from(len).unwrap_or(i64::MAX))
}

fn setbit(context: &Context, args: &[Bytes]) -> Planned {
    let [name, offset, bit] = exactly(args)?;
    let offset = bit_offset(context, offset)?;
    let bit = match parse_integer(bit) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(Value::err("bit is not an integer or out of range")),
    };
    let (key, len_max) = (key(context, name)?, context.value_bytes_max as u64);
    Ok(write_one(Command::SetBit(SetBit { key, offset, bit, len_max }), |reply| match reply {
        Reply::Bit(before) => Value::flag(before),
        reply => otherwise(reply),
    }))
}
