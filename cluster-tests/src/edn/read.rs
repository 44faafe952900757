//! Operations from the maps of Jepsen: calls are paired with what became of them.

use std::collections::HashMap;

use anyhow::{Context, bail};

use super::Subject;
use super::value::Value;
use crate::checker::unique_set::SEPARATOR;
use crate::history::{Consistency, Expect, Expires, Input, Operation, Outcome, Output, Seen};

/// The key of a history that has but one.
const ONLY_KEY: &str = "r";

/// A history is one vector of maps, or the maps alone.
pub(super) fn history(forms: Vec<Value>, subject: Subject) -> anyhow::Result<Vec<Operation>> {
    let maps: Vec<Value> = forms
        .into_iter()
        .flat_map(|form| match form {
            Value::List(maps) => maps,
            other => vec![other],
        })
        .collect();
    Reader { subject, keyed: is_keyed(&maps) }.pair(&maps)
}

/// Whether a map is an operation of a client, and not of the nemesis.
fn is_clients(map: &Value) -> bool {
    map.get("process").as_u64().is_some()
}

/// Whether every value is `[key value]`. A compare-and-set without key has two values, but not two in one.
fn is_keyed(maps: &[Value]) -> bool {
    let mut clients = maps.iter().filter(|map| is_clients(map)).peekable();
    clients.peek().is_some()
        && clients.all(|map| match map.get("value") {
            Value::List(pair) if pair.len() == 2 => {
                let two = matches!(&pair[1], Value::List(values) if values.len() == 2);
                two || !map.get("f").as_name().starts_with("cas")
            }
            _ => false,
        })
}

struct Reader {
    subject: Subject,
    keyed: bool,
}

impl Reader {
    fn pair(&self, maps: &[Value]) -> anyhow::Result<Vec<Operation>> {
        let mut history: Vec<Operation> = Vec::new();
        let mut running: HashMap<u64, usize> = HashMap::new();
        for (index, map) in maps.iter().enumerate().filter(|(_, map)| is_clients(map)) {
            let process = map.get("process").as_u64().unwrap_or_default();
            let at_ns = map.get("time").as_u64().unwrap_or(index as u64);
            let place = || format!("map {index}: {map}");
            if map.get("type").as_name() == "invoke" {
                let operation = self.invoked(map, process, at_ns).with_context(place)?;
                if running.insert(process, history.len()).is_some() {
                    bail!("process {process} calls twice: {}", place());
                }
                history.push(operation);
            } else {
                let called =
                    running.remove(&process).context("an answer without a call").with_context(place)?;
                self.answered(&mut history[called], map, at_ns).with_context(place)?;
            }
        }
        let end_ns = history.iter().map(|op| op.return_ns.max(op.call_ns)).max().unwrap_or_default();
        running.values().for_each(|left| history[*left].return_ns = end_ns);
        Ok(history)
    }

