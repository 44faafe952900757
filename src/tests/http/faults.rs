//! Nodes without a quorum: clear errors, honest outcomes, and only local reads.

use serde_json::Value;

use crate::support::{Cluster, Reply, Server, eventually};

/// A cluster of three whose first node is left alone, a follower everywhere, with a key it holds.
async fn alone() -> (Cluster, &'static str) {
    let mut cluster = Cluster::of(3).await;
    let path = "/v1/kv/default/f";
    cluster.client(0).put(path, r#"{"value":"before"}"#).await.json(201);
    eventually("the replica has the key", async || {
        // With a bound: from then on the replica can state one.
        let reply = cluster.client(0).get(&format!("{path}?consistency=local&max_staleness=24h")).await;
        (reply.status == 200).then_some(())
    })
    .await;
    for group in 1..=3 {
        let leader = format!("/v1/cluster/groups/{group}/leader");
        cluster.client(0).send("PUT", &leader, &[], r#"{"node":3}"#).await.json(200);
    }
    cluster.servers.drain(1..).for_each(Server::kill);
    (cluster, path)
}

/// A 503 `no-leader` or a 504 `timeout`, whichever came first.
#[track_caller]
fn unavailable(reply: &Reply) -> Value {
    match reply.status {
        503 => {
            reply.header("retry-after").parse::<u64>().unwrap();
            reply.problem(503, "no-leader")
        }
        _ => reply.problem(504, "timeout"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_without_a_quorum_says_what_became_of_it() {
    let (cluster, path) = alone().await;
    let client = cluster.client(0);
    let problem = unavailable(&client.put(&format!("{path}?timeout=500ms"), r#"{"value":"after"}"#).await);
    assert!(["not_applied", "unknown"].contains(&problem["outcome"].as_str().unwrap()), "{problem}");

    // Once the node knows that there is no leader it refuses at once, and for certain.
    let certain = eventually("the node knows there is no leader", async || {
        let reply = client.put(&format!("{path}?timeout=500ms"), r#"{"value":"after"}"#).await;
        (reply.status == 503).then_some(reply)
    })
    .await;
    certain.refused(503, "no-leader");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_local_reads_are_served_without_a_quorum() {
    let (cluster, path) = alone().await;
    let client = cluster.client(0);
    let problem = unavailable(&client.get(&format!("{path}?timeout=500ms")).await);
    assert!(problem.get("outcome").is_none(), "a read has no outcome: {problem}");

    let local = client.get(&format!("{path}?consistency=local")).await;
    assert_eq!(local.json(200)["value"], "before");
    local.header("x-quorate-staleness-ms").parse::<u64>().unwrap();
    let stale = eventually("the copy is too old", async || {
        let reply = client.get(&format!("{path}?consistency=local&max_staleness=100ms")).await;
        (reply.status == 503).then_some(reply)
    })
    .await;
    stale.problem(503, "too-stale");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_alive_from_ready() {
    let (cluster, _) = alone().await;
    let client = cluster.client(0);
    assert_eq!(client.get("/livez").await.status, 200);
    let unready = eventually("the node is not ready", async || {
        let reply = client.get("/readyz").await;
        (reply.status == 503).then_some(reply)
    })
    .await;
    unready.problem(503, "not-ready");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_without_a_quorum_fails_each_operation_by_itself() {
    let (cluster, _) = alone().await;
    let body = r#"{"operations":[{"op":"set","key":"f","value":1},{"op":"get","key":"f"}]}"#;
    let reply = cluster.client(0).post("/v1/batch?timeout=500ms", body).await.json(200);
    for (result, is_write) in reply["results"].as_array().unwrap().iter().zip([true, false]) {
        assert!([503, 504].contains(&result["status"].as_u64().unwrap()), "{result}");
        assert_eq!(result["outcome"].is_string(), is_write, "{result}");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voter_too_many_is_not_removed() {
    let mut cluster = Cluster::of(3).await;
    cluster.servers.remove(2).kill();
    let client = cluster.client(0);
    eventually("the leader misses node 3", async || {
        let group = client.get("/v1/cluster/groups/1").await.json(200);
        let missed = |replica: &Value| replica["node"] == 3 && replica["healthy"] == false;
        group["replicas"].as_array().unwrap().iter().any(missed).then_some(())
    })
    .await;
    client.delete("/v1/cluster/groups/1/voters/2").await.refused(409, "would-lose-quorum");
    let group = client.get("/v1/cluster/groups/1").await.json(200);
    assert_eq!(group["voters"].as_array().unwrap().len(), 3, "{group}");
    cluster.stop().await;
}
