//! What planners share: how arguments are read, how plans are made, and the error texts of Redis.

use bytes::Bytes;
use raft_store::command::{Command, Rejection, Reply};
use raft_store::key::Key;
use raft_store::map::Entry;

use super::super::plan::{Applied, Context, Found, Plan, ReadShape, WriteShape};
use super::super::value::Value;

/// A plan, or the error that answers the command.
pub(super) type Planned = Result<Plan, Value>;

/// `ERR syntax error`.
pub(super) fn syntax() -> Value {
    Value::err("syntax error")
}

/// `ERR wrong number of arguments for '…' command`.
pub(super) fn wrong_number(command: &str) -> Value {
    Value::err(format_args!("wrong number of arguments for '{command}' command"))
}

/// `ERR string exceeds maximum allowed size (proto-max-bulk-len)`.
pub(super) fn too_long() -> Value {
    Value::err("string exceeds maximum allowed size (proto-max-bulk-len)")
}

/// The arguments when there are exactly so many; arities have been checked, so another number is a slip in a table.
pub(super) fn exactly<const N: usize>(args: &[Bytes]) -> Result<&[Bytes; N], Value> {
    args.try_into().map_err(|_| Value::err("wrong number of arguments"))
}

/// The first so many arguments, and the rest.
pub(super) fn at_least<const N: usize>(args: &[Bytes]) -> Result<(&[Bytes; N], &[Bytes]), Value> {
    args.split_first_chunk().ok_or_else(|| Value::err("wrong number of arguments"))
}

/// Whether an argument is this word, in whatever case.
pub(super) fn is(arg: &[u8], word: &str) -> bool {
    arg.eq_ignore_ascii_case(word.as_bytes())
}

/// A key of the context's namespace.
pub(super) fn key(context: &Context, arg: &[u8]) -> Result<Key, Value> {
    Key::new(context.namespace, arg).map_err(Value::err)
}

/// Keys of the context's namespace.
pub(super) fn keys(context: &Context, args: &[Bytes]) -> Result<Vec<Key>, Value> {
    args.iter().map(|arg| key(context, arg)).collect()
}

/// A value within the bound.
pub(super) fn value(context: &Context, arg: &Bytes) -> Result<Bytes, Value> {
    if arg.len() > context.value_bytes_max { Err(too_long()) } else { Ok(arg.clone()) }
}

/// An integer as Redis reads it, or its error.
pub(super) fn integer(arg: &[u8]) -> Result<i64, Value> {
    parse_integer(arg).ok_or_else(|| Value::err("value is not an integer or out of range"))
}

/// Reads an integer exactly as Redis does (`string2ll` in its `util.c`): an optional `-`, then digits without a leading
/// zero; `0` alone is zero, and `-0`, `+1` and ` 1` are nothing.
pub(super) fn parse_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = text == b"0" || matches!(digits.first(), Some(b'1'..=b'9'));
    canonical.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}

/// Looks at one key and answers by what is there.
pub(super) fn read_one(
    key: Key,
    answer: impl FnOnce(&Context, Option<Entry>, u64) -> Value + Send + 'static,
) -> Plan {
    let shape = ReadShape::new(|context, mut found| match found.pop() {
        Some(Found { entry, time_ms }) => answer(context, entry, time_ms),
        None => unanswered(),
    });
    Plan::Read { keys: vec![key], shape }
}

/// Looks at one key and answers by its value, or by `absent`.
pub(super) fn read_value(
    key: Key,
    absent: Value,
    answer: impl FnOnce(Bytes) -> Value + Send + 'static,
) -> Plan {
    read_one(key, |_, entry, _| entry.map_or(absent, |entry| answer(entry.value)))
}

/// Carries out one command and answers by its reply.
pub(super) fn write_one(command: Command, answer: impl FnOnce(Reply) -> Value + Send + 'static) -> Plan {
    let shape = WriteShape::new(|_, mut applied| match applied.pop() {
        Some(Applied { reply, .. }) => answer(reply),
        None => unanswered(),
    });
    Plan::Write { commands: vec![command], shape }
}

/// Counts what `counts` says of each key's entry.
pub(super) fn count_found(keys: Vec<Key>) -> Plan {
    let shape =
        ReadShape::new(|_, found| Value::count(found.iter().filter(|found| found.entry.is_some()).count()));
    Plan::Read { keys, shape }
}

/// What is said of a reply that the command's own shape has no word for.
pub(super) fn otherwise(reply: Reply) -> Value {
    match reply {
        Reply::Rejected(rejection) => rejected(&rejection),
        _ => unanswered(),
    }
}

/// What Redis says in the case of a rejection.
fn rejected(rejection: &Rejection) -> Value {
    match rejection {
        Rejection::Missing => Value::err("no such key"),
        Rejection::NotANumber => Value::err("value is not an integer or out of range"),
        Rejection::Overflow => Value::err("increment or decrement would overflow"),
        Rejection::TooLarge => too_long(),
        Rejection::NotAFloat => Value::err("value is not a valid float"),
        Rejection::NotOwner => Value::Error(format!("TRYAGAIN {rejection}")),
        Rejection::VersionMismatch { .. } | Rejection::WrongContent | Rejection::Unmet => {
            Value::err(rejection)
        }
    }
}

/// An answer that cannot come: of another kind than the command's.
pub(super) fn unanswered() -> Value {
    Value::err("internal error: a command was answered by something else")
}
