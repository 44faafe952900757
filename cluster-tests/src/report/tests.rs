//! A report from a folder as a run leaves it.

use super::*;
use crate::history::{Input, Output, Seen};

fn op(key: &str, call_s: f64, outcome: Outcome, error: &str) -> Operation {
    let call_ns = (call_s * 1e9) as u64;
    Operation {
        key: key.into(),
        call_ns,
        return_ns: call_ns + 2_000_000,
        input: Input::Set { value: format!("<{call_s}>"), ttl_ms: None },
        output: (outcome == Outcome::Ok).then(|| Output::Written {
            version: Some((call_s * 100.0) as u64 + 1),
            created: None,
            value: None,
        }),
        outcome,
        error: error.into(),
        ..Operation::default()
    }
}

/// Ten seconds of writes, some refused while a node was cut off, and a value that nobody wrote.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut ops: Vec<Operation> =
        (0..100).map(|n| op("key-1", f64::from(n) / 10.0, Outcome::Ok, "")).collect();
    ops.extend(
        (40..60).map(|n| op("ttl-0.1", f64::from(n) / 10.0, Outcome::Fail, &format!("503 group {n}"))),
    );
    let seen = Seen { value: "</td><script>".into(), version: Some(5000) };
    ops.push(Operation {
        input: Input::default(),
        output: Some(Output::Read(Some(seen))),
        ..op("cas-1", 11.0, Outcome::Ok, "")
    });
    history::write(&folder.path().join(HISTORY), &ops).unwrap();
    let mut faults = Vec::new();
    for (t_s, at) in [(4, At::Begin), (6, At::End)] {
        let event = FaultEvent {
            t_ns: t_s * 1_000_000_000,
            at,
            fault: None,
            kind: "partition".into(),
            what: "isolate 2".into(),
            nodes: vec![2],
        };
        event.append(&mut faults).unwrap();
    }
    std::fs::write(folder.path().join(FAULTS), faults).unwrap();
    Run::here("nemesis", 7, "again --seed 7".into(), &[("nodes", "3".into())]).write(folder.path()).unwrap();
    folder
}

#[test]
fn a_folder_becomes_a_page_and_json() {
    let folder = folder();
    let report = write(folder.path()).unwrap();
    assert!(!report.valid);
    let page = std::fs::read_to_string(folder.path().join(PAGE)).unwrap();
    let told = [
        "Quorate: nemesis, seed 7",
        "INVALID",
        "again --seed 7",
        "partition: isolate 2, 4.0 s to 6.0 s",
        "Phantom",
        "<td>nodes</td><td class=\"text\">3</td>",
        "503 group 40",
        "<td>register</td>",
    ];
    for wanted in told {
        assert!(page.contains(wanted), "the page does not tell {wanted:?}");
    }
    assert!(!page.contains("{{") && !page.contains("<script"), "a place was left, or a value ran wild");
    for outside in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "the page wants {outside}");
    }
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join(JSON)).unwrap()).unwrap();
    assert_eq!(json["valid"], false);
    assert_eq!(json["run"]["seed"], 7);
    assert_eq!(json["faults"][0]["to_s"], 6.0);
    assert_eq!(json["points"][4]["fail"], 10.0);
    assert_eq!(json["failures"][0]["count"], 20);
    assert_eq!(json["violations"][0]["workload"], "cas");
}

#[test]
fn charts_draw_what_there_is() {
    let report = write(folder().path()).unwrap();
    let axis = chart::Axis::of(&report.points, &report.faults);
    let throughput = chart::throughput(&axis, &report.points, &report.faults);
    assert_eq!(throughput.matches(r#"class="shadow""#).count(), 1);
    assert_eq!(throughput.matches(r#"class="ok""#).count(), 11);
    assert_eq!(throughput.matches(r#"class="fail""#).count(), 2);
    let latency = chart::latency(&axis, &report.points, &report.faults);
    // One stretch without an operation splits each line.
    assert_eq!(latency.matches(r#"class="line p99" d="M"#).count(), 1);
    assert_eq!(latency.matches('M').count(), 6, "{latency}");
}

#[test]
fn a_run_that_did_nothing_has_a_report_too() {
    let folder = tempfile::tempdir().unwrap();
    history::write(&folder.path().join(HISTORY), &[]).unwrap();
    let report = write(folder.path()).unwrap();
    assert!(report.valid && report.points.is_empty());
}
