//! Histories as files: one JSON object a line.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::Context;

use super::Operation;

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
    use crate::history::{Consistency, Expect, Expires, Input, Outcome, Output, Seen};

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
            age_ms: Some(3),
            expires: Expires::In(70),
            connection: 4,
            error: String::new(),
        }
    }

    #[test]
    fn written_history_reads_back() {
        let written = Output::Written { version: Some(3), created: Some(true), value: None };
        let cas = |ttl_ms| Input::Cas { expect: Expect::Version(3), value: "b".into(), ttl_ms };
        let seen = Output::Read(Some(Seen { value: "a".into(), version: Some(3) }));
        let history = vec![
            operation(Input::Set { value: "a".into(), ttl_ms: Some(50) }, Some(written), Outcome::Ok),
            operation(Input::Get(Consistency::Lease), Some(seen), Outcome::Ok),
            operation(Input::Get(Consistency::Local), Some(Output::Read(None)), Outcome::Ok),
            operation(Input::Delete, None, Outcome::Unknown),
            operation(cas(None), None, Outcome::Fail),
            operation(cas(Some(9)), Some(Output::Mismatch { current: None }), Outcome::Ok),
            operation(Input::Touch { ttl_ms: 7 }, Some(Output::Missing), Outcome::Ok),
            operation(Input::Persist, None, Outcome::Unknown),
            operation(Input::Incr { by: -1 }, None, Outcome::Unknown),
        ];
        let file = tempfile::NamedTempFile::new().unwrap();
        write(file.path(), &history).unwrap();
        assert_eq!(read(file.path()).unwrap(), history);
    }

    #[test]
    fn line_without_newer_fields_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let line = r#"{"client":1,"process":1,"node":1,"key":"k","call_ns":1,"return_ns":2,"op":"cas",
            "in":{"expect":"absent","value":"a"},"out":null,"outcome":"unknown","time_ms":null}"#;
        std::fs::write(file.path(), line.replace('\n', "")).unwrap();
        let operation = &read(file.path()).unwrap()[0];
        assert_eq!(operation.input.ttl_ms(), None);
        assert_eq!((operation.age_ms, operation.expires, operation.connection), (None, Expires::Untold, 0));
    }

    #[test]
    fn broken_line_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{}\n").unwrap();
        let error = format!("{:#}", read(file.path()).unwrap_err());
        assert!(error.contains("line 1"), "{error}");
    }
}
