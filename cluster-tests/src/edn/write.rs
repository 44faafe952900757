//! Operations as the maps of Jepsen.

use super::value::Value;
use crate::history::{Consistency, Expect, Expires, Input, Operation, Outcome, Output};

/// Two maps for each operation, by time; calls before returns.
pub(super) fn maps(history: &[Operation]) -> Vec<Value> {
    let mut events: Vec<(u64, bool, usize)> = Vec::with_capacity(history.len() * 2);
    for (index, op) in history.iter().enumerate() {
        events.push((op.call_ns, false, index));
        events.push((op.return_ns, true, index));
    }
    events.sort_unstable();
    events.into_iter().map(|(_, returned, index)| map(&history[index], index, returned)).collect()
}

fn map(op: &Operation, index: usize, returned: bool) -> Value {
    let (f, argument, extra) = call(&op.input);
    let mut pairs = Pairs(Vec::new());
    let (kind, error) = if returned { kind(op) } else { ("invoke", Value::Nil) };
    pairs.add("type", Value::keyword(kind));
    pairs.add("f", Value::keyword(f));
    let read = match (&op.output, returned) {
        (Some(Output::Read(Some(seen))), true) => Some(Value::Text(seen.value.clone())),
        _ => None,
    };
    let value = vec![Value::Text(op.key.clone()), read.unwrap_or(argument)];
    pairs.0.push((Value::keyword("value"), Value::List(value)));
    pairs.0.push((Value::keyword("process"), int(op.process)));
    pairs.0.push((Value::keyword("time"), int(if returned { op.return_ns } else { op.call_ns })));
    pairs.0.push((Value::keyword("id"), int(index as u64)));
    if returned {
        pairs.add("error", error);
        answer(op, &mut pairs);
    } else {
        pairs.add("client", int(op.client));
        pairs.add("node", int(op.node));
        pairs.add("connection", int(op.connection));
        extra.into_iter().for_each(|(name, value)| pairs.add(name, value));
    }
    Value::Map(pairs.0)
}

struct Pairs(Vec<(Value, Value)>);

impl Pairs {
    fn add(&mut self, name: &str, value: Value) {
        if value != Value::Nil {
            self.0.push((Value::keyword(name), value));
        }
    }
}

/// `:f`, the argument, and what Jepsen has no place for.
fn call(input: &Input) -> (&'static str, Value, Vec<(&'static str, Value)>) {
    let text = |value: &String| Value::Text(value.clone());
    let ttl = vec![("ttl", option(input.ttl_ms()))];
    match input {
        Input::Get(consistency) => {
            let name = match consistency {
                Consistency::Linearizable => return ("read", Value::Nil, Vec::new()),
                Consistency::Lease => "lease",
                Consistency::Local => "local",
            };
            ("read", Value::Nil, vec![("consistency", Value::keyword(name))])
        }
        Input::Set { value, .. } => ("write", text(value), ttl),
        Input::Delete => ("delete", Value::Nil, Vec::new()),
        Input::Cas { expect: Expect::Absent, value, .. } => ("create", text(value), ttl),
        Input::Cas { expect: Expect::Present, value, .. } => ("replace", text(value), ttl),
        Input::Cas { expect: Expect::Version(version), value, .. } => {
            ("cas-version", Value::List(vec![int(*version), text(value)]), ttl)
        }
        Input::Cas { expect: Expect::Value(old), value, .. } => {
            ("cas", Value::List(vec![text(old), text(value)]), ttl)
        }
        Input::Incr { by } => ("add", Value::Int(*by), Vec::new()),
        Input::Append { value } => ("append", text(value), Vec::new()),
        Input::Touch { ttl_ms } => ("touch", int(*ttl_ms), Vec::new()),
        Input::Persist => ("persist", Value::Nil, Vec::new()),
    }
}

/// `:type` and `:error` of an answer. A refusal is a `:fail`, whose error says what it was.
fn kind(op: &Operation) -> (&'static str, Value) {
    let error = if op.error.is_empty() { Value::Nil } else { Value::Text(op.error.clone()) };
    match (op.outcome, &op.output) {
        (Outcome::Fail, _) => ("fail", error),
        (Outcome::Unknown, _) => ("info", error),
        (Outcome::Ok, Some(Output::Mismatch { current })) => {
            ("fail", Value::List(vec![Value::keyword("mismatch"), option(*current)]))
        }
        (Outcome::Ok, Some(Output::Missing)) => ("fail", Value::keyword("missing")),
        (Outcome::Ok, Some(Output::NotANumber)) => ("fail", Value::keyword("not-a-number")),
        (Outcome::Ok, _) => ("ok", error),
    }
}

fn answer(op: &Operation, pairs: &mut Pairs) {
    match &op.output {
        Some(Output::Read(Some(seen))) => pairs.add("version", option(seen.version)),
        Some(Output::Written { version, created, value }) => {
            pairs.add("version", option(*version));
            pairs.add("created", created.map_or(Value::Nil, Value::Bool));
            pairs.add("computed", value.clone().map_or(Value::Nil, Value::Text));
        }
        Some(Output::Deleted { deleted, version }) => {
            pairs.add("deleted", Value::Bool(*deleted));
            pairs.add("version", option(*version));
        }
        _ => {}
    }
    pairs.add("group-time", option(op.time_ms));
    pairs.add("age", option(op.age_ms));
    match op.expires {
        Expires::Untold => {}
        Expires::Never => pairs.add("expires", Value::keyword("never")),
        Expires::In(ms) => pairs.add("expires", int(ms)),
    }
}

fn int(number: u64) -> Value {
    i64::try_from(number).map_or_else(|_| Value::Symbol(number.to_string()), Value::Int)
}

fn option(number: Option<u64>) -> Value {
    number.map_or(Value::Nil, int)
}
