//! Health, figures, and a node that is not part of a cluster yet.

use serde_json::json;

use quorate::config::Config;
use quorate::node::Starting;

use crate::support::{Client, Cluster, Server, eventually, fresh_config};

#[tokio::test(flavor = "multi_thread")]
async fn a_ready_node_says_so() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    assert_eq!(client.get("/livez").await.status, 200);
    assert_eq!(client.get("/console").await.header("content-type"), "text/html; charset=utf-8");
    client.get("/console/none.js").await.problem(404, "not-found");
    client.post("/console", "").await.refused(405, "method-not-allowed");
    assert_eq!(client.get("/readyz").await.status, 200);
    let view = client.get("/readyz?verbose").await.json(200);
    assert_eq!(view["ready"], true);
    assert!(view["checks"].as_array().unwrap().iter().all(|check| check["ok"] == true), "{view}");

    cluster.servers[0].node.drain();
    let problem = client.get("/readyz").await.problem(503, "not-ready");
    assert_eq!(problem["detail"], "drain: the node is stopping");
    assert_eq!(client.get("/livez").await.status, 200);
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

/// The listener is up before the stores are opened; this node never gets as far as that.
#[tokio::test(flavor = "multi_thread")]
async fn a_starting_node_is_alive_says_how_far_it_is_and_refuses_everything_else() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let client = Client::new(listener.local_addr().unwrap());
    let starting = Starting::new();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async { stopped.await.unwrap_or_default() };
    let served = tokio::spawn(quorate::http::serve(listener, starting.clone(), stopped));
    assert_eq!(client.get("/livez").await.status, 200);
    assert_eq!(client.get("/console/app.js").await.status, 200);
    let view = client.get("/readyz?verbose").await.json(503);
    assert_eq!((&view["ready"], &view["checks"][0]["name"]), (&json!(false), &json!("start")), "{view}");
    client.get("/readyz").await.problem(503, "not-ready");
    for path in ["/v1/kv/default/a", "/v1/cluster", "/metrics", "/nothing"] {
        client.get(path).await.problem(503, "not-ready");
    }
    client.put("/v1/kv/default/a", r#"{"value":1}"#).await.refused(503, "not-ready");
    client.post("/v1/batch", "{}").await.refused(503, "not-ready");

    // On the same connections, once the node has started.
    let dir = tempfile::tempdir().unwrap();
    let config = Config { data_dir: dir.path().to_owned(), bootstrap_expect: 1, ..fresh_config(1) };
    let http = config.http;
    let node = starting.start(config, http).await.unwrap();
    eventually("the node is ready", async || node.ready().ready.then_some(())).await;
    client.put("/v1/kv/default/a", r#"{"value":1}"#).await.json(201);
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
    node.shutdown().await;
}
