//! The log of a process: its filter is told and changed while it runs.

use std::process::Command;

use serde_json::json;

use crate::support::{Cluster, Process, eventually};

fn quorate(process: &Process, arguments: &[&str]) -> (Option<i32>, String) {
    let endpoint = format!("http://{}", process.http);
    let output = Command::new(env!("CARGO_BIN_EXE_quorate"))
        .args(arguments)
        .args(["--endpoint", &endpoint])
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filter_is_changed_while_the_node_runs() {
    let process = Process::start_with(&["--log=info"]);
    let client = process.ready().await;
    assert_eq!(client.get("/v1/log").await.json(200), json!({ "filter": "info" }));
    let shown = |level: &str| process.log().iter().any(|line| line["level"] == level);
    assert!(!shown("DEBUG"));

    let changed = client.put("/v1/log", r#"{"filter":"debug,openraft=warn"}"#).await.json(200);
    assert_eq!(changed, json!({ "filter": "debug,openraft=warn", "before": "info" }));
    eventually("a line at debug", async || {
        client.raw(b"no request\r\n\r\n").await;
        shown("DEBUG").then_some(())
    })
    .await;
    assert_eq!(quorate(&process, &["log", "level"]), (Some(0), "debug,openraft=warn".into()));

    for odd in [r#"{"filter":"quorate=loud"}"#, r#"{"filter":""}"#] {
        client.put("/v1/log", odd).await.refused(422, "invalid-value");
    }
    client.put("/v1/log", r#"{"level":"debug"}"#).await.refused(400, "bad-request");
    client.put("/v1/log", &"x".repeat(1 << 20)).await.refused(413, "too-large");

    let (code, shown) = quorate(&process, &["log", "level", "warn", "--node", "1"]);
    assert_eq!((code, shown.as_str()), (Some(0), "warn   (before: debug,openraft=warn)"));
    assert_eq!(quorate(&process, &["log", "level", "--node", "7"]).0, Some(3));
    assert_eq!(client.get("/v1/log").await.json(200), json!({ "filter": "warn" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_in_somebody_elses_process_has_no_filter_to_change() {
    let cluster = Cluster::single().await;
    cluster.client(0).get("/v1/log").await.problem(503, "not-ready");
    cluster.client(0).put("/v1/log", r#"{"filter":"debug"}"#).await.refused(503, "not-ready");
    cluster.stop().await;
}
