//! `GETEX` and `GETDEL`: read a value and change how long it stays.

use bytes::Bytes;
use raft_store::command::{Command, Condition, Delete, Expire, ExpireOnly, Persist};
use raft_store::key::Key;

use super::super::plan::{Context, Plan};
use super::super::value::Value;
use super::args::{Planned, at_least, exactly, is, key, read_value, syntax};
use super::spec::{DataCommand, KeyPositions, Spec, WRITE_FAST};
use super::time::TimeOption;
use super::txn::looking_first;

/// The commands of this file.
pub(super) const COMMANDS: &[DataCommand] = &[
    Spec::new("string", "getdel", 2, WRITE_FAST, KeyPositions::ONE)
        .docs("6.2.0", "O(1)", "Delete a key and answer what was there.")
        .planned_by(getdel),
    Spec::new("string", "getex", -2, WRITE_FAST, KeyPositions::ONE)
        .docs("6.2.0", "O(1)", "The value of a key, which gets another time to live.")
        .differs("PERSIST on a key that never expires counts as a change for WATCH.")
        .planned_by(getex),
];

fn getdel(context: &Context, args: &[Bytes]) -> Planned {
    let [name] = exactly(args)?;
    let key = key(context, name)?;
    Ok(value_then(key.clone(), Command::Delete(Delete { key, condition: Condition::None })))
}

fn getex(context: &Context, args: &[Bytes]) -> Planned {
    let ([name], mut rest) = at_least(args)?;
    let key = key(context, name)?;
    let (mut persist, mut time) = (false, None);
    while let Some(word) = rest.first() {
        rest = match word {
            word if is(word, "persist") && time.is_none() => {
                persist = true;
                &rest[1..]
            }
            _ if persist => return Err(syntax()),
            _ => TimeOption::take_into(&mut time, rest)?,
        };
    }
    Ok(match time {
        Some(time) => expiring(context, key, &time),
        None if persist => {
            value_then(key.clone(), Command::Persist(Persist { key, condition: Condition::None }))
        }
        None => read_value(key, Value::Null, Value::Bulk),
    })
}

fn expiring(context: &Context, key: Key, time: &TimeOption) -> Plan {
    match time.form.lifetime_ms(context, &time.amount, "getex") {
        Ok(ttl_ms) => {
            let only = ExpireOnly::Always;
            value_then(key.clone(), Command::Expire(Expire { key, ttl_ms, only }))
        }
        // Redis looks for the key before it looks at the time.
        Err(error) => read_value(key, Value::Null, |_| error),
    }
}

/// Answers the value there was before the command, whatever the command said of an absent key.
fn value_then(key: Key, command: Command) -> Plan {
    looking_first(key, command, |before, _| Value::bulk_or_null(before.map(|entry| entry.value)))
}
