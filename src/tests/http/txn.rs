//! Transactions: one branch or the other, in one step, in one group.

use serde_json::{Value, json};

use crate::support::{Client, Cluster, Reply};

async fn run(client: &Client, body: Value) -> Reply {
    client.post("/v1/txn", &body.to_string()).await
}

fn statuses(answer: &Value) -> Vec<u64> {
    answer["results"].as_array().unwrap().iter().map(|result| result["status"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_compared_chooses_the_branch() {
    let cluster = Cluster::of(3).await;
    let take = json!({
        "compare": [{"key": "{job:7}lock", "present": false}],
        "then": [
            {"op": "set", "key": "{job:7}lock", "value": "worker-1", "ttl_ms": 30_000},
            {"op": "incr", "key": "{job:7}runs", "init": 0},
        ],
        "else": [{"op": "get", "key": "{job:7}lock"}],
    });
    let taken = run(cluster.client(0), take.clone()).await;
    assert_eq!(taken.header("x-quorate-consistency"), "linearizable");
    let taken = taken.json(200);
    assert_eq!((&taken["succeeded"], statuses(&taken)), (&json!(true), vec![201, 200]), "{taken}");
    assert_eq!(
        (&taken["results"][0]["expires_in_ms"], &taken["results"][1]["value"]),
        (&json!(30_000), &json!(1))
    );
    let held = run(cluster.client(1), take).await.json(200);
    assert_eq!((&held["succeeded"], &held["results"][0]["value"]), (&json!(false), &json!("worker-1")));

    let version = &taken["results"][0]["version"];
    let give = |version: &Value| {
        json!({
            "compare": [{"key": "{job:7}lock", "version": version}, {"key": "{job:7}runs", "present": true}],
            "then": [{"op": "delete", "key": "{job:7}lock"}, {"op": "get", "key": "{job:7}lock"}],
        })
    };
    let wrong = run(cluster.client(2), give(&json!(1_000_000))).await.json(200);
    assert_eq!((&wrong["succeeded"], &wrong["results"]), (&json!(false), &json!([])));
    let given = run(cluster.client(2), give(version)).await.json(200);
    assert_eq!((&given["succeeded"], statuses(&given)), (&json!(true), vec![200, 404]));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_has_its_own_status() {
    let cluster = Cluster::single().await;
    let body = json!({"then": [
        {"op": "set", "key": "{t}a", "value": "x"},
        {"op": "set", "key": "{t}a", "value": "y", "if_absent": true},
        {"op": "incr", "key": "{t}a"},
        {"op": "append", "key": "{t}a", "value": "z"},
        {"op": "get", "key": "{t}a"},
    ]});
    let answer = run(cluster.client(0), body).await.json(200);
    assert_eq!(statuses(&answer), [201, 412, 422, 200, 200]);
    assert_eq!(answer["results"][4]["value"], "xz");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_several_groups_are_refused_and_nothing_is_changed() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let set = |key: usize| json!({"op": "set", "key": key.to_string(), "value": 1});
    let all: Vec<Value> = (0..20).map(set).collect();
    let across = [
        json!({ "then": all }),
        json!({ "then": [set(0)], "else": all }),
        json!({ "compare": (0..20).map(|n| json!({"key": n.to_string(), "present": false})).collect::<Vec<_>>() }),
    ];
    for body in across {
        run(client, body).await.refused(422, "cross-group");
    }
    assert_eq!(client.get("/v1/kv/default").await.json(200)["entries"], json!([]));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_make_no_sense_are_refused_as_a_whole() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let set = json!({"op": "set", "key": "a", "value": 1});
    let bad = [
        json!({}),
        json!({"when": []}),
        json!({"then": [set, {"op": "pop", "key": "a"}]}),
        json!({"then": [set], "else": [{"op": "get"}]}),
        json!({"compare": [{"key": "a"}], "then": [set]}),
        json!({"compare": [{"key": "a", "present": true, "version": 1}], "then": [set]}),
        json!({"compare": [{"present": true}], "then": [set]}),
        json!({"compare": [{"key": "a", "value": 1, "present": true}], "then": [set]}),
    ];
    for body in bad {
        run(client, body).await.refused(400, "bad-request");
    }
    let many = vec![json!({"op": "get", "key": "a"}); 1001];
    run(client, json!({ "then": many })).await.refused(413, "too-large");
    client.get("/v1/kv/default/a").await.problem(404, "miss");
    cluster.stop().await;
}
