//! Runs the programs that set up networks.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

/// Runs a program to its end with `input`; its output, or an error with what it said.
pub(super) fn run(program: &str, arguments: &[&str], input: &str) -> anyhow::Result<String> {
    let what = || format!("{program} {}", arguments.join(" "));
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(what)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ended before it read everything says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().with_context(what)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {}: {said} {input}", what(), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
