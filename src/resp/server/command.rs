//! `COMMAND`: what commands there are, made from the one table.

use bytes::Bytes;

use super::client_args::is;
use super::{Call, help, no_subcommand, wrong_number};
use crate::resp::data::glob::Glob;
use crate::resp::data::spec::Spec;
use crate::resp::table;
use crate::resp::value::Value;

const HELP: &[&str] = &[
    "(no subcommand)",
    "    Every command with its details.",
    "COUNT",
    "    How many commands there are.",
    "DOCS [<command-name> ...]",
    "    What commands do.",
    "GETKEYS <full-command>",
    "    The keys of a command.",
    "INFO [<command-name> ...]",
    "    Details of commands.",
    "LIST [FILTERBY (ACLCAT <category> | PATTERN <pattern> | MODULE <name>)]",
    "    The names of commands.",
];

/// `COMMAND [COUNT|DOCS|GETKEYS|INFO|LIST|HELP]`.
pub(super) fn run(call: &Call<'_>) -> Value {
    let Some((subcommand, arguments)) = call.arguments.split_first() else {
        return Value::Array(table::all().iter().map(|known| details(known.spec)).collect());
    };
    let word = subcommand.to_ascii_lowercase();
    match (word.as_slice(), arguments) {
        (b"count", []) => Value::count(table::rows()),
        (b"info", []) => Value::Array(table::all().iter().map(|known| details(known.spec)).collect()),
        (b"info", names) => {
            let one = |name: &Bytes| table::find(name).map_or(Value::NullArray, |known| details(known.spec));
            Value::Array(names.iter().map(one).collect())
        }
        (b"docs", []) => Value::Map(table::all().iter().map(|known| docs(known.spec)).collect()),
        (b"docs", names) => Value::Map(
            names.iter().filter_map(|name| table::find(name)).map(|known| docs(known.spec)).collect(),
        ),
        (b"list", filter) => list(filter),
        (b"getkeys", [name, ..]) => keys(name, arguments),
        (b"help", []) => help("COMMAND", HELP),
        (b"count" | b"getkeys" | b"help", _) => wrong_number("command", subcommand),
        _ => no_subcommand("COMMAND", subcommand),
    }
}

fn details(spec: &Spec) -> Value {
    let number = |number: i32| Value::Int(number.into());
    let category = if spec.writes() { "@write" } else { "@read" };
    let categories = if spec.keys.first > 0 { vec![Value::Simple(category)] } else { Vec::new() };
    Value::Array(vec![
        Value::text(spec.name),
        number(spec.arity),
        Value::Set(spec.flags.iter().map(|flag| Value::Simple(flag)).collect()),
        number(spec.keys.first),
        number(spec.keys.last),
        number(spec.keys.step),
        Value::Set(categories),
        Value::Array(Vec::new()),
        Value::Array(Vec::new()),
        Value::Array(Vec::new()),
    ])
}

fn docs(spec: &Spec) -> (Value, Value) {
    let fields = [
        ("summary", spec.summary),
        ("since", spec.since),
        ("group", spec.group),
        ("complexity", spec.complexity),
    ];
    let fields = fields.into_iter().map(|(name, text)| (Value::text(name), Value::text(text)));
    (Value::text(spec.name), Value::Map(fields.collect()))
}

fn list(filter: &[Bytes]) -> Value {
    let names = || table::all().iter().map(|known| known.spec.name);
    let chosen: Vec<&'static str> = match filter {
        [] => names().collect(),
        [word, kind, pattern] if is(word, "filterby") && is(kind, "pattern") => {
            let pattern = Glob::new(&pattern.to_ascii_lowercase());
            names().filter(|name| pattern.matches(name.as_bytes())).collect()
        }
        [word, kind, _] if is(word, "filterby") && (is(kind, "module") || is(kind, "aclcat")) => Vec::new(),
        _ => return Value::err("syntax error"),
    };
    Value::Array(chosen.into_iter().map(Value::text).collect())
}

fn keys(name: &[u8], words: &[Bytes]) -> Value {
    let Some(known) = table::find(name) else { return Value::err("Invalid command specified") };
    if known.spec.keys.first == 0 {
        return Value::err("The command has no key arguments");
    }
    if !known.spec.takes(words.len()) {
        return Value::err("Invalid number of arguments specified for command");
    }
    Value::Array(table::keys(known.spec, words).cloned().map(Value::Bulk).collect())
}
