//! The cluster as shown and changed by one node that is all of it.

use serde_json::json;

use crate::support::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_is_shown() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let view = client.get("/v1/cluster").await.json(200);
    assert!(view["cluster_id"].is_string() && view["epoch"].is_u64());
    assert_eq!(view["nodes"][0]["id"], 1);
    assert_eq!(view["nodes"][0]["http"], cluster.servers[0].http.to_string());
    assert_eq!(view["groups"].as_array().unwrap().len(), 3, "the meta group and two data groups");
    assert_eq!((&view["health"]["nodes_up"], &view["health"]["slots_served"]), (&json!(1), &json!(16_384)));
    assert!(view["health"]["groups_ok"].as_u64() >= Some(2), "{view}");
    let slots: u64 = view["slots"].as_array().unwrap().iter().map(range_len).sum();
    assert_eq!(slots, 16_384);

    assert_eq!(client.get("/v1/cluster/members").await.json(200)["members"][0]["id"], 1);
    let groups = client.get("/v1/cluster/groups").await.json(200);
    assert_eq!(groups["groups"].as_array().unwrap().len(), 3);
    let group = client.get("/v1/cluster/groups/1?local=true&digest=true").await.json(200);
    assert_eq!((&group["id"], &group["leader"], &group["voters"]), (&json!(1), &json!(1), &json!([1])));
    assert!(group["digest"].is_string() && group["time_ms"].is_u64() && group["log_last"].is_u64());
    assert!(client.get("/v1/cluster/groups/1").await.json(200).get("digest").is_none());
    assert!(client.get("/v1/operations").await.json(200)["operations"].is_array());
    cluster.stop().await;
}

fn range_len(range: &serde_json::Value) -> u64 {
    range["last"].as_u64().unwrap() - range["first"].as_u64().unwrap() + 1
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_unknown() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    for group in ["7", "x", "-1", "4294967296", "%zz"] {
        let base = format!("/v1/cluster/groups/{group}");
        client.get(&base).await.problem(404, "unknown-group");
        client.post(&format!("{base}/snapshot"), "").await.problem(404, "unknown-group");
        client.post(&format!("{base}/voters"), r#"{"node":1}"#).await.problem(404, "unknown-group");
    }
    client.get("/v1/operations/none").await.problem(404, "unknown-operation");
    client.get("/v1/operations/%ff").await.problem(404, "unknown-operation");
    client.delete("/v1/cluster/members/9").await.problem(404, "unknown-member");
    client.delete("/v1/cluster/members/x").await.problem(404, "unknown-member");
    client.post("/v1/cluster/groups/1/voters", r#"{"node":9}"#).await.problem(404, "unknown-member");
    client.post("/v1/cluster/groups/1/learners", r#"{"node":9}"#).await.problem(404, "unknown-member");
    client.delete("/v1/cluster/groups/1/voters/x").await.problem(404, "unknown-member");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies_are_refused() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    for body in ["", "{}", "[4]", r#"{"node":"4"}"#, r#"{"node":-1}"#, r#"{"node":4,"x":1}"#] {
        client.post("/v1/cluster/groups/1/voters", body).await.refused(400, "bad-request");
        client.post("/v1/cluster/groups/1/learners", body).await.refused(400, "bad-request");
        client.send("PUT", "/v1/cluster/groups/1/leader", &[], body).await.refused(400, "bad-request");
    }
    for body in ["", r#"{"id":4}"#, r#"{"id":4,"http":"a","peer":"b","x":1}"#] {
        client.post("/v1/cluster/members", body).await.refused(400, "bad-request");
    }
    client.post("/v1/cluster/groups/1/voters?wait=5", r#"{"node":1}"#).await.refused(400, "bad-request");
    client.post("/v1/cluster/groups/1/voters?wait=61s", r#"{"node":1}"#).await.refused(400, "bad-request");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_taken_and_the_only_voter_is_kept() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    client.put("/v1/kv/default/s", r#"{"value":1}"#).await.json(201);
    let taken = client.post("/v1/cluster/groups/1/snapshot", "").await.json(200);
    assert_eq!(taken["group"], 1);
    assert!(taken["last_index"].as_u64().unwrap() > 0);
    assert!(
        client.get("/v1/cluster/groups/1").await.json(200)["snapshot"].as_u64()
            >= taken["last_index"].as_u64()
    );
    client.delete("/v1/cluster/groups/1/voters/1?wait=10s").await.refused(409, "would-lose-quorum");
    cluster.stop().await;
}

/// Node 9 is admitted but never started, so its operation goes on and on.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_takes_one_change_of_its_members_at_a_time() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let spec = r#"{"id":9,"http":"127.0.0.1:1","peer":"127.0.0.1:2"}"#;
    assert_eq!(client.post("/v1/cluster/members", spec).await.json(200)["state"], "admitted");
    let begun = client.post("/v1/cluster/groups/1/voters", r#"{"node":9}"#).await.json(202);
    assert_eq!((&begun["kind"], &begun["state"]), (&json!("add-voter"), &json!("running")));
    client.post("/v1/cluster/groups/1/learners", r#"{"node":9}"#).await.refused(409, "operation-running");
    let shown = client.get(&format!("/v1/operations/{}", begun["id"].as_str().unwrap())).await.json(200);
    assert_eq!(shown["state"], "running");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_needs_an_id_and_addresses_of_its_own() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let own = client.get("/v1/cluster/members").await.json(200)["members"][0].clone();
    let spec = |id: u64, http: &str, peer: &str| json!({"id": id, "http": http, "peer": peer}).to_string();
    for bad in [spec(0, "h:1", "h:2"), spec(7, "h", "h:2"), spec(7, "h:1", "h:0"), spec(7, "h:1", "h:1")] {
        client.post("/v1/cluster/members", &bad).await.refused(422, "invalid-value");
    }
    let taken = own["peer"].as_str().unwrap();
    client.post("/v1/cluster/members", &spec(1, "h:1", "h:2")).await.refused(409, "conflict");
    client.post("/v1/cluster/members", &spec(7, "h:1", taken)).await.refused(409, "conflict");
    let after = client.get("/v1/cluster/members").await.json(200);
    assert_eq!(after["members"].as_array().unwrap().len(), 1, "{after}");
    cluster.stop().await;
}
