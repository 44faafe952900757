//! Batches: order, statuses of their own, and bodies that make no sense.

use serde_json::{Value, json};

use crate::support::{Client, Cluster};

async fn run(client: &Client, operations: Value) -> Vec<Value> {
    let body = json!({ "operations": operations }).to_string();
    match client.post("/v1/batch", &body).await.json(200)["results"].take() {
        Value::Array(results) => results,
        other => panic!("no results: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_sees_those_before_it() {
    let cluster = Cluster::single().await;
    let operations = json!([
        {"op": "get", "key": "a"},
        {"op": "set", "key": "a", "value": 1, "ttl_ms": 60_000},
        {"op": "get", "ns": "default", "key": "a"},
        {"op": "incr", "key": "a", "by": 4},
        {"op": "append", "key": "b", "value": "xy"},
        {"op": "get", "key": "a"},
        {"op": "touch", "key": "b", "ttl_ms": 1000},
        {"op": "persist", "key": "a"},
        {"op": "delete", "key": "a"},
        {"op": "get", "key": "a"},
    ]);
    let results = run(cluster.client(0), operations).await;
    let statuses: Vec<_> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [404, 201, 200, 200, 200, 200, 200, 200, 200, 404]);
    assert!(results[0]["type"].as_str().unwrap().ends_with("/problems/miss"));
    assert_eq!((&results[1]["created"], &results[1]["expires_in_ms"]), (&json!(true), &json!(60_000)));
    assert_eq!((&results[2]["value"], &results[3]["value"]), (&json!(1), &json!(5)));
    assert_eq!((&results[4]["len"], &results[5]["value"]), (&json!(2), &json!(5)));
    assert_eq!((&results[7]["expires_in_ms"], &results[8]["deleted"]), (&Value::Null, &json!(true)));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_and_odd_keys() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let first = run(client, json!([{"op": "set", "key_b64": "/w==", "value_b64": "AP8="}])).await;
    assert_eq!((&first[0]["status"], &first[0]["key_b64"]), (&json!(201), &json!("/w==")));
    let version = &first[0]["version"];
    let operations = json!([
        {"op": "set", "key_b64": "/w==", "value": 2, "if_absent": true},
        {"op": "set", "key_b64": "/w==", "value": 2, "if_version": 0},
        {"op": "set", "key_b64": "/w==", "value": 2, "if_version": version},
        {"op": "delete", "key_b64": "/w==", "if_version": version},
    ]);
    let results = run(client, operations).await;
    let statuses: Vec<_> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [412, 412, 200, 412]);
    assert_eq!((&results[0]["current_version"], &results[0]["outcome"]), (version, &json!("not_applied")));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_operation_hinders_no_other() {
    let cluster = Cluster::single().await;
    let operations = json!([
        {"op": "set", "key": "a", "value": 1},
        {"op": "pop", "key": "a"},
        {"op": "get"},
        {"op": "get", "key": ""},
        {"op": "get", "key": "a", "key_b64": "YQ=="},
        {"op": "get", "key": "a", "value": 1},
        {"op": "set", "key": "a", "value": 1, "ttl_ms": 0},
        {"op": "set", "key": "a", "value": 1, "by": 2},
        {"op": "set", "key": "a", "value": 1, "if_absent": true, "if_version": 1},
        {"op": "get", "key_b64": "?"},
        {"op": "get", "ns": "nowhere", "key": "a"},
        7,
        {"op": "get", "key": "a"},
    ]);
    let results = run(cluster.client(0), operations).await;
    let statuses: Vec<_> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 400, 400, 400, 400, 400, 422, 400, 400, 400, 404, 400, 200]);
    assert_eq!(results[12]["value"], 1);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_body_applies_nothing() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let set = r#"{"op":"set","key":"a","value":1}"#;
    let bodies = [
        String::new(),
        "[]".into(),
        "{}".into(),
        r#"{"operations":{}}"#.into(),
        format!(r#"{{"operations":[{set}],"x":1}}"#),
        format!(r#"{{"operations":[{set},]}}"#),
        format!(r#"{{"operations":[{set}]"#),
    ];
    for body in bodies {
        client.post("/v1/batch", &body).await.refused(400, "bad-request");
    }
    let many = vec![set; 1001].join(",");
    client.post("/v1/batch", &format!(r#"{{"operations":[{many}]}}"#)).await.refused(413, "too-large");
    client.get("/v1/kv/default/a").await.problem(404, "miss");
    assert!(run(client, json!([])).await.is_empty());
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_batch_over_many_keys_keeps_its_order() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let sets: Vec<_> = (0..1000).map(|n| json!({"op": "set", "key": format!("k{n}"), "value": n})).collect();
    assert!(run(client, json!(sets)).await.iter().all(|result| result["status"] == 201));
    let gets: Vec<_> = (0..1000).map(|n| json!({"op": "get", "key": format!("k{n}")})).collect();
    for (n, result) in run(client, json!(gets)).await.iter().enumerate() {
        assert_eq!(result["value"], n);
    }
    cluster.stop().await;
}
