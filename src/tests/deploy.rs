//! What `deploy/` and `docs/` say about metrics and alerts agrees: with each other, and with what a node exports.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::Cluster;

const ALERTS: &str = "deploy/prometheus/alerts.yml";
const DASHBOARD: &str = "deploy/grafana/dashboards/quorate.json";
const METRICS: &str = "docs/metrics.md";

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The metrics `text` names, whatever part of a histogram it means. Names with a colon are recorded by rules.
fn named(text: &str) -> BTreeSet<String> {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = text.split(|c| !part_of_name(c));
    let ours = words.filter(|word| word.starts_with("quorate_") || word.starts_with("process_"));
    ours.filter(|word| !word.contains(':')).map(|word| family(word).to_owned()).collect()
}

fn family(name: &str) -> &str {
    let ends = ["_bucket", "_sum", "_count"];
    ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

/// The first cell of each row of the tables of the documentation, which is the name.
fn documented() -> BTreeSet<String> {
    let text = file(METRICS);
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    cells.map(|(name, _)| name.to_owned()).collect()
}

/// The texts behind `key: ` in a YAML file.
fn values_of(text: &str, key: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("- "));
    lines.filter_map(|line| Some(line.strip_prefix(key)?.trim().to_owned())).collect()
}

/// The expressions of a dashboard's panels, and the names of the recorded series they may use.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("expr").and_then(Value::as_str).map(ToOwned::to_owned));
            fields.values().for_each(|field| expressions(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_a_node_is_documented_and_no_other() {
    let cluster = Cluster::single().await;
    let reply = cluster.client(0).get("/metrics").await;
    let text = std::str::from_utf8(&reply.body).unwrap();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let exported: BTreeSet<String> = types.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(exported, documented(), "left: exported, right: documented");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn look_ups_are_counted_by_what_they_found() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    client.put("/v1/kv/default/m", r#"{"value":1}"#).await.json(201);
    client.get("/v1/kv/default/m").await.json(200);
    client.get("/v1/kv/default/none").await.problem(404, "miss");
    client.get("/v1/raw/default/nothing").await.problem(404, "miss");
    let reply = client.get("/metrics").await;
    let text = std::str::from_utf8(&reply.body).unwrap();
    for line in [r#"quorate_reads_total{found="hit"} 1"#, r#"quorate_reads_total{found="miss"} 2"#] {
        assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
    }
    cluster.stop().await;
}

#[test]
fn alerts_and_dashboard_name_only_metrics_there_are() {
    let documented = documented();
    for path in [ALERTS, "deploy/prometheus/alerts_test.yml", DASHBOARD] {
        let unknown: Vec<String> = named(&file(path)).difference(&documented).cloned().collect();
        assert_eq!(unknown, Vec::<String>::new(), "named in {path} and exported by nobody");
    }
}

#[test]
fn every_alert_has_a_test_and_a_section_of_the_runbook() {
    let (alerts, tests, runbook) =
        (file(ALERTS), file("deploy/prometheus/alerts_test.yml"), file("docs/runbook.md"));
    let alerts = values_of(&alerts, "alert:");
    assert!(!alerts.is_empty());
    let tested: BTreeSet<String> = values_of(&tests, "alertname:").into_iter().collect();
    let sections: BTreeSet<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    for alert in &alerts {
        assert!(tested.contains(alert), "{alert} has no test");
        assert!(sections.contains(alert.as_str()), "{alert} has no section in the runbook");
    }
    for section in sections.iter().filter(|section| section.starts_with("Quorate")) {
        assert!(alerts.iter().any(|alert| alert == section), "{section} is no alert");
    }
}

#[test]
fn the_dashboard_uses_only_series_that_rules_record() {
    let rules = file(ALERTS);
    let recorded = values_of(&rules, "record:");
    let mut all = Vec::new();
    expressions(&serde_json::from_str(&file(DASHBOARD)).unwrap(), &mut all);
    assert!(all.len() >= 10, "{all:?}");
    for expression in all {
        let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
        for word in words.filter(|word| word.starts_with("quorate:")) {
            assert!(recorded.iter().any(|name| name == word), "no rule records {word}");
        }
    }
}

#[test]
fn names_are_found_in_any_text() {
    let text =
        r#"rate(quorate_a_seconds_bucket{le="1"}[5m]) / quorate:b:rate5m + process_c "quorate_d_total""#;
    assert_eq!(Vec::from_iter(named(text)), ["process_c", "quorate_a_seconds", "quorate_d_total"]);
}
