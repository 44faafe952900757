//! Health, figures, and a node that is not part of a cluster yet.

use serde_json::json;

use crate::support::{Cluster, Server, fresh_config};

#[tokio::test(flavor = "multi_thread")]
async fn a_ready_node_says_so() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    assert_eq!(client.get("/livez").await.status, 200);
    assert_eq!(client.get("/readyz").await.status, 200);
    let view = client.get("/readyz?verbose").await.json(200);
    assert_eq!(view["ready"], true);
    assert!(view["checks"].as_array().unwrap().iter().all(|check| check["ok"] == true), "{view}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_prometheus_text() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    client.put("/v1/kv/default/m", r#"{"value":1}"#).await.json(201);
    client.get("/v1/kv/default/none").await.problem(404, "miss");
    let reply = client.get("/metrics").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "text/plain; version=0.0.4"));
    let text = std::str::from_utf8(&reply.body).unwrap();
    for line in [
        "quorate_http_requests_total{operation=\"write\",class=\"2xx\"} 1",
        "quorate_http_requests_total{operation=\"read\",class=\"4xx\"} 1",
        "quorate_http_request_seconds_count{operation=\"write\"} 1",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
    }
    let sample = |line: &str| line.rsplit_once(' ').is_some_and(|(_, value)| value.parse::<f64>().is_ok());
    assert!(text.lines().all(|line| line.starts_with('#') || sample(line)), "{text}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_a_cluster_is_alive_but_serves_nothing_until_told_to_form_one() {
    let server = Server::start(fresh_config(1)).await.unwrap();
    let client = &server.client;
    assert_eq!(client.get("/livez").await.status, 200);
    assert_eq!(client.get("/metrics").await.status, 200);
    client.get("/readyz").await.problem(503, "not-ready");
    assert_eq!(client.get("/readyz?verbose").await.json(503)["ready"], false);
    let refused = client.put("/v1/kv/default/a", r#"{"value":1}"#).await;
    refused.refused(503, "not-ready");
    refused.header("retry-after").parse::<u64>().unwrap();
    for path in
        ["/v1/kv/default/a", "/v1/raw/default/a", "/v1/cluster", "/v1/cluster/members", "/v1/cluster/groups"]
    {
        client.get(path).await.problem(503, "not-ready");
    }
    client.post("/v1/cluster/init", "{\"pears\":[]}").await.refused(400, "bad-request");

    let formed = client.post("/v1/cluster/init", "").await.json(200);
    assert_eq!(formed["created"], true);
    server.ready().await;
    let again = client.post("/v1/cluster/init", r#"{"peers":[]}"#).await.json(200);
    assert_eq!(again, json!({"created": false, "cluster_id": formed["cluster_id"]}));
    client.put("/v1/kv/default/a", r#"{"value":1}"#).await.json(201);
    server.stop().await;
}
