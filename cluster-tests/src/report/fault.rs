//! Faults over time, as whoever causes them writes them down: one JSON object a line, by time.
//!
//! A fault that lasts has two events, one at its begin and one at its end, with the same number, or else of the same
//! kind and the same words; what happens at once, such as a kill, may leave out the end. Faults may overlap.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// Which end of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum At {
    /// It begins, or happens at once.
    Begin,
    /// It is over.
    End,
}

/// The begin or the end of one fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultEvent {
    /// When, ns on the clock of the run's history.
    pub t_ns: u64,
    /// Which end.
    #[serde(alias = "edge")]
    pub at: At,
    /// Which fault of the run: the same number at both ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<u64>,
    /// The kind, one word: `partition`, `kill`, `pause`, `clock`, `disk`, `members`, …
    pub kind: String,
    /// What exactly, in a few words; the same at both ends unless they have a number.
    #[serde(default, alias = "detail")]
    pub what: String,
    /// The nodes it is done to; empty when it concerns all or none.
    #[serde(default)]
    pub nodes: Vec<u64>,
}

impl FaultEvent {
    /// Appends itself to a file of such lines.
    pub fn append(&self, to: &mut impl Write) -> anyhow::Result<()> {
        serde_json::to_writer(&mut *to, self)?;
        to.write_all(b"\n").context("write a fault event")
    }
}

/// Reads a file of fault events; a file that is not there holds none.
pub fn read(path: &Path) -> anyhow::Result<Vec<FaultEvent>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened.with_context(|| format!("open {}", path.display()))?,
    };
    let mut events = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let parse = || anyhow::Ok(serde_json::from_str(&line?)?);
        events.push(parse().with_context(|| format!("{} line {}", path.display(), number + 1))?);
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_events_read_back() {
        let event = FaultEvent {
            t_ns: 5,
            at: At::Begin,
            fault: None,
            kind: "partition".into(),
            what: "isolate 2".into(),
            nodes: vec![2],
        };
        let mut bytes = Vec::new();
        event.append(&mut bytes).unwrap();
        let line = String::from_utf8(bytes).unwrap();
        let wanted = r#"{"t_ns":5,"at":"begin","kind":"partition","what":"isolate 2","nodes":[2]}"#;
        assert_eq!(line, format!("{wanted}\n"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), line).unwrap();
        assert_eq!(read(file.path()).unwrap(), [event]);
    }

    #[test]
    fn events_may_be_numbered_and_say_no_more() {
        let line = r#"{"t_ns":5,"edge":"end","fault":3,"kind":"pause","nodes":[1]}"#;
        let event: FaultEvent = serde_json::from_str(line).unwrap();
        assert_eq!((event.at, event.fault, event.what.as_str()), (At::End, Some(3), ""));
    }

    #[test]
    fn a_missing_file_holds_no_events_and_a_broken_line_is_named() {
        assert_eq!(read(Path::new("/nowhere/faults.jsonl")).unwrap(), []);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{}\n").unwrap();
        assert!(format!("{:#}", read(file.path()).unwrap_err()).contains("line 1"));
    }
}
