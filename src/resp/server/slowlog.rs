//! `SLOWLOG`: the operations that took long, of both protocols. `GET /v1/slow` tells more of each.

use bytes::Bytes;

use super::client_args::number;
use super::{Call, help, no_subcommand, wrong_number};
use crate::resp::value::Value;
use crate::trace::Slow;

/// How many entries `SLOWLOG GET` tells unless told otherwise, as in Redis.
const GET_DEFAULT: usize = 10;

const HELP: &[&str] = &[
    "GET [<count>]",
    "    The last entries, newest first (10; -1 for all): id, end as UNIX time, time in microseconds, what was",
    "    asked for, the request's id, and an empty name.",
    "LEN",
    "    How many entries are kept.",
    "RESET",
    "    Forget them.",
];

/// `SLOWLOG GET|LEN|RESET|HELP`.
pub(super) fn run(call: &Call<'_>) -> Value {
    let log = call.node.slow_log();
    let Some((subcommand, arguments)) = call.arguments.split_first() else {
        return Value::err("syntax error");
    };
    match (subcommand.to_ascii_lowercase().as_slice(), arguments) {
        (b"get", []) => told(log.last(GET_DEFAULT)),
        (b"get", [count]) => match number(count) {
            Some(-1) => told(log.last(usize::MAX)),
            Some(count @ 0..) => told(log.last(usize::try_from(count).unwrap_or(usize::MAX))),
            _ => Value::err("count should be greater than or equal to -1"),
        },
        (b"len", []) => Value::count(log.len()),
        (b"reset", []) => {
            log.reset();
            Value::OK
        }
        (b"help", []) => help("SLOWLOG", HELP),
        (b"get" | b"len" | b"reset" | b"help", _) => wrong_number("slowlog", subcommand),
        _ => no_subcommand("SLOWLOG", subcommand),
    }
}

fn told(slow: Vec<Slow>) -> Value {
    Value::Array(slow.into_iter().map(entry).collect())
}

/// In the form of Redis since 4.0. What stands for the arguments says what there is to say without keys and values.
fn entry(slow: Slow) -> Value {
    let int = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let text = |text: String| Value::Bulk(Bytes::from(text));
    let about = match slow.key {
        Some(key) => key,
        None => format!("{} keys, the first of {} bytes", slow.keys, slow.key_bytes),
    };
    Value::Array(vec![
        int(slow.id),
        int(slow.at_ms / 1000),
        int((slow.took_ms * 1000.0) as u64),
        Value::Array(vec![Value::text(slow.operation), text(about)]),
        text(slow.request_id),
        Value::text(""),
    ])
}
