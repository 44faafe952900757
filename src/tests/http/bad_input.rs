//! Input that makes no sense gets the documented error and changes nothing.

use crate::support::Cluster;

const PATH: &str = "/v1/kv/default/b";

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_changes_nothing() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    for site in ["cross-site", "same-site", "new-word"] {
        let headers = [("sec-fetch-site", site)];
        client.send("PUT", PATH, &headers, r#"{"value":1}"#).await.refused(403, "forbidden");
        client.send("POST", "/v1/cluster/groups/1/snapshot", &headers, "").await.refused(403, "forbidden");
        assert_eq!(client.send("GET", "/livez", &headers, "").await.status, 200);
    }
    client.get(PATH).await.problem(404, "miss");
    for site in ["same-origin", "none"] {
        let put = client.send("PUT", PATH, &[("sec-fetch-site", site)], r#"{"value":1}"#).await;
        assert!(matches!(put.status, 200 | 201), "{put:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let bodies = [
        "",
        "x",
        "{",
        "[]",
        "{}",
        r#"{"value":1"#,
        r#"{"value":1}}"#,
        r#"{"value":1,"value_b64":"eA=="}"#,
        r#"{"value":1,"value_b64":null}"#,
        r#"{"value":1,"tll_ms":5}"#,
        r#"{"value":1,"value":2}"#,
        r#"{"value":01}"#,
        r#"{"value_b64":7}"#,
    ];
    for body in bodies {
        client.put(PATH, body).await.refused(400, "bad-request");
    }
    client.send("PUT", PATH, &[], b"{\"value\":\"\xff\"}".to_vec()).await.refused(400, "bad-request");
    client.put(PATH, r#"{"value_b64":"?"}"#).await.refused(422, "invalid-value");
    client.put(PATH, r#"{"value":"\ud800"}"#).await.refused(422, "invalid-value");
    for body in [
        r#"{"op":"pop"}"#,
        r#"{"op":"persist","key":null}"#,
        r#"{"op":"set","value":1}"#,
        r#"{"op":"touch"}"#,
        r#"{"by":1}"#,
        "[]",
        "x",
    ] {
        client.patch(PATH, body).await.refused(400, "bad-request");
    }
    for body in [r#"{"op":"incr","by":1.5}"#, r#"{"op":"incr","by":"1"}"#, r#"{"op":"append","value":{}}"#] {
        client.patch(PATH, body).await.refused(422, "invalid-value");
    }
    let typed = client.send("PUT", PATH, &[("Content-Type", "text/xml")], r#"{"value":1}"#).await;
    typed.refused(415, "media-type");
    client.get(PATH).await.problem(404, "miss");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_curl_sends_by_default_is_taken_for_json() {
    let cluster = Cluster::single().await;
    let curl = [("Content-Type", "application/x-www-form-urlencoded")];
    cluster.client(0).send("PUT", PATH, &curl, r#"{"value":1}"#).await.json(201);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_keys() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let long = "k".repeat(1025);
    for key in ["", "%", "%4", "a%zz", long.as_str()] {
        for view in ["kv", "raw"] {
            let path = format!("/v1/{view}/default/{key}");
            client.put(&path, r#"{"value":1}"#).await.refused(400, "bad-key");
            client.get(&path).await.problem(400, "bad-key");
            client.delete(&path).await.refused(400, "bad-key");
        }
    }
    client.put(&format!("/v1/kv/default/{}", "k".repeat(1024)), r#"{"value":1}"#).await.json(201);
    client.put(&format!("/v1/kv/default/{}", "%ff".repeat(1024)), r#"{"value":1}"#).await.json(201);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_queries() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let queries = [
        "x=1",
        "consistency=strong",
        "consistency=local&consistency=local",
        "max_staleness=1s",
        "consistency=local&max_staleness=200",
        "timeout=0s",
        "timeout=5",
        "timeout=61s",
        "timeout=%zz",
        "ttl=1s",
    ];
    for query in queries {
        client.get(&format!("{PATH}?{query}")).await.problem(400, "bad-request");
    }
    client.put(&format!("{PATH}?consistency=local"), r#"{"value":1}"#).await.refused(400, "bad-request");
    client.get("/v1/cluster?x").await.problem(400, "bad-request");
    client.get("/readyz?verbose=perhaps").await.problem(400, "bad-request");
    client.send("GET", PATH, &[("X-Quorate-Route", "scenic")], "").await.problem(400, "bad-request");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_are_not_served() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    for path in ["/", "/v1", "/v1/kv", "/v1/kv/", "/v1/raw/default", "/v1/openapi", "/v2/kv/a/b", "//livez"] {
        client.get(path).await.problem(404, "not-found");
    }
    let cases = [
        ("PUT", "/v1/kv/default", "GET,HEAD"),
        ("POST", PATH, "DELETE,GET,HEAD,PATCH,PUT"),
        ("PATCH", "/v1/raw/default/a", "DELETE,GET,HEAD,PUT"),
        ("GET", "/v1/batch", "POST"),
        ("GET", "/v1/txn", "POST"),
        ("DELETE", "/v1/cluster", "GET,HEAD"),
        ("OPTIONS", "/v1/cluster/groups/1/leader", "PUT"),
        ("BREW", "/livez", "GET,HEAD"),
    ];
    for (method, path, expected) in cases {
        let reply = client.send(method, path, &[], "").await;
        reply.problem(405, "method-not-allowed");
        let mut allowed: Vec<_> = reply.header("allow").split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), expected, "{method} {path}");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_is_kept_or_made() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let kept = client.send("GET", PATH, &[("X-Request-Id", "trace-7")], "").await;
    assert_eq!(kept.problem(404, "miss")["request_id"], "trace-7");
    let odd = client.send("GET", PATH, &[("X-Request-Id", "<script>")], "").await;
    assert_eq!(odd.header("x-request-id").len(), 16);
    assert_ne!(
        client.get("/livez").await.header("x-request-id"),
        client.get("/livez").await.header("x-request-id")
    );
    cluster.stop().await;
}
