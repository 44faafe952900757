//! Any node answers any request, and changes of groups go through any node.

use serde_json::{Value, json};

use crate::support::{Client, Cluster, Reply, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_wrote_every_node_reads() {
    let cluster = Cluster::of(3).await;
    for (writer, number) in (0..3).cycle().zip(0..30) {
        let path = format!("/v1/kv/default/k{number}");
        cluster.client(writer).put(&path, &format!("{{\"value\":{number}}}")).await.json(201);
        for reader in 0..3 {
            assert_eq!(cluster.client(reader).get(&path).await.json(200)["value"], number);
        }
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_leads_to_the_leader() {
    let cluster = Cluster::of(3).await;
    let (path, body) = ("/v1/kv/default/r?timeout=5s", r#"{"value":1}"#);
    let ask = [("X-Quorate-Route", "redirect")];
    let mut redirects = Vec::new();
    for place in 0..3 {
        let reply = cluster.client(place).send("PUT", path, &ask, body).await;
        match reply.status {
            307 => redirects.push(reply.header("location").to_owned()),
            status => assert!([200, 201].contains(&status), "{reply:?}"),
        }
        assert_eq!(
            cluster.client(place).send("PUT", path, &[("X-Quorate-Route", "forward")], body).await.status
                / 100,
            2
        );
    }
    assert_eq!(redirects.len(), 2, "all but the leader redirect");
    let leader = cluster
        .servers
        .iter()
        .find(|server| redirects[0] == format!("http://{}{path}", server.http))
        .unwrap();
    assert_eq!(redirects[0], redirects[1]);
    assert_eq!(leader.client.send("GET", path, &ask, "").await.status, 200);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leadership_moves_where_it_is_told() {
    let cluster = Cluster::of(3).await;
    for leader in [1, 2, 3] {
        let body = json!({ "node": leader }).to_string();
        let moved = cluster.client(0).send("PUT", "/v1/cluster/groups/1/leader", &[], body).await;
        assert_eq!(moved.json(200), json!({"group": 1, "leader": leader}));
        let shown = cluster.client(1).get("/v1/cluster/groups/1").await.json(200);
        assert_eq!(shown["leader"], leader);
        cluster.client(2).put("/v1/kv/default/l", r#"{"value":1}"#).await;
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voter_is_added_and_removed_through_any_node() {
    let mut cluster = Cluster::of(3).await;
    cluster.join().await;
    cluster.client(0).put("/v1/kv/default/v", r#"{"value":1}"#).await.json(201);

    let begun = cluster.client(1).post("/v1/cluster/groups/1/voters", r#"{"node":4}"#).await;
    let operation = begun.json(202);
    assert_eq!((&operation["kind"], &operation["node"]), (&json!("add-voter"), &json!(4)));
    assert_eq!(begun.header("location"), format!("/v1/operations/{}", operation["id"].as_str().unwrap()));
    ended(cluster.client(2), begun).await;
    assert_eq!(voters(cluster.client(3)).await, json!([1, 2, 3, 4]));

    let removed = cluster.client(3).delete("/v1/cluster/groups/1/voters/4?wait=30s").await;
    assert_eq!(removed.json(200)["state"], "done");
    assert_eq!(voters(cluster.client(0)).await, json!([1, 2, 3]));

    let learner = cluster.client(0).post("/v1/cluster/groups/1/learners?wait=30s", r#"{"node":4}"#).await;
    assert_eq!(learner.json(200)["state"], "done");
    let shown = cluster.client(0).get("/v1/cluster/groups/1").await.json(200);
    assert_eq!((&shown["voters"], &shown["learners"]), (&json!([1, 2, 3]), &json!([4])));
    cluster.client(0).delete("/v1/cluster/groups/1/learners/4?wait=30s").await.json(200);

    let left = cluster.client(0).delete("/v1/cluster/members/4?wait=30s").await;
    assert_eq!(left.json(200)["state"], "done");
    let members = cluster.client(1).get("/v1/cluster/members").await.json(200);
    assert_eq!(members["members"].as_array().unwrap().len(), 3);
    cluster.stop().await;
}

async fn ended(client: &Client, begun: Reply) {
    let location = begun.header("location").to_owned();
    let state = eventually("the operation ends", async || {
        let state = client.get(&location).await.json(200)["state"].take();
        (state != "running").then_some(state)
    });
    assert_eq!(state.await, "done");
}

async fn voters(client: &Client) -> Value {
    let mut group = client.get("/v1/cluster/groups/1").await.json(200);
    group["voters"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_larger_than_one_message_comes_through_any_node_up_to_its_bound() {
    const VALUE_BYTES: usize = 1 << 20;
    let cluster = Cluster::of(3).await;
    let value = "x".repeat(VALUE_BYTES);
    for number in 0..80 {
        let body = json!({ "value": value }).to_string();
        cluster.client(0).put(&format!("/v1/kv/default/%7Bbig%7D{number}"), &body).await.json(201);
    }
    let get = |number: usize| json!({"op": "get", "key": format!("{{big}}{number}")});
    let ask = async |node: usize, count: usize| {
        let operations: Vec<Value> = (0..count).map(get).collect();
        let body = json!({ "operations": operations }).to_string();
        let reply = cluster.client(node).send("POST", "/v1/batch?timeout=30s", &[], body).await.json(200);
        let results = reply["results"].as_array().unwrap().clone();
        results.iter().map(|result| result["status"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    for node in 0..3 {
        assert_eq!(ask(node, 40).await, vec![200; 40]);
        let all = ask(node, 80).await;
        assert_eq!(&all[..64], vec![200; 64]);
        assert_eq!(all.last(), Some(&413));
    }
    cluster.stop().await;
}
