//! Writes and reads under a condition.

use serde_json::json;

use crate::support::{Client, Cluster};

const PATH: &str = "/v1/kv/default/c";

async fn put(client: &Client, name: &str, value: &str) -> crate::support::Reply {
    client.send("PUT", PATH, &[(name, value)], r#"{"value":"x"}"#).await
}

#[tokio::test(flavor = "multi_thread")]
async fn create_only() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let created = put(client, "If-None-Match", "*").await;
    created.json(201);
    let refused = put(client, "If-None-Match", "*").await;
    let problem = refused.refused(412, "version-mismatch");
    assert_eq!(refused.header("etag"), created.header("etag"));
    assert_eq!(problem["current_version"], created.json(201)["version"]);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replace_just_that_version() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    put(client, "If-Match", "\"1\"").await.refused(412, "version-mismatch");
    put(client, "If-Match", "*").await.refused(412, "version-mismatch");
    client.get(PATH).await.problem(404, "miss");

    let first = client.put(PATH, r#"{"value":1}"#).await;
    put(client, "If-Match", first.header("etag")).await.json(200);
    let stale = put(client, "If-Match", first.header("etag")).await;
    stale.refused(412, "version-mismatch");
    assert_eq!(stale.header("etag"), client.get(PATH).await.header("etag"));
    put(client, "If-Match", "*").await.json(200);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_and_delete_just_that_version() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let tag = client.put(PATH, r#"{"value":1}"#).await.header("etag").to_owned();
    let wrong = [("If-Match", "\"0\"")];
    client.send("PATCH", PATH, &wrong, r#"{"op":"incr"}"#).await.refused(412, "version-mismatch");
    client.send("DELETE", PATH, &wrong, "").await.refused(412, "version-mismatch");
    let next = client.send("PATCH", PATH, &[("If-Match", tag.as_str())], r#"{"op":"incr"}"#).await;
    assert_eq!(next.json(200)["value"], 2);
    let right = [("If-Match", next.header("etag"))];
    assert_eq!(client.send("DELETE", PATH, &right, "").await.json(200)["deleted"], true);
    client.send("DELETE", "/v1/raw/default/c", &right, "").await.refused(412, "version-mismatch");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_the_version_gets_304() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let tag = client.put(PATH, r#"{"value":1}"#).await.header("etag").to_owned();
    for path in [PATH, "/v1/raw/default/c"] {
        let same = client.send("GET", path, &[("If-None-Match", &format!("\"0\", {tag}"))], "").await;
        assert_eq!((same.status, same.header("etag"), same.body.len()), (304, tag.as_str(), 0));
        assert_eq!(client.send("GET", path, &[("If-None-Match", "\"0\"")], "").await.status, 200);
        // A proxy that compresses marks the tag as weak, or changes it.
        let weak = format!("W/{tag}");
        assert_eq!(client.send("GET", path, &[("If-None-Match", &weak)], "").await.status, 304);
        assert_eq!(client.send("GET", path, &[("If-None-Match", "\"1-gzip\"")], "").await.status, 200);
    }
    client.send("GET", "/v1/kv/default/none", &[("If-None-Match", "*")], "").await.problem(404, "miss");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_that_make_no_sense_change_nothing() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    for (name, value) in [("If-Match", "1"), ("If-None-Match", "\"1\"")] {
        put(client, name, value).await.refused(400, "bad-request");
    }
    // Well-formed tags that are none of ours match nothing (RFC 9110, section 13.1.1: strong comparison).
    for foreign in ["W/\"1\"", "\"a\""] {
        put(client, "If-Match", foreign).await.refused(412, "version-mismatch");
    }
    let both = [("If-Match", "\"1\""), ("If-None-Match", "*")];
    client.send("PUT", PATH, &both, r#"{"value":1}"#).await.refused(400, "bad-request");
    client.send("DELETE", PATH, &[("If-None-Match", "*")], "").await.refused(400, "bad-request");
    let read = client.send("GET", PATH, &[("If-None-Match", "1")], "").await;
    assert_eq!(read.problem(400, "bad-request").get("outcome"), None);
    client.get(PATH).await.problem(404, "miss");
    assert_eq!(client.get("/v1/cluster/groups/1").await.json(200)["items"], json!(0));
    cluster.stop().await;
}
