//! `TTL`, `PTTL`, `EXPIRETIME`, `PEXPIRETIME` and `PERSIST`: how long a key stays.

use bytes::Bytes;
use raft_store::command::{Command, Condition, Persist};
use raft_store::map::Entry;

use super::super::plan::Context;
use super::super::value::Value;
use super::args::{Planned, exactly, key, read_one};
use super::spec::{DataCommand, KeyPositions, READ_FAST, Spec, WRITE_FAST};
use super::txn::looking_first;

/// The commands of this file.
pub(super) const COMMANDS: &[DataCommand] = &[
Spec::new("generic", "ttl", 2, READ_FAST, KeyPositions::ONE).docs("1.0.0", "O(1)", "How many seconds a key has left.").planned_by(ttl),
Spec::new("generic", "pttl", 2, READ_FAST, KeyPositions::ONE).docs("2.6.0", "O(1)", "How many milliseconds a key has left.").planned_by(pttl),
Spec::new("generic", "expiretime", 2, READ_FAST, KeyPositions::ONE).docs("7.0.0", "O(1)", "The second since 1970 at which a key expires.").differs("Told by the answering node's wall clock from the time left.").planned_by(expiretime),
Spec::new("generic", "pexpiretime", 2, READ_FAST, KeyPositions::ONE).docs("7.0.0", "O(1)", "The millisecond since 1970 at which a key expires.").differs("Told by the answering node's wall clock from the time left: it may differ by some milliseconds between two calls.").planned_by(pexpiretime),
Spec::new("generic", "persist", 2, WRITE_FAST, KeyPositions::ONE).docs("2.2.0", "O(1)", "Let a key never expire.").differs("On a key that never expires it counts as a change for WATCH.").planned_by(persist),
];

/// What is answered of an absent key.
const ABSENT: i64 = -2;
/// What is answered of a key that never expires.
const NEVER: i64 = -1;

fn ttl(context: &Context, args: &[Bytes]) -> Planned {
    time_of(context, args, |_, left_ms| seconds(left_ms))
}

fn pttl(context: &Context, args: &[Bytes]) -> Planned {
    time_of(context, args, |_, left_ms| left_ms)
}

fn expiretime(context: &Context, args: &[Bytes]) -> Planned {
    time_of(context, args, |context, left_ms| seconds(context.wall_ms.saturating_add(left_ms)))
}

fn pexpiretime(context: &Context, args: &[Bytes]) -> Planned {
    time_of(context, args, |context, left_ms| context.wall_ms.saturating_add(left_ms))
}

/// Answers by how many milliseconds a key has left.
fn time_of(context: &Context, args: &[Bytes], told: fn(&Context, u64) -> u64) -> Planned {
    let [name] = exactly(args)?;
    Ok(read_one(key(context, name)?, move |context, entry, time_ms| {
        Value::Int(match entry.map(|entry| entry.deadline) {
            None => ABSENT,
            Some(None) => NEVER,
            Some(Some(deadline)) => {
                let told = told(context, deadline.saturating_sub(time_ms));
                i64::try_from(told).unwrap_or(i64::MAX)
            }
        })
    }))
}

/// Rounded as Redis does.
fn seconds(ms: u64) -> u64 {
    ms.saturating_add(500) / 1000
}

fn persist(context: &Context, args: &[Bytes]) -> Planned {
    let [name] = exactly(args)?;
    let key = key(context, name)?;
    let persist = Command::Persist(Persist { key: key.clone(), condition: Condition::None });
    let had_one = |before: Option<Entry>| before.is_some_and(|entry| entry.deadline.is_some());
    Ok(looking_first(key, persist, move |before, _| Value::flag(had_one(before))))
}
