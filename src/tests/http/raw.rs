//! The raw view: bytes and their content type.

use crate::support::Cluster;

const PATH: &str = "/v1/raw/default/r";
const JSON: &str = "/v1/kv/default/r";

#[tokio::test(flavor = "multi_thread")]
async fn bytes_come_back_with_their_type() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let cases: [(Option<&str>, &[u8], &str); 9] = [
        (None, b"\x00\xff", "application/octet-stream"),
        (Some("application/octet-stream"), b"", "application/octet-stream"),
        (Some("application/x-www-form-urlencoded"), b"a=b", "application/octet-stream"),
        (Some("application/json"), b" {\"a\" : 1.10}\n", "application/json"),
        (Some("application/json"), b"\"a string\"", "application/json"),
        (Some("text/plain"), b"text", "text/plain; charset=utf-8"),
        (Some("Text/Plain; charset=UTF-8"), b"text", "text/plain; charset=utf-8"),
        (Some("text/plain"), b"\xff", "text/plain"),
        (Some("image/png; x=\"y\""), b"\x89PNG", "image/png; x=\"y\""),
    ];
    for (given, bytes, expected) in cases {
        let headers: Vec<_> = given.iter().map(|name| ("Content-Type", *name)).collect();
        let put = client.send("PUT", PATH, &headers, bytes.to_vec()).await;
        assert!([200, 201].contains(&put.status), "{put:?}");
        let get = client.get(PATH).await;
        assert_eq!((get.status, &get.body[..], get.header("content-type")), (200, bytes, expected));
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_two_views_show_one_entry() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    client.put(JSON, r#"{"value":"plain \"text\""}"#).await.json(201);
    let raw = client.get(PATH).await;
    assert_eq!(
        (&raw.body[..], raw.header("content-type")),
        (&b"plain \"text\""[..], "text/plain; charset=utf-8")
    );
    client.put(JSON, r#"{"value": {"a": [1, 2]}}"#).await.json(200);
    assert_eq!(client.get(PATH).await.body, r#"{"a":[1,2]}"#);
    client.send("PUT", PATH, &[("Content-Type", "application/json")], "[1.0]").await.json(200);
    assert_eq!(client.get(JSON).await.json(200)["value"].to_string(), "[1.0]");
    client.send("PUT", PATH, &[("Content-Type", "image/png")], "x").await.json(200);
    assert_eq!(client.get(JSON).await.json(200)["value_b64"], "eA==");
    assert_eq!(client.delete(PATH).await.json(200)["deleted"], true);
    client.get(JSON).await.problem(404, "miss");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_read_speaks_to_caches() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let put = client.put(&format!("{PATH}?ttl=30s"), "x").await;
    assert_eq!(put.json(201)["expires_in_ms"], 30_000);
    let get = client.get(PATH).await;
    let left: u64 = get.header("cache-control").strip_prefix("max-age=").unwrap().parse().unwrap();
    assert!(left <= 30);
    assert_eq!(get.header("cache-status"), format!("quorate; hit; ttl={left}"));
    assert_eq!(get.header("etag"), put.header("etag"));
    get.header("age").parse::<u64>().unwrap();
    assert_eq!(get.header("x-content-type-options"), "nosniff");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_page_may_do_nothing_in_a_browser() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    for (media_type, kept) in [("text/html", true), ("image/svg+xml", true), ("text/plain", false)] {
        client.send("PUT", PATH, &[("Content-Type", media_type)], "<script>1</script>").await;
        let policy = client.get(PATH).await.headers.get("content-security-policy").cloned();
        assert_eq!(
            policy.is_some_and(|policy| policy == "sandbox; default-src 'none'"),
            kept,
            "{media_type}"
        );
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_contradict_their_type_are_refused() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    for body in ["", "{", "{}x"] {
        let reply = client.send("PUT", PATH, &[("Content-Type", "application/json")], body).await;
        reply.refused(422, "invalid-value");
    }
    let long = format!("a/{}", "x".repeat(130));
    for media_type in ["nonsense", long.as_str()] {
        client.send("PUT", PATH, &[("Content-Type", media_type)], "x").await.refused(415, "media-type");
    }
    client.get(PATH).await.problem(404, "miss");
    cluster.stop().await;
}
