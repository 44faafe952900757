//! Histories of Jepsen and Knossos: EDN maps of `:invoke`, and `:ok`, `:fail` or `:info`, read and written.
//!
//! | Input | `:f` and `:value` |
//! |---|---|
//! | get | `:read`, what was read |
//! | set, compare-and-set by value | `:write v`, `:cas [old new]` |
//! | incr, append | `:add n`, `:append v` |
//! | compare-and-set by version, on absence, on presence | `:cas-version [version new]`, `:create v`, `:replace v` |
//! | delete, touch, persist | `:delete`, `:touch ms`, `:persist` |
//!
//! Values of several keys are `[key value]`, as `jepsen.independent` makes them. What Jepsen has no word for stands
//! under keys of its own (`:version`, `:group-time`, `:ttl` …) which other checkers ignore, so that a history reads
//! back as it was. A condition that did not hold is a `:fail`. Local reads are marked `:consistency :local`; leave
//! them out before another checker judges.

mod read;
#[cfg(test)]
mod tests;
mod value;
mod write;

use std::fs;
use std::path::Path;

use anyhow::Context;
use clap::ValueEnum;

pub use self::value::EdnError;
use crate::history::Operation;

/// What an EDN history is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Subject {
    /// A register: `:read`, `:write`, `:cas`.
    #[default]
    Register,
    /// A number: `:read`, `:add`; it begins with 0.
    Counter,
    /// A set: `:add` an element, `:read` all of them in any order.
    Set,
    /// A list: `:append` an element, `:read` all of them in order.
    Append,
}

/// Reads a history.
pub fn read(path: &Path, subject: Subject) -> anyhow::Result<Vec<Operation>> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    parse(&text, subject).with_context(|| path.display().to_string())
}

/// Reads a history from its text.
pub fn parse(text: &str, subject: Subject) -> anyhow::Result<Vec<Operation>> {
    read::history(value::parse(text)?, subject)
}

/// A history as EDN, one map a line, by time.
pub fn to_text(history: &[Operation]) -> String {
    let lines: Vec<String> = write::maps(history).iter().map(|map| format!("{map}\n")).collect();
    lines.concat()
}
