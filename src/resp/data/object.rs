//! `OBJECT`: what is known of how a value is kept. Encodings are those Redis would choose for a value it is given
//! whole; here there is one, so they follow from the value alone.

use bytes::Bytes;
use raft_store::key::Key;

use super::super::plan::{Context, Plan};
use super::super::value::Value;
use super::args::{Planned, at_least, is, key, parse_integer, read_value, wrong_number};
use super::spec::{DataCommand, KeyPositions, NO_FLAGS, READ, Spec};

/// The commands of this file.
pub(super) const COMMANDS: &[DataCommand] =
    &[Spec::new("generic", "object", -2, NO_FLAGS, KeyPositions::NONE)
        .docs("2.2.3", "O(1)", "How a value is kept.")
        .with(&SUBCOMMANDS)
        .planned_by(object)];

const SUBCOMMANDS: [Spec; 5] = [
    Spec::new("generic", "object|encoding", 3, READ, KeyPositions::SECOND)
        .docs("2.2.3", "O(1)", "The encoding of a value.")
        .differs("The one Redis would choose for the value when it is written whole."),
    Spec::new("generic", "object|refcount", 3, READ, KeyPositions::SECOND)
        .docs("2.2.3", "O(1)", "How often a value is shared.")
        .differs("Always 1."),
    Spec::new("generic", "object|idletime", 3, READ, KeyPositions::SECOND)
        .docs("2.2.3", "O(1)", "How long a key was not accessed.")
        .differs("Refused: accesses are not recorded."),
    Spec::new("generic", "object|freq", 3, READ, KeyPositions::SECOND)
        .docs("4.0.0", "O(1)", "How often a key is accessed.")
        .differs("Refused: accesses are not recorded."),
    Spec::new("generic", "object|help", 2, NO_FLAGS, KeyPositions::NONE).docs(
        "6.2.0",
        "O(1)",
        "The subcommands.",
    ),
];

/// Longest value Redis keeps in one piece with what it knows of it, in bytes.
const EMBEDDED_BYTES_MAX: usize = 44;

const HELP: [&str; 9] = [
    "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "ENCODING <key>",
    "    Return the encoding Redis would choose for the value of <key>.",
    "FREQ <key>",
    "    Refused: accesses are not recorded.",
    "IDLETIME <key>",
    "    Refused: accesses are not recorded.",
    "REFCOUNT <key>",
    "    Return 1.",
];

fn object(context: &Context, args: &[Bytes]) -> Planned {
    let ([subcommand], rest) = at_least(args)?;
    let one_key = |name| match rest {
        [of] => key(context, of),
        _ => Err(wrong_number(name)),
    };
    match subcommand {
        word if is(word, "encoding") => {
            Ok(of_value(one_key("object|encoding")?, |value| Value::text(encoding(value))))
        }
        word if is(word, "refcount") => Ok(of_value(one_key("object|refcount")?, |_| Value::Int(1))),
        word if is(word, "idletime") => one_key("object|idletime").and(Err(unrecorded("idle time"))),
        word if is(word, "freq") => one_key("object|freq").and(Err(unrecorded("access frequency"))),
        word if is(word, "help") && rest.is_empty() => Ok(Plan::Now(help())),
        word if is(word, "help") => Err(wrong_number("object|help")),
        other => {
            let other = String::from_utf8_lossy(other);
            Err(Value::err(format_args!("unknown subcommand '{other}'. Try OBJECT HELP.")))
        }
    }
}

fn of_value(key: Key, told: fn(&[u8]) -> Value) -> Plan {
    read_value(key, Value::Null, move |value| told(&value))
}

fn encoding(value: &[u8]) -> &'static str {
    match value {
        number if parse_integer(number).is_some() => "int",
        short if short.len() <= EMBEDDED_BYTES_MAX => "embstr",
        _ => "raw",
    }
}

fn unrecorded(what: &str) -> Value {
    Value::err(format_args!("{what} is not tracked: accesses to keys are not recorded"))
}

fn help() -> Value {
    Value::Array(HELP.into_iter().map(Value::Simple).collect())
}
