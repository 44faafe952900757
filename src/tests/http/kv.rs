//! Reading, setting, changing and deleting one key.

use serde_json::json;

use crate::support::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_created_replaced_read_and_deleted() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let path = "/v1/kv/default/user:42";

    let created = client.put(path, r#"{"value":{"name":"Ann"},"ttl_ms":30000}"#).await;
    let body = created.json(201);
    let version = body["version"].as_u64().unwrap();
    let expected = json!({
        "ns": "default", "key": "user:42", "version": version, "expires_in_ms": 30_000, "created": true,
    });
    assert_eq!(body, expected);
    assert_eq!(created.header("etag"), format!("\"{version}\""));
    assert_eq!(created.header("x-quorate-consistency"), "linearizable");
    assert!(created.header("x-quorate-group").parse::<u32>().unwrap() > 0);

    let read = client.get(path).await;
    let body = read.json(200);
    assert_eq!((&body["value"], &body["version"]), (&json!({"name": "Ann"}), &json!(version)));
    assert!(body["expires_in_ms"].as_u64().unwrap() <= 30_000);
    assert!(body["created_ms"].is_u64() && body["modified_ms"].is_u64());
    assert_eq!(read.header("etag"), created.header("etag"));
    assert!(read.header("cache-status").starts_with("quorate; hit; ttl="));
    assert!(read.headers.get("x-quorate-staleness-ms").is_none());
    read.header("x-quorate-time-ms").parse::<u64>().unwrap();

    let replaced = client.put(path, r#"{"value":"new"}"#).await.json(200);
    assert_eq!((&replaced["created"], &replaced["expires_in_ms"]), (&json!(false), &json!(null)));
    assert!(replaced["version"].as_u64().unwrap() > version);

    let deleted = client.delete(path).await.json(200);
    assert_eq!(deleted["deleted"], true);
    assert!(deleted["version"].as_u64() > replaced["version"].as_u64());
    assert_eq!(client.delete(path).await.json(200)["deleted"], false);

    let again = client.put(path, r#"{"value":1}"#).await.json(201);
    assert!(again["version"].as_u64() > deleted["version"].as_u64(), "versions only grow");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key_is_a_miss() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    for path in ["/v1/kv/default/none", "/v1/raw/default/none"] {
        let miss = client.get(path).await;
        let problem = miss.problem(404, "miss");
        assert!(problem.get("outcome").is_none(), "a read has no outcome: {problem}");
        assert_eq!(miss.header("cache-status"), "quorate; fwd=miss");
        assert_eq!(miss.header("x-quorate-consistency"), "linearizable");
    }
    client.get("/v1/kv/nowhere/a").await.problem(404, "unknown-namespace");
    client.put("/v1/kv/nowhere/a", r#"{"value":1}"#).await.refused(404, "unknown-namespace");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_get_without_the_body() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    client.put("/v1/kv/default/h", r#"{"value":"text"}"#).await.json(201);
    for path in ["/v1/kv/default/h", "/v1/raw/default/h"] {
        let (get, head) = (client.get(path).await, client.send("HEAD", path, &[], "").await);
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), get.body.len().to_string());
        assert_eq!(head.header("content-type"), get.header("content-type"));
        assert_eq!(head.header("etag"), get.header("etag"));
    }
    let miss = client.send("HEAD", "/v1/kv/default/none", &[], "").await;
    assert_eq!((miss.status, miss.body.len()), (404, 0));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_json_value_comes_back_as_it_was() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let values = [
        "null",
        "true",
        "0",
        "-1.10",
        "123456789012345678901234567890",
        "[]",
        r#"{"b":1,"a":[1.0,2e5]}"#,
        r#""""#,
        r#""quote \" and é""#,
    ];
    for value in values {
        client.put("/v1/kv/default/v", &format!("{{\"value\": {value} }}")).await;
        let body = client.get("/v1/kv/default/v").await;
        let text = std::str::from_utf8(&body.body).unwrap();
        assert!(text.contains(&format!("\"value\":{value},")), "{value} is not in {text}");
    }
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    client.put("/v1/kv/default/v", &format!("{{\"value\":{deep}}}")).await.json(200);
    assert!(std::str::from_utf8(&client.get("/v1/kv/default/v").await.body).unwrap().contains(&deep));
    client.put("/v1/kv/default/v", r#"{"value_b64":"AP8="}"#).await.json(200);
    let body = client.get("/v1/kv/default/v").await.json(200);
    assert_eq!(body["value_b64"], "AP8=");
    assert!(body.get("value").is_none());
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_count_and_texts_grow() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let path = "/v1/kv/default/n";
    client.patch(path, r#"{"op":"incr"}"#).await.refused(404, "miss");
    let made = client.patch(path, r#"{"op":"incr","by":5,"init":10}"#).await;
    assert_eq!(
        (made.json(200)["value"].clone(), made.json(200)["created"].clone()),
        (json!(15), json!(true))
    );
    assert_eq!(client.patch(path, r#"{"op":"incr"}"#).await.json(200)["value"], 16);
    assert_eq!(client.patch(path, r#"{"op":"incr","by":-20}"#).await.json(200)["value"], -4);
    assert_eq!(client.get(path).await.json(200)["version"], client.get(path).await.json(200)["version"]);

    client.put(path, &format!("{{\"value\":{}}}", i64::MAX)).await.json(200);
    client.patch(path, r#"{"op":"incr"}"#).await.refused(422, "invalid-value");
    client.put(path, r#"{"value":"word"}"#).await.json(200);
    client.patch(path, r#"{"op":"incr"}"#).await.refused(422, "not-a-number");

    let text = "/v1/kv/default/t";
    assert_eq!(client.patch(text, r#"{"op":"append","value":"ab"}"#).await.json(200)["len"], 2);
    assert_eq!(client.patch(text, r#"{"op":"append","value":"c"}"#).await.json(200)["len"], 3);
    assert_eq!(client.get(text).await.json(200)["value"], "abc");
    client.patch(text, r#"{"op":"append","value_b64":"/w=="}"#).await.json(200);
    assert_eq!(client.get(text).await.json(200)["value_b64"], "YWJj/w==");
    client.put(text, r#"{"value":[1]}"#).await.json(200);
    client.patch(text, r#"{"op":"append","value":"x"}"#).await.refused(422, "invalid-value");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_bytes_and_never_normalised() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let keys = [
        "a//b",
        "a/b",
        "a/./b",
        "a/../b",
        "/",
        "..",
        "a%00b",
        "%ff",
        "a+b",
        "a%20b",
        "%7Btag%7D:1",
        "a%2Fb%25",
    ];
    for (number, key) in keys.iter().enumerate() {
        client.put(&format!("/v1/kv/default/{key}"), &format!("{{\"value\":{number}}}")).await.json(201);
    }
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(client.get(&format!("/v1/kv/default/{key}")).await.json(200)["value"], number, "{key}");
    }
    assert_eq!(client.get("/v1/kv/default/a%2Fb").await.json(200)["value"], 1, "the same key as a/b");
    let odd = client.get("/v1/kv/default/%ff").await.json(200);
    assert_eq!((odd.get("key"), &odd["key_b64"]), (None, &json!("/w==")));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_as_fresh_as_asked() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    client.put("/v1/kv/default/c", r#"{"value":1}"#).await.json(201);
    for consistency in ["linearizable", "lease"] {
        let reply = client.get(&format!("/v1/kv/default/c?consistency={consistency}")).await;
        assert_eq!(reply.json(200)["value"], 1);
        assert!(["linearizable", "lease"].contains(&reply.header("x-quorate-consistency")));
        assert!(reply.headers.get("x-quorate-staleness-ms").is_none());
    }
    let local = client.get("/v1/kv/default/c?consistency=local&max_staleness=10s").await;
    assert_eq!((local.status, local.header("x-quorate-consistency")), (200, "local"));
    local.header("x-quorate-staleness-ms").parse::<u64>().unwrap();
    cluster.stop().await;
}
