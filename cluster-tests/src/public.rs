//! Public histories with known verdicts: reads their format, so that the checker is shown to agree with others.
//!
//! A folder of them holds `verdicts.tsv` (file, model, whether it is linearizable, …) and the files it names.
//! The model says how the register starts and what a failed compare-and-set means.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::checker::register::Register;
use crate::checker::{Verdict, check_linearizable};
use crate::history::{Consistency, Expect, Input, Operation, Outcome, Output, Seen};

/// One history with the verdict others gave it.
#[derive(Debug)]
pub struct Known {
    /// Its file, relative to its folder.
    pub file: String,
    /// Whether it is linearizable.
    pub linearizable: bool,
    /// What this checker says.
    pub verdict: Verdict,
}

impl Known {
    /// Whether this checker reached the known verdict: one bad key is enough for a bad history.
    pub fn agrees(&self) -> bool {
        if self.linearizable { self.verdict.is_ok() } else { !self.verdict.violations.is_empty() }
    }
}

/// Checks every history `verdicts.tsv` in `folder` names.
pub fn check_all(folder: &Path) -> anyhow::Result<Vec<Known>> {
    let path = folder.join("verdicts.tsv");
    let table = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    table.lines().skip(1).map(|line| check_line(folder, line)).collect()
}

fn check_line(folder: &Path, line: &str) -> anyhow::Result<Known> {
    let mut columns = line.split('\t');
    let (Some(file), Some(model), Some(expected)) = (columns.next(), columns.next(), columns.next()) else {
        bail!("verdicts.tsv: too few columns in {line:?}");
    };
    let history = read(&folder.join(file)).with_context(|| format!("read {file}"))?;
    Ok(Known {
        file: file.to_owned(),
        linearizable: expected == "true",
        verdict: check_linearizable(&register(model)?, &history),
    })
}

fn register(model: &str) -> anyhow::Result<Register> {
    let starts = |prefix| model.starts_with(prefix);
    if starts("cas-register(init nil") {
        Ok(Register::default())
    } else if starts("kv get/put/append (init \"\")") {
        Ok(Register::holding(""))
    } else if starts("cas-register(init 0") {
        Ok(Register::holding("0"))
    } else {
        bail!("unknown model {model:?}")
    }
}

#[derive(Debug, Deserialize)]
struct Line {
    client: i64,
    op: String,
    key: String,
    #[serde(default, rename = "in")]
    input: Value,
    #[serde(default)]
    out: Value,
    call_ns: i64,
    return_ns: i64,
    outcome: Outcome,
}

/// Reads one public history.
pub fn read(path: &Path) -> anyhow::Result<Vec<Operation>> {
    let text = fs::read_to_string(path)?;
    text.lines().map(|line| serde_json::from_str::<Line>(line)?.into_operation()).collect()
}

/// Some histories write their initial values just before time 0.
const EPOCH_SHIFT_NS: i64 = 1000;

impl Line {
    fn into_operation(self) -> anyhow::Result<Operation> {
        let output = if self.outcome == Outcome::Ok { Some(self.output()?) } else { None };
        Ok(Operation {
            client: u64::try_from(self.client + 1)?,
            process: u64::try_from(self.client + 1)?,
            node: 0,
            call_ns: u64::try_from(self.call_ns + EPOCH_SHIFT_NS)?,
            return_ns: u64::try_from(self.return_ns + EPOCH_SHIFT_NS)?,
            input: self.input()?,
            output,
            outcome: self.outcome,
            key: self.key,
            ..Operation::default()
        })
    }

    fn input(&self) -> anyhow::Result<Input> {
        let text = |v: &Value| value(v).unwrap_or_default();
        Ok(match self.op.as_str() {
            "get" => Input::Get(Consistency::Linearizable),
            "set" => Input::Set { value: text(&self.input), ttl_ms: None },
            "append" => Input::Append { value: text(&self.input) },
            "cas" => Input::Cas {
                expect: value(&self.input["expect"]).map_or(Expect::Absent, Expect::Value),
                value: text(&self.input["new"]),
                ttl_ms: None,
            },
            other => bail!("unknown op {other:?}"),
        })
    }

    fn output(&self) -> anyhow::Result<Output> {
        Ok(match (self.op.as_str(), &self.out) {
            ("get", out) => Output::Read(value(out).map(|value| Seen { value, version: None })),
            ("cas", Value::Bool(false)) => Output::Mismatch { current: None },
            ("set" | "append" | "cas", _) => Output::Written { version: None, created: None, value: None },
            (other, _) => bail!("unknown op {other:?}"),
        })
    }
}

/// A register's value as text; `None`: nil.
fn value(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checker_agrees_with_known_verdicts() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let all = check_all(&folder).unwrap();
        assert!(all.iter().any(|k| k.linearizable) && all.iter().any(|k| !k.linearizable));
        for known in all {
            assert!(known.agrees(), "{}: expected {}: {}", known.file, known.linearizable, known.verdict);
        }
    }
}
