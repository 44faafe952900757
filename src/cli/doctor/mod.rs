//! `quorate doctor`: looks for what is wrong and says what to do about it.
//!
//! Asks a cluster through its endpoints ([`cluster`]), or looks at a folder of this machine ([`local`]). Changes
//! nothing but for a file it writes into that folder and removes again. Exit code 0 when all is well, else 1.

mod cluster;
mod local;

use std::path::PathBuf;

use hyper::Method;
use serde::Serialize;

use super::client::Request;
use super::fail::{About, Exit, Failure};
use super::output::Format;
use super::session::Session;
use super::status;
use crate::views::GroupView;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Look at this folder, its disk and this machine's limits in place of the cluster
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    /// What was looked at.
    check: &'static str,
    ok: bool,
    /// What was found.
    detail: String,
    /// What to do about it; empty when all is well.
    todo: String,
}

impl Finding {
    fn well(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, ok: true, detail: detail.into(), todo: String::new() }
    }

    fn wrong(check: &'static str, detail: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { check, ok: false, detail: detail.into(), todo: todo.into() }
    }
}

/// The findings of one check: everything wrong or, when there is nothing, that all is well.
fn all_or(wrong: Vec<Finding>, check: &'static str, well: impl Into<String>) -> Vec<Finding> {
    if wrong.is_empty() { vec![Finding::well(check, well)] } else { wrong }
}

/// Examines and reports.
pub(super) async fn run(mut session: Session, args: Args) -> Result<(), Failure> {
    let findings = match &args.data_dir {
        Some(dir) => local::examine(dir),
        None => ask(&session).await.unwrap_or_else(|failure| vec![unreached(&failure)]),
    };
    session.output.line(&report(session.output.format, &findings))?;
    let wrong = findings.iter().filter(|finding| !finding.ok).count();
    if wrong == 0 {
        return Ok(());
    }
    let end = if wrong == 1 { "" } else { "s" };
    Err(Failure::new(
        Exit::Error,
        format!("{wrong} problem{end} found"),
        "each is named above, with what to do",
    ))
}

async fn ask(session: &Session) -> Result<Vec<Finding>, Failure> {
    let view = session.client.call(status::request()).await?.read()?;
    let groups = Request::new(Method::GET, "/v1/cluster/groups", About::Cluster);
    let groups: Vec<GroupView> = session.client.call(groups).await?.rows("groups")?;
    Ok(cluster::examine(&view, &groups))
}

fn unreached(failure: &Failure) -> Finding {
    let detail = format!("{}: {}", failure.title, failure.detail);
    let todo = "start the nodes, or name one that runs: quorate --endpoint HOST:PORT doctor; \
                on its machine: quorate doctor --data-dir DIR, and its log";
    Finding::wrong("answer", detail, todo)
}

fn report(format: Format, findings: &[Finding]) -> String {
    let healthy = findings.iter().all(|finding| finding.ok);
    if format == Format::Json {
        return serde_json::json!({ "healthy": healthy, "findings": findings }).to_string();
    }
    findings.iter().map(line).collect()
}

fn line(finding: &Finding) -> String {
    let verdict = if finding.ok { "ok" } else { "PROBLEM" };
    let line = format!("{verdict:<8} {:<10} {}\n", finding.check, finding.detail);
    if finding.ok { line } else { format!("{line}{:<8} do: {}\n", "", finding.todo) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> [Finding; 2] {
        [Finding::well("members", "3 nodes answer"), Finding::wrong("disk", "node 2 is full", "free space")]
    }

    #[test]
    fn a_report_for_people() {
        let expected = "\
ok       members    3 nodes answer
PROBLEM  disk       node 2 is full
         do: free space
";
        assert_eq!(report(Format::Table, &some()), expected);
    }

    #[test]
    fn a_report_for_scripts() {
        let expected = r#"{"findings":[{"check":"members","detail":"3 nodes answer","ok":true,"todo":""},{"check":"disk","detail":"node 2 is full","ok":false,"todo":"free space"}],"healthy":false}"#;
        assert_eq!(report(Format::Json, &some()), expected);
        assert!(report(Format::Json, &some()[..1]).ends_with(r#""healthy":true}"#));
    }
}
