//! `EXPIRE`, `PEXPIRE`, `EXPIREAT` and `PEXPIREAT`. A time that has passed deletes the key.

use bytes::Bytes;
use raft_store::command::{Command, Expire, ExpireOnly, Rejection, Reply};

use super::super::plan::Context;
use super::super::value::Value;
use super::args::{Planned, at_least, is, key, otherwise, write_one};
use super::spec::{DataCommand, KeyPositions, Spec, WRITE_FAST};
use super::time::Form;

/// The commands of this file.
pub(super) const COMMANDS: &[DataCommand] = &[
    Spec::new("generic", "expire", -3, WRITE_FAST, KeyPositions::ONE)
        .docs("1.0.0", "O(1)", "Let a key expire in some seconds.")
        .planned_by(expire),
    Spec::new("generic", "pexpire", -3, WRITE_FAST, KeyPositions::ONE)
        .docs("2.6.0", "O(1)", "Let a key expire in some milliseconds.")
        .planned_by(pexpire),
    Spec::new("generic", "expireat", -3, WRITE_FAST, KeyPositions::ONE)
        .docs("1.2.0", "O(1)", "Let a key expire at a second since 1970.")
        .differs("The time is told once against the wall clock of the node that takes the command.")
        .planned_by(expireat),
    Spec::new("generic", "pexpireat", -3, WRITE_FAST, KeyPositions::ONE)
        .docs("2.6.0", "O(1)", "Let a key expire at a millisecond since 1970.")
        .differs("The time is told once against the wall clock of the node that takes the command.")
        .planned_by(pexpireat),
];

fn expire(context: &Context, args: &[Bytes]) -> Planned {
    expire_in(context, args, Form::Ex, "expire")
}

fn pexpire(context: &Context, args: &[Bytes]) -> Planned {
    expire_in(context, args, Form::Px, "pexpire")
}

fn expireat(context: &Context, args: &[Bytes]) -> Planned {
    expire_in(context, args, Form::ExAt, "expireat")
}

fn pexpireat(context: &Context, args: &[Bytes]) -> Planned {
    expire_in(context, args, Form::PxAt, "pexpireat")
}

fn expire_in(context: &Context, args: &[Bytes], form: Form, command: &str) -> Planned {
    let ([name, amount], options) = at_least(args)?;
    let only = read_only(options)?;
    let ttl_ms = form.left_ms(context, amount, command)?;
    let command = Command::Expire(Expire { key: key(context, name)?, ttl_ms, only });
    Ok(write_one(command, |reply| match reply {
        Reply::Written(_) | Reply::Deleted { .. } => Value::Int(1),
        Reply::Rejected(Rejection::Missing | Rejection::Unmet) => Value::Int(0),
        reply => otherwise(reply),
    }))
}

/// What must hold of the deadline there is.
fn read_only(options: &[Bytes]) -> Result<ExpireOnly, Value> {
    const WORDS: [&str; 4] = ["nx", "xx", "gt", "lt"];
    let known = |option: &[u8]| WORDS.iter().any(|word| is(option, word));
    if let Some(other) = options.iter().find(|option| !known(option)) {
        let other = String::from_utf8_lossy(other);
        return Err(Value::err(format_args!("Unsupported option {other}")));
    }
    let [nx, xx, gt, lt] = WORDS.map(|word| options.iter().any(|option| is(option, word)));
    match (nx, xx, gt, lt) {
        (true, true, _, _) | (true, _, true, _) | (true, _, _, true) => {
            Err(Value::err("NX and XX, GT or LT options at the same time are not compatible"))
        }
        (_, _, true, true) => Err(Value::err("GT and LT options at the same time are not compatible")),
        (true, ..) => Ok(ExpireOnly::WithoutDeadline),
        // A key without a deadline has the latest there is, so `GT` never holds of it, with `XX` or without.
        (_, _, true, _) => Ok(ExpireOnly::Later),
        (_, true, _, true) => Ok(ExpireOnly::SoonerThanOne),
        (_, _, _, true) => Ok(ExpireOnly::Sooner),
        (_, true, ..) => Ok(ExpireOnly::WithDeadline),
        _ => Ok(ExpireOnly::Always),
    }
}
