//! `GET`, `MGET`, `STRLEN`, `GETRANGE` and `SUBSTR`: reading values.

use bytes::Bytes;

use super::super::plan::{Context, Plan, ReadShape};
use super::super::value::Value;
use super::args::{Planned, exactly, integer, key, keys, read_value};
use super::range::Ends;
use super::spec::{DataCommand, KeyPositions, READ, READ_FAST, Spec};

/// The commands of this file.
pub(super) const COMMANDS: &[DataCommand] = &[
    Spec::new("string", "get", 2, READ_FAST, KeyPositions::ONE)
        .docs("1.0.0", "O(1)", "The value of a key.")
        .planned_by(get),
    Spec::new("string", "mget", -2, READ_FAST, KeyPositions::ALL)
        .docs("1.0.0", "O(N) for N keys", "The values of keys.")
        .differs("Keys of several groups are each read at a moment of their own.")
        .planned_by(mget),
    Spec::new("string", "strlen", 2, READ_FAST, KeyPositions::ONE)
        .docs("2.2.0", "O(1)", "How long a value is, in bytes.")
        .planned_by(strlen),
    Spec::new("string", "getrange", 4, READ, KeyPositions::ONE)
        .docs("2.4.0", "O(N) for N bytes answered", "A part of a value.")
        .planned_by(getrange),
    Spec::new("string", "substr", 4, READ, KeyPositions::ONE)
        .docs("1.0.0", "O(N) for N bytes answered", "A part of a value; the old name of GETRANGE.")
        .planned_by(getrange),
];

fn get(context: &Context, args: &[Bytes]) -> Planned {
    let [name] = exactly(args)?;
    Ok(read_value(key(context, name)?, Value::Null, Value::Bulk))
}

fn mget(context: &Context, args: &[Bytes]) -> Planned {
    let shape = ReadShape::new(|_, found| {
        let values = found.into_iter().map(|found| found.entry.map(|entry| entry.value));
        Value::Array(values.map(Value::bulk_or_null).collect())
    });
    Ok(Plan::Read { keys: keys(context, args)?, shape })
}

fn strlen(context: &Context, args: &[Bytes]) -> Planned {
    let [name] = exactly(args)?;
    Ok(read_value(key(context, name)?, Value::Int(0), |value| Value::count(value.len())))
}

/// `GETRANGE`, and `SUBSTR`, its name until Redis 2.0.
fn getrange(context: &Context, args: &[Bytes]) -> Planned {
    let [name, start, end] = exactly(args)?;
    let ends = Ends { start: integer(start)?, end: integer(end)? };
    Ok(read_value(key(context, name)?, Value::text(""), move |value| {
        Value::Bulk(ends.within(value.len()).map_or_else(Bytes::new, |range| value.slice(range)))
    }))
}
