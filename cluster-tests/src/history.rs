//! Histories: what clients asked, when, and what they were told. One JSON object a line.
//!
//! The format is the one of the public histories in `data/`: `op` and `in` are the input, `out` the output.
//! Times are nanoseconds on one monotonic clock, shared by all clients of a run.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// What is certain about an operation's effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It took effect between its call and its return.
    Ok,
    /// It never happened and never will.
    Fail,
    /// It takes effect once, at any time after its call, or never.
    Unknown,
}

/// How fresh a read asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Consistency {
    /// By read index.
    #[default]
    Linearizable,
    /// By the leader's lease; judged as linearizable.
    Lease,
    /// From any replica; judged by monotonicity alone.
    Local,
}

/// What a compare-and-set expects.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// The key is absent.
    Absent,
    /// The key has just this version.
    Version(u64),
    /// The key has just this value (public histories; Quorate compares versions).
    Value(String),
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "op", content = "in", rename_all = "lowercase")]
pub enum Input {
    /// Read the key.
    Get(Consistency),
    /// Write the key.
    Set {
        /// The value; unique in its history, so that a read names the write it saw.
        value: String,
        /// Time to live, ms of group time; `None`: never expires.
        ttl_ms: Option<u64>,
    },
    /// Delete the key.
    Delete,
    /// Write the key if it is as expected.
    Cas {
        /// The condition.
        expect: Expect,
        /// The value.
        value: String,
    },
    /// Add to the key's number; an absent key counts as 0.
    Incr {
        /// What to add.
        by: i64,
    },
    /// Append to the key's value; an absent key counts as empty.
    Append {
        /// What to append.
        value: String,
    },
}

impl Input {
    /// The value this would write, for inputs that name one whole.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Set { value, .. } | Self::Cas { value, .. } => Some(value),
            Self::Get(_) | Self::Delete | Self::Incr { .. } | Self::Append { .. } => None,
        }
    }

    /// Whether this is a read that promises to see every write acknowledged before it.
    pub fn is_linearizable_read(&self) -> bool {
        matches!(self, Self::Get(Consistency::Linearizable | Consistency::Lease))
    }
}

/// An entry as a read saw it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seen {
    /// Its value.
    pub value: String,
    /// Its version, where the store has versions.
    pub version: Option<u64>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// What a read found; `None`: absent or expired.
    Read(Option<Seen>),
    /// The key was written.
    Written {
        /// Its new version.
        version: Option<u64>,
        /// Whether it was absent before.
        created: Option<bool>,
        /// The new value, of operations that compute one.
        value: Option<String>,
    },
    /// The condition did not hold.
    Mismatch {
        /// The version the key had; `None`: none was told.
        current: Option<u64>,
    },
    /// The key is absent now.
    Deleted {
        /// Whether it was there before.
        deleted: bool,
        /// The group's version then.
        version: Option<u64>,
    },
}

impl Output {
    /// The version this answer tells of, if any.
    pub fn version(&self) -> Option<u64> {
        match self {
            Self::Read(seen) => seen.as_ref().and_then(|s| s.version),
            Self::Written { version, .. } | Self::Deleted { version, .. } => *version,
            Self::Mismatch { current } => *current,
        }
    }
}

/// One operation of one client on one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The client.
    pub client: u64,
    /// The client's life: a client that cannot know what became of its operation goes on as a new process.
    pub process: u64,
    /// The node asked.
    pub node: u64,
    /// The key.
    pub key: String,
    /// When it was called, ns.
    pub call_ns: u64,
    /// When its answer came or the client gave up, ns.
    pub return_ns: u64,
    /// What was asked.
    #[serde(flatten)]
    pub input: Input,
    /// What was answered; `None` unless the outcome is `ok`.
    #[serde(rename = "out")]
    pub output: Option<Output>,
    /// What is certain.
    pub outcome: Outcome,
    /// The group time the answer carried, ms.
    pub time_ms: Option<u64>,
    /// Why it did not succeed, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}

/// Writes a history as JSON lines.
pub fn write(path: &Path, history: &[Operation]) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
    let mut out = BufWriter::new(file);
    for operation in history {
        serde_json::to_writer(&mut out, operation)?;
        out.write_all(b"\n")?;
    }
    out.flush().context("flush the history")
}

/// Reads a history of JSON lines.
pub fn read(path: &Path) -> anyhow::Result<Vec<Operation>> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let mut history = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let parse = || anyhow::Ok(serde_json::from_str(&line?)?);
        history.push(parse().with_context(|| format!("{} line {}", path.display(), number + 1))?);
    }
    Ok(history)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(input: Input, output: Option<Output>, outcome: Outcome) -> Operation {
        Operation {
            client: 1,
            process: 17,
            node: 2,
            key: "k".into(),
            call_ns: 5,
            return_ns: 9,
            input,
            output,
            outcome,
            time_ms: Some(1234),
            error: String::new(),
        }
    }

    #[test]
    fn written_history_reads_back() {
        let written = Output::Written { version: Some(3), created: Some(true), value: None };
        let seen = Output::Read(Some(Seen { value: "a".into(), version: Some(3) }));
        let history = vec![
            operation(Input::Set { value: "a".into(), ttl_ms: Some(50) }, Some(written), Outcome::Ok),
            operation(Input::Get(Consistency::Lease), Some(seen), Outcome::Ok),
            operation(Input::Get(Consistency::Local), Some(Output::Read(None)), Outcome::Ok),
            operation(Input::Delete, None, Outcome::Unknown),
            operation(Input::Cas { expect: Expect::Version(3), value: "b".into() }, None, Outcome::Fail),
            operation(Input::Incr { by: -1 }, None, Outcome::Unknown),
        ];
        let file = tempfile::NamedTempFile::new().unwrap();
        write(file.path(), &history).unwrap();
        assert_eq!(read(file.path()).unwrap(), history);
    }

    #[test]
    fn broken_line_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{}\n").unwrap();
        let error = format!("{:#}", read(file.path()).unwrap_err());
        assert!(error.contains("line 1"), "{error}");
    }
}
