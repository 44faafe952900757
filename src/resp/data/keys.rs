//! `DEL`, `UNLINK`, `EXISTS`, `TOUCH`, `TYPE`, `RENAME`, `RENAMENX` and `COPY`: about keys, whatever they hold.

use bytes::Bytes;
use raft_store::command::{Command, Condition, Copy, Delete, Rejection, Rename, Reply};

use super::super::plan::{Applied, Context, Plan, WriteShape};
use super::super::value::Value;
use super::args::{
    Planned, at_least, count_found, exactly, integer, is, key, keys, otherwise, read_one, syntax, write_one,
};
use super::spec::{DataCommand, GROW, KeyPositions, READ_FAST, Spec, WRITE, WRITE_FAST};

/// The commands of this file.
pub(super) const COMMANDS: &[DataCommand] = &[
    Spec::new("generic", "del", -2, WRITE, KeyPositions::ALL)
        .docs("1.0.0", "O(N) for N keys", "Delete keys.")
        .differs("Keys of several groups are deleted group by group, not all at once.")
        .planned_by(del),
    Spec::new("generic", "unlink", -2, WRITE_FAST, KeyPositions::ALL)
        .docs("4.0.0", "O(N) for N keys", "Delete keys.")
        .differs("The same as DEL.")
        .planned_by(del),
    Spec::new("generic", "exists", -2, READ_FAST, KeyPositions::ALL)
        .docs("1.0.0", "O(N) for N keys", "How many of the keys exist.")
        .differs("Keys of several groups are each read at a moment of their own.")
        .planned_by(exists),
    Spec::new("generic", "touch", -2, READ_FAST, KeyPositions::ALL)
        .docs("3.2.1", "O(N) for N keys", "How many of the keys exist.")
        .differs("The same as EXISTS: accesses are not recorded.")
        .planned_by(exists),
    Spec::new("generic", "type", 2, READ_FAST, KeyPositions::ONE)
        .docs("1.0.0", "O(1)", "What a key holds.")
        .differs("Strings are all there is.")
        .planned_by(kind),
    Spec::new("generic", "rename", 3, WRITE, KeyPositions::TWO)
        .docs("1.0.0", "O(1)", "Give a value another key.")
        .differs("Keys of two groups are refused with CROSSSLOT.")
        .planned_by(rename),
    Spec::new("generic", "renamenx", 3, WRITE_FAST, KeyPositions::TWO)
        .docs("1.0.0", "O(1)", "Give a value another key that does not exist.")
        .differs("Keys of two groups are refused with CROSSSLOT.")
        .planned_by(renamenx),
    Spec::new("generic", "copy", -3, GROW, KeyPositions::TWO)
        .docs("6.2.0", "O(1)", "Write a value to another key too.")
        .differs("Keys of two groups are refused with CROSSSLOT; there is no database but 0.")
        .planned_by(copy),
];

/// `DEL`, and `UNLINK`, which is the same here. Each key is deleted on its own.
fn del(context: &Context, args: &[Bytes]) -> Planned {
    let delete = |key| Command::Delete(Delete { key, condition: Condition::None });
    let commands = keys(context, args)?.into_iter().map(delete).collect();
    Ok(Plan::Write { commands, shape: WriteShape::new(|_, applied| deleted(applied)) })
}

fn deleted(applied: Vec<Applied>) -> Value {
    let mut count = 0;
    for Applied { reply, .. } in applied {
        match reply {
            Reply::Deleted { deleted, .. } => count += usize::from(deleted),
            reply => return otherwise(reply),
        }
    }
    Value::count(count)
}

/// `EXISTS`, and `TOUCH`, which is the same here: accesses are not recorded.
fn exists(context: &Context, args: &[Bytes]) -> Planned {
    keys(context, args).map(count_found)
}

fn kind(context: &Context, args: &[Bytes]) -> Planned {
    let [name] = exactly(args)?;
    Ok(read_one(key(context, name)?, |_, entry, _| {
        Value::Simple(if entry.is_some() { "string" } else { "none" })
    }))
}

fn rename(context: &Context, args: &[Bytes]) -> Planned {
    rename_with(context, args, false)
}

fn renamenx(context: &Context, args: &[Bytes]) -> Planned {
    rename_with(context, args, true)
}

fn rename_with(context: &Context, args: &[Bytes], if_absent: bool) -> Planned {
    let [from, to] = exactly(args)?;
    let (from, to) = (key(context, from)?, key(context, to)?);
    Ok(write_one(Command::Rename(Rename { from, to, if_absent }), move |reply| match reply {
        Reply::Written(_) if if_absent => Value::Int(1),
        Reply::Written(_) => Value::OK,
        Reply::Rejected(Rejection::Unmet) => Value::Int(0),
        reply => otherwise(reply),
    }))
}

fn copy(context: &Context, args: &[Bytes]) -> Planned {
    let ([from, to], mut options) = at_least(args)?;
    let mut replace = false;
    loop {
        options = match options {
            [] => break,
            [word, rest @ ..] if is(word, "replace") => {
                replace = true;
                rest
            }
            [word, database, rest @ ..] if is(word, "db") => {
                only_database(database)?;
                rest
            }
            _ => return Err(syntax()),
        };
    }
    if from == to {
        return Err(Value::err("source and destination objects are the same"));
    }
    let (from, to) = (key(context, from)?, key(context, to)?);
    Ok(write_one(Command::Copy(Copy { from, to, replace }), |reply| match reply {
        Reply::Written(_) => Value::Int(1),
        Reply::Rejected(Rejection::Missing | Rejection::Unmet) => Value::Int(0),
        reply => otherwise(reply),
    }))
}

/// There is one database, number 0.
fn only_database(arg: &[u8]) -> Result<(), Value> {
    match integer(arg)? {
        0 => Ok(()),
        _ => Err(Value::err("DB index is out of range")),
    }
}
