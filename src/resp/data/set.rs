//! `SET` and its older forms `SETNX`, `SETEX`, `PSETEX` and `GETSET`.
//!
//! A point in time that has passed deletes the key: what was written with it would be gone at once.

use bytes::Bytes;
use raft_store::command::{Command, Condition, Content, Delete, Expiry, Rejection, Reply, Set};
use raft_store::key::Key;

use super::super::plan::Context;
use super::super::value::Value;
use super::args::{Planned, at_least, exactly, is, key, otherwise, syntax, value, write_one};
use super::spec::{DataCommand, GROW, GROW_FAST, KeyPositions, Spec};
use super::time::{Form, TimeOption};
use super::txn::looking_first;

/// The commands of this file.
pub(super) const COMMANDS: &[DataCommand] = &[
    Spec::new("string", "set", -3, GROW, KeyPositions::ONE)
        .docs("1.0.0", "O(1)", "Set a key, under conditions and for a time if asked.")
        .planned_by(set),
    Spec::new("string", "setnx", 3, GROW_FAST, KeyPositions::ONE)
        .docs("1.0.0", "O(1)", "Set a key that does not exist.")
        .planned_by(setnx),
    Spec::new("string", "setex", 4, GROW, KeyPositions::ONE)
        .docs("2.0.0", "O(1)", "Set a key for some seconds.")
        .planned_by(setex),
    Spec::new("string", "psetex", 4, GROW, KeyPositions::ONE)
        .docs("2.6.0", "O(1)", "Set a key for some milliseconds.")
        .planned_by(psetex),
    Spec::new("string", "getset", 3, GROW_FAST, KeyPositions::ONE)
        .docs("1.0.0", "O(1)", "Set a key and answer what was there before.")
        .planned_by(getset),
];

/// What follows key and value.
#[derive(Debug, Default)]
struct Options {
    condition: Condition,
    keep_ttl: bool,
    /// Whether to answer what was there before.
    get: bool,
    time: Option<TimeOption>,
}

impl Options {
    fn read(mut rest: &[Bytes]) -> Result<Self, Value> {
        let mut options = Self::default();
        while let Some(word) = rest.first() {
            rest = match word {
                word if is(word, "nx") => options.only(Condition::Absent, rest)?,
                word if is(word, "xx") => options.only(Condition::Present, rest)?,
                word if is(word, "get") => {
                    options.get = true;
                    &rest[1..]
                }
                word if is(word, "keepttl") && options.time.is_none() => {
                    options.keep_ttl = true;
                    &rest[1..]
                }
                _ if options.keep_ttl => return Err(syntax()),
                _ => TimeOption::take_into(&mut options.time, rest)?,
            };
        }
        Ok(options)
    }

    fn only<'a>(&mut self, condition: Condition, rest: &'a [Bytes]) -> Result<&'a [Bytes], Value> {
        if self.condition != Condition::None && self.condition != condition {
            return Err(syntax());
        }
        self.condition = condition;
        Ok(&rest[1..])
    }

    /// When the value expires.
    fn expiry(&self, context: &Context) -> Result<Expiry, Value> {
        match &self.time {
            None if self.keep_ttl => Ok(Expiry::Keep),
            None => Ok(Expiry::Never),
            Some(time) => time.form.lifetime_ms(context, &time.amount, "set").map(Expiry::AfterMs),
        }
    }
}

fn set(context: &Context, args: &[Bytes]) -> Planned {
    let ([name, bytes], rest) = at_least(args)?;
    let options = Options::read(rest)?;
    let expiry = options.expiry(context)?;
    let name = key(context, name)?;
    let command = written(name.clone(), value(context, bytes)?, expiry, options.condition);
    if options.get {
        return Ok(looking_first(name, command, |before, reply| match reply {
            Reply::Rejected(Rejection::TooLarge) => otherwise(reply),
            _ => Value::bulk_or_null(before.map(|entry| entry.value)),
        }));
    }
    Ok(write_one(command, |reply| done(reply, Value::OK, Value::Null)))
}

fn setnx(context: &Context, args: &[Bytes]) -> Planned {
    let [name, bytes] = exactly(args)?;
    let command = written(key(context, name)?, value(context, bytes)?, Expiry::Never, Condition::Absent);
    Ok(write_one(command, |reply| done(reply, Value::Int(1), Value::Int(0))))
}

fn setex(context: &Context, args: &[Bytes]) -> Planned {
    set_for(context, args, Form::Ex, "setex")
}

fn psetex(context: &Context, args: &[Bytes]) -> Planned {
    set_for(context, args, Form::Px, "psetex")
}

fn set_for(context: &Context, args: &[Bytes], form: Form, command: &str) -> Planned {
    let [name, amount, bytes] = exactly(args)?;
    let expiry = Expiry::AfterMs(form.lifetime_ms(context, amount, command)?);
    let command = written(key(context, name)?, value(context, bytes)?, expiry, Condition::None);
    Ok(write_one(command, |reply| done(reply, Value::OK, Value::Null)))
}

fn getset(context: &Context, args: &[Bytes]) -> Planned {
    let [name, bytes] = exactly(args)?;
    let name = key(context, name)?;
    let command = written(name.clone(), value(context, bytes)?, Expiry::Never, Condition::None);
    Ok(looking_first(name, command, |before, reply| match reply {
        Reply::Rejected(_) => otherwise(reply),
        _ => Value::bulk_or_null(before.map(|entry| entry.value)),
    }))
}

/// The command that leaves a key as if this had been written.
fn written(key: Key, value: Bytes, expiry: Expiry, condition: Condition) -> Command {
    match expiry {
        Expiry::AfterMs(0) => Command::Delete(Delete { key, condition }),
        expiry => Command::Set(Set { key, value, content: Content::Octets, expiry, condition }),
    }
}

fn done(reply: Reply, written: Value, unmet: Value) -> Value {
    match reply {
        Reply::Written(_) | Reply::Deleted { .. } => written,
        Reply::Rejected(Rejection::VersionMismatch { .. }) => unmet,
        reply => otherwise(reply),
    }
}
