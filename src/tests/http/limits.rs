//! Past a bound the client gets a clear error, however it sends too much.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;

use crate::support::{Cluster, eventually};

const VALUE_MAX: usize = 64 << 10;
const JSON: &str = "/v1/kv/default/l";
const RAW: &str = "/v1/raw/default/l";

async fn small() -> Cluster {
    Cluster::single_with(|config| config.value_max = VALUE_MAX).await
}

/// A body that does not say how long it is.
fn chunked(chunks: usize) -> Body {
    let chunk = Bytes::from(vec![b'x'; 64 << 10]);
    Body::from_stream(stream::iter((0..chunks).map(move |_| Ok::<_, std::io::Error>(chunk.clone()))))
}

#[tokio::test(flavor = "multi_thread")]
async fn values_up_to_the_limit_are_taken_and_no_longer_ones() {
    let cluster = small().await;
    let client = cluster.client(0);
    let fits = "x".repeat(VALUE_MAX);
    client.put(RAW, &fits).await.json(201);
    client.put(JSON, &format!("{{\"value\":\"{fits}\"}}")).await.json(200);
    let before = client.get(JSON).await.header("etag").to_owned();
    client.put(RAW, &format!("{fits}x")).await.refused(413, "too-large");
    client.put(JSON, &format!("{{\"value\":\"{fits}x\"}}")).await.refused(413, "too-large");
    client
        .patch(JSON, &format!("{{\"op\":\"append\",\"value\":\"{fits}x\"}}"))
        .await
        .refused(413, "too-large");
    client.patch(JSON, r#"{"op":"append","value":"x"}"#).await.refused(413, "too-large");
    assert_eq!(client.get(JSON).await.header("etag"), before);
    let escaped = "\\u0001".repeat(VALUE_MAX);
    client.put(JSON, &format!("{{\"value\":\"{escaped}\"}}")).await.json(200);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_far_too_much_still_sees_why_it_is_refused() {
    let cluster = small().await;
    let client = cluster.client(0);
    for path in [RAW, JSON] {
        client.send("PUT", path, &[], vec![b'x'; 8 << 20]).await.refused(413, "too-large");
        client.send("PUT", path, &[], chunked(128)).await.refused(413, "too-large");
    }
    // So does one that is refused for its path alone.
    client.send("PUT", "/v1/kv/default/%zz", &[], chunked(128)).await.refused(400, "bad-key");
    client.get(JSON).await.problem(404, "miss");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_first_is_refused_before_it_sends() {
    let cluster = small().await;
    let request = format!(
        "PUT {RAW} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
    );
    let reply = cluster.client(0).raw(request.as_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_in_time_is_a_timeout_that_changed_nothing() {
    let cluster = small().await;
    let request = format!(
        "PUT {RAW}?timeout=50ms HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nab"
    );
    let reply = cluster.client(0).raw(request.as_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 504 ") && reply.contains("not_applied"), "{reply}");
    cluster.client(0).get(RAW).await.problem(404, "miss");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_node_refuses_what_grows_it_and_lets_the_rest_through() {
    let cluster = Cluster::single_with(|config| config.memory_max = 64 << 10).await;
    let client = cluster.client(0);
    client.put("/v1/raw/default/big", &"x".repeat(128 << 10)).await.json(201);
    let full = eventually("the node counts its memory", async || {
        let reply = client.put(JSON, r#"{"value":1,"ttl_ms":1}"#).await;
        (reply.status == 507).then_some(reply)
    })
    .await;
    full.refused(507, "quota-exceeded");
    client.patch(JSON, r#"{"op":"incr","init":0}"#).await.refused(507, "quota-exceeded");
    assert_eq!(client.get("/v1/raw/default/big").await.status, 200);
    client.patch("/v1/kv/default/big", r#"{"op":"touch","ttl_ms":60000}"#).await.json(200);
    client.delete("/v1/kv/default/big").await.json(200);
    eventually("there is room again", async || {
        (client.put(JSON, r#"{"value":1}"#).await.status < 300).then_some(())
    })
    .await;
    cluster.stop().await;
}
