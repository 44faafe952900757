//! `TIME`, `WAIT`, `DEBUG`, `FUNCTION`.

use std::time::Duration;

use bytes::Bytes;

use super::client_args::{is, number};
use super::{Call, no_subcommand};
use crate::clock;
use crate::limits::RESP_DEBUG_SLEEP_MAX;
use crate::resp::value::Value;

/// `TIME`: seconds and microseconds of the wall clock.
pub(super) fn time(_: &Call<'_>) -> Value {
    let now_ms = clock::wall_ms();
    let part = |number: u64| Value::Bulk(Bytes::from(number.to_string()));
    Value::Array(vec![part(now_ms / 1000), part(now_ms % 1000 * 1000)])
}

/// `WAIT replicas timeout`: how many replicas besides the leader have every acknowledged write on disk, at least.
pub(super) fn wait(call: &Call<'_>) -> Value {
    let [replicas, timeout] = call.arguments else { return Value::err("syntax error") };
    match (number(replicas), number(timeout)) {
        (None, _) => Value::err("value is not an integer or out of range"),
        (_, None) => Value::err("timeout is not an integer or out of range"),
        (_, Some(..0)) => Value::err("timeout is negative"),
        _ => Value::Int(durable_beside_leader(call.node.voters_min())),
    }
}

/// Of a group's voters those that surely hold an acknowledged write, but for its leader: a majority less one.
fn durable_beside_leader(voters: usize) -> i64 {
    (voters / 2) as i64
}

/// `DEBUG SLEEP seconds`, when the setting `resp-debug` allows it. It holds up this connection and no other.
pub(super) async fn debug(call: &Call<'_>) -> Value {
    if !call.shared.config.resp_debug {
        return Value::err(
            "DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from \
             a local connection, otherwise you need to set this option in the configuration file, and then restart \
             the server.",
        );
    }
    match call.arguments {
        [word, seconds] if is(word, "sleep") => {
            let seconds = std::str::from_utf8(seconds).ok().and_then(|text| text.parse::<f64>().ok());
            let wanted = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            let Some(wanted) = wanted else { return Value::err("value is not a valid float") };
            tokio::time::sleep(wanted.min(RESP_DEBUG_SLEEP_MAX)).await;
            Value::OK
        }
        [word, ..] => no_subcommand("DEBUG", word),
        [] => Value::err("syntax error"),
    }
}

/// `FUNCTION`: there are no functions.
pub(super) fn function(call: &Call<'_>) -> Value {
    match call.arguments {
        [word] | [word, _] if is(word, "flush") => Value::OK,
        [word, ..] if is(word, "list") => Value::Array(Vec::new()),
        [word, ..] => no_subcommand("FUNCTION", word),
        [] => Value::err("syntax error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_on_a_majority_before_it_is_acknowledged() {
        let beside: Vec<i64> = (1..=5).map(durable_beside_leader).collect();
        assert_eq!(beside, [0, 1, 1, 2, 2]);
    }
}