    fn key_and_value<'a>(&self, map: &'a Value) -> (String, &'a Value) {
        match map.get("value") {
            Value::List(pair) if self.keyed => (plain(&pair[0]), &pair[1]),
            value => (ONLY_KEY.to_owned(), value),
        }
    }

    fn invoked(&self, map: &Value, process: u64, call_ns: u64) -> anyhow::Result<Operation> {
        let (key, value) = self.key_and_value(map);
        Ok(Operation {
            client: map.get("client").as_u64().unwrap_or(process),
            process,
            node: map.get("node").as_u64().unwrap_or_default(),
            connection: map.get("connection").as_u64().unwrap_or_default(),
            key,
            call_ns,
            return_ns: call_ns,
            input: self.input(map, value)?,
            ..Operation::default()
        })
    }

    fn input(&self, map: &Value, value: &Value) -> anyhow::Result<Input> {
        let ttl_ms = map.get("ttl").as_u64();
        let cas = |expect, value: &Value| Input::Cas { expect, value: plain(value), ttl_ms };
        Ok(match (map.get("f").as_name(), value) {
            ("read" | "r", _) => Input::Get(match map.get("consistency").as_name() {
                "local" => Consistency::Local,
                "lease" => Consistency::Lease,
                _ => Consistency::Linearizable,
            }),
            ("write" | "w", value) => Input::Set { value: plain(value), ttl_ms },
            ("cas", Value::List(pair)) if pair.len() == 2 => match &pair[0] {
                Value::Nil => cas(Expect::Absent, &pair[1]),
                old => cas(Expect::Value(plain(old)), &pair[1]),
            },
            ("cas-version", Value::List(pair)) if pair.len() == 2 => {
                cas(Expect::Version(pair[0].as_u64().context("a version is a number")?), &pair[1])
            }
            ("create", value) => cas(Expect::Absent, value),
            ("replace", value) => cas(Expect::Present, value),
            ("delete", _) => Input::Delete,
            ("add" | "append", element) if matches!(self.subject, Subject::Set | Subject::Append) => {
                Input::Append { value: format!("{}{SEPARATOR}", plain(element)) }
            }
            ("append", value) => Input::Append { value: plain(value) },
            ("add", Value::Int(by)) => Input::Incr { by: *by },
            ("touch", ms) => Input::Touch { ttl_ms: ms.as_u64().context("a time to live is a number")? },
            ("persist", _) => Input::Persist,
            (other, _) => bail!("nothing is known of :f :{other} with this value"),
        })
    }

    fn answered(&self, op: &mut Operation, map: &Value, return_ns: u64) -> anyhow::Result<()> {
        op.return_ns = return_ns;
        op.time_ms = map.get("group-time").as_u64();
        op.age_ms = map.get("age").as_u64();
        op.expires = match map.get("expires") {
            Value::Int(_) => map.get("expires").as_u64().map_or(Expires::Untold, Expires::In),
            Value::Keyword(_) => Expires::Never,
            _ => Expires::Untold,
        };
        let refusal = refusal(map.get("error"));
        (op.outcome, op.output) = match (map.get("type").as_name(), refusal) {
            ("ok", _) => (Outcome::Ok, Some(self.output(&op.input, map))),
            ("fail", Some(refusal)) => (Outcome::Ok, Some(refusal)),
            ("fail", None) => (Outcome::Fail, None),
            ("info", _) => (Outcome::Unknown, None),
            (other, _) => bail!("nothing is known of :type :{other}"),
        };
        if let Value::Text(error) = map.get("error") {
            op.error.clone_from(error);
        }
        Ok(())
    }

    fn output(&self, input: &Input, map: &Value) -> Output {
        let version = map.get("version").as_u64();
        match input {
            Input::Get(_) => match self.key_and_value(map).1 {
                Value::Nil => Output::Read(None),
                value => Output::Read(Some(Seen { value: self.shown(value), version })),
            },
            Input::Delete => {
                Output::Deleted { deleted: map.get("deleted").as_bool().unwrap_or_default(), version }
            }
            _ => Output::Written {
                version,
                created: map.get("created").as_bool(),
                value: Some(map.get("computed")).filter(|value| **value != Value::Nil).map(plain),
            },
        }
    }

    /// A value read: of a list or set all elements, of a set in the order of their texts.
    fn shown(&self, value: &Value) -> String {
        let (Value::List(elements) | Value::Set(elements)) = value else { return plain(value) };
        let mut elements: Vec<String> =
            elements.iter().map(|element| format!("{}{SEPARATOR}", plain(element))).collect();
        if self.subject == Subject::Set {
            elements.sort();
        }
        elements.concat()
    }
}

/// What a `:fail` that Quorate answered on purpose stands for.
fn refusal(error: &Value) -> Option<Output> {
    match error {
        Value::Keyword(name) if name == "missing" => Some(Output::Missing),
        Value::Keyword(name) if name == "not-a-number" => Some(Output::NotANumber),
        Value::List(parts) if parts.first().is_some_and(|part| part.as_name() == "mismatch") => {
            Some(Output::Mismatch { current: parts.get(1).and_then(Value::as_u64) })
        }
        _ => None,
    }
}

/// A value as text: a string is its own.
fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => other.to_string(),
    }
}
