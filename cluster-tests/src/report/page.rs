//! The report as one HTML file that needs nothing else.

use std::fmt::Write;

use super::Report;
use super::chart::{self, Axis};
use super::summary::Row;

/// The page, with places for what is told.
const PAGE: &str = include_str!("page.html");
/// Most violations shown in full.
const VIOLATIONS_MAX: usize = 50;

/// How to see more of a violation.
const DRAWN: &str = "<p>Cut down and drawn: <code>cargo run -p cluster-tests --bin quorate-check -- history.jsonl \
    --minimal minimal.jsonl --html timeline.html</code></p>";

/// Text as HTML shows it.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The report for people.
pub(super) fn html(report: &Report) -> String {
    let axis = Axis::of(&report.points, &report.faults);
    let (class, verdict) = verdict(report);
    let faults = if report.faults.is_empty() {
        r#"<p class="dim">None.</p>"#.to_owned()
    } else {
        chart::faults(&axis, &report.faults)
    };
    let places = [
        ("title", escape(&title(report))),
        ("class", class.to_owned()),
        ("verdict", verdict),
        ("replay", replay(report)),
        ("faults", faults),
        ("throughput", chart::throughput(&axis, &report.points, &report.faults)),
        ("latency", chart::latency(&axis, &report.points, &report.faults)),
        ("workloads", workloads(&report.summary.0)),
        ("violations", violations(report)),
        ("failures", failures(report)),
        ("environment", environment(report)),
    ];
    fill(PAGE, &places)
}

/// The page with its places filled; what is filled in is not looked at again.
fn fill(page: &str, places: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut parts = page.split("{{");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or(("", part));
        let text = places.iter().find(|(place, _)| *place == name).map_or("", |(_, text)| text.as_str());
        out.push_str(text);
        out.push_str(rest);
    }
    out
}

fn title(report: &Report) -> String {
    let name = if report.run.name.is_empty() { "run" } else { &report.run.name };
    report.run.seed.map_or_else(|| format!("Quorate: {name}"), |seed| format!("Quorate: {name}, seed {seed}"))
}

fn verdict(report: &Report) -> (&'static str, String) {
    let (violations, undecided) = (report.violations.len(), report.undecided.len());
    let judged = match (violations, undecided) {
        (0, 0) => ("good", "Valid: no violation on any key".to_owned()),
        (0, undecided) => ("bad", format!("Undecided on {undecided} keys")),
        (violations, _) => ("bad", format!("INVALID: {violations} violations")),
    };
    let (operations, keys) = report.summary.0.last().map_or((0, 0), |whole| (whole.operations, whole.keys));
    (judged.0, format!("{}; {operations} operations on {keys} keys", judged.1))
}

fn replay(report: &Report) -> String {
    match report.run.replay.as_str() {
        "" => String::new(),
        command => format!("<p>Again: <code>{}</code></p>", escape(command)),
    }
}

fn workloads(rows: &[Row]) -> String {
    let head = ["workload", "keys", "operations", "", "ok", "fail", "unknown", "p50 ms", "p99 ms", "max ms"];
    let head: String = head.iter().map(|name| format!("<th>{name}</th>")).collect();
    let mut out = format!(r#"<div class="scroll"><table><tr>{head}<th class="text">verdict</th></tr>"#);
    for (place, row) in rows.iter().enumerate() {
        let Row { workload, keys, operations, ok, fail, unknown, latency, .. } = row;
        let class = if place + 1 == rows.len() { "whole" } else { "" };
        let good = if row.violated + row.undecided == 0 { "good" } else { "bad" };
        let _ = write!(
            out,
            r#"<tr class="{class}"><td>{}</td><td>{keys}</td><td>{operations}</td><td>{}</td><td>{ok}</td><td>{fail}</td><td>{unknown}</td><td>{:.1}</td><td>{:.1}</td><td>{:.1}</td><td class="text verdict {good}">{}</td></tr>"#,
            escape(workload),
            bar(row),
            latency.p50_ms,
            latency.p99_ms,
            latency.max_ms,
            row.verdict()
        );
    }
    out + "</table></div>"
}

/// The outcomes of a row, side by side.
fn bar(row: &Row) -> String {
    let part = |class: &str, count: usize| match count {
        0 => String::new(),
        count => format!(r#"<i class="{class}" style="flex:{count}"></i>"#),
    };
    let parts = part("ok", row.ok) + &part("fail", row.fail) + &part("unknown", row.unknown);
    format!(r#"<div class="bar">{parts}</div>"#)
}

fn violations(report: &Report) -> String {
    let mut out = String::new();
    if !report.violations.is_empty() {
        out += "<h2>Violations</h2>";
        out += DRAWN;
        out += r#"<table><tr><th>key</th><th class="text">kind</th><th class="text">what shows it</th></tr>"#;
        for violation in report.violations.iter().take(VIOLATIONS_MAX) {
            let _ = write!(
                out,
                r#"<tr><td><code>{}</code></td><td class="text">{}</td><td class="text"><code>{}</code></td></tr>"#,
                escape(&violation.key),
                violation.kind,
                escape(&violation.detail)
            );
        }
        out += "</table>";
        let more = report.violations.len().saturating_sub(VIOLATIONS_MAX);
        if more > 0 {
            let _ = write!(out, r#"<p class="dim">and {more} more in report.json</p>"#);
        }
    }
    if !report.undecided.is_empty() {
        let keys = escape(&report.undecided.join(", "));
        let _ = write!(out, "<h2>Undecided</h2><p>The search reached its bound on <code>{keys}</code></p>");
    }
    out
}

fn failures(report: &Report) -> String {
    if report.failures.is_empty() {
        return String::new();
    }
    let rows = report.failures.iter().map(|failure| {
        format!(
            r#"<tr><td>{:?}</td><td>{}</td><td class="text"><code>{}</code></td></tr>"#,
            failure.outcome,
            failure.count,
            escape(&failure.why)
        )
    });
    let rows: String = rows.collect();
    let head = r#"<tr><th>outcome</th><th>count</th><th class="text">such as</th></tr>"#;
    format!("<h2>Why operations did not succeed</h2><table>{head}{rows}</table>")
}

fn environment(report: &Report) -> String {
    let all = report.run.environment.iter();
    let rows: String = all
        .map(|(name, value)| {
            format!(r#"<tr><td>{}</td><td class="text">{}</td></tr>"#, escape(name), escape(value))
        })
        .collect();
    format!("<table>{rows}</table>")
}
