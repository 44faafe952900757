//! Times to live: left out, null, sensible, and the ones that are refused.

use serde_json::{Value, json};

use crate::support::{Cluster, eventually};

const PATH: &str = "/v1/kv/default/t";
const RAW: &str = "/v1/raw/default/t";

#[tokio::test(flavor = "multi_thread")]
async fn left_out_and_null_mean_never() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    for body in [r#"{"value":1}"#, r#"{"value":1,"ttl_ms":null}"#] {
        client.put(PATH, r#"{"value":1,"ttl_ms":60000}"#).await;
        assert_eq!(client.put(PATH, body).await.json(200)["expires_in_ms"], Value::Null);
        let read = client.get(PATH).await;
        assert_eq!(read.json(200)["expires_in_ms"], Value::Null);
        assert_eq!(read.header("cache-status"), "quorate; hit");
        assert!(client.get(RAW).await.headers.get("cache-control").is_none());
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_that_are_none_are_refused_and_change_nothing() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let before = client.put(PATH, r#"{"value":"kept"}"#).await.json(201)["version"].clone();
    for ttl in ["0", "-1", "1.5", "3153600000001", "99999999999999999999999", "\"30s\"", "true"] {
        let body = format!("{{\"value\":1,\"ttl_ms\":{ttl}}}");
        client.put(PATH, &body).await.refused(422, "invalid-value");
        let body = format!("{{\"op\":\"touch\",\"ttl_ms\":{ttl}}}");
        client.patch(PATH, &body).await.refused(422, "invalid-value");
    }
    for ttl in ["0s", "-5s", "1.5s", "36501d"] {
        client.put(&format!("{RAW}?ttl={ttl}"), "x").await.refused(422, "invalid-value");
    }
    client.put(&format!("{RAW}?ttl=30"), "x").await.refused(400, "bad-request");
    for directive in ["max-age=0", "max-age=-1", "max-age=x"] {
        client.send("PUT", RAW, &[("Cache-Control", directive)], "x").await.refused(422, "invalid-value");
    }
    let after = client.get(PATH).await.json(200);
    assert_eq!((&after["value"], &after["version"]), (&json!("kept"), &before));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_time_is_taken() {
    let cluster = Cluster::single().await;
    let reply = cluster.client(0).put(PATH, r#"{"value":1,"ttl_ms":3153600000000}"#).await.json(201);
    assert_eq!(reply["expires_in_ms"], 3_153_600_000_000_u64);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_put_takes_its_time_from_the_query_or_the_header() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let header = [("Cache-Control", "no-cache, max-age=30")];
    assert_eq!(client.send("PUT", RAW, &header, "x").await.json(201)["expires_in_ms"], 30_000);
    let both = client.send("PUT", &format!("{RAW}?ttl=2h"), &header, "x").await.json(200);
    assert_eq!(both["expires_in_ms"], 7_200_000, "the query beats the header");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn touch_and_persist_move_the_deadline() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    client.patch(PATH, r#"{"op":"touch","ttl_ms":1000}"#).await.refused(404, "miss");
    client.patch(PATH, r#"{"op":"persist"}"#).await.refused(404, "miss");
    let first = client.put(PATH, r#"{"value":1}"#).await.json(201);
    let touched = client.patch(PATH, r#"{"op":"touch","ttl_ms":60000}"#).await.json(200);
    assert_eq!((&touched["expires_in_ms"], &touched["created"]), (&json!(60_000), &json!(false)));
    assert!(touched["version"].as_u64() > first["version"].as_u64());
    let kept = client.patch(PATH, r#"{"op":"persist"}"#).await.json(200);
    assert_eq!(kept["expires_in_ms"], Value::Null);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_is_a_miss_and_stays_one() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    client.put(PATH, r#"{"value":1,"ttl_ms":50}"#).await.json(201);
    eventually("the key expires", async || (client.get(PATH).await.status == 404).then_some(())).await;
    client.get(RAW).await.problem(404, "miss");
    client.patch(PATH, r#"{"op":"persist"}"#).await.refused(404, "miss");
    assert_eq!(client.delete(PATH).await.json(200)["deleted"], false);
    cluster.stop().await;
}
