//! What comes over the wire besides requests that make sense.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_request_end_the_connection_only() {
    let cluster = Cluster::single().await;
    let client = cluster.client(0);
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(200 << 10));
    let bytes: [&[u8]; 5] = [
        b"\r\n\r\n\x00\x01\x02\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PUT /v1/kv/default/a HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        long.as_bytes(),
    ];
    for bytes in bytes {
        let mut stream = TcpStream::connect(cluster.servers[0].http).await.unwrap();
        // The server may close before all is sent.
        let _ = stream.write_all(bytes).await;
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply).await;
        assert!(reply.is_empty() || reply.starts_with(b"HTTP/1.1 4"), "{}", reply.escape_ascii());
    }
    assert_eq!(client.get("/livez").await.status, 200);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_targets_are_answered() {
    let cluster = Cluster::single().await;
    let targets = [
        ("OPTIONS", "*"),
        ("GET", "http://x/v1/nothing"),
        ("GET", "/v1/kv?"),
        ("GET", "/v1/cluster/members/"),
        ("GET", "/?%zz"),
        ("CONNECT", "x:1"),
    ];
    for (method, target) in targets {
        let request = format!("{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let reply = cluster.client(0).raw(request.as_bytes()).await;
        assert!(
            reply.starts_with("HTTP/1.1 404 ") && reply.contains("application/problem+json"),
            "{target}: {reply}"
        );
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_on_one_connection_are_answered_in_order() {
    let cluster = Cluster::single().await;
    let two =
        "GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let reply = cluster.client(0).raw(two.as_bytes()).await;
    let first = reply.find("HTTP/1.1 200").unwrap();
    assert!(first < reply.find("HTTP/1.1 404").unwrap(), "{reply}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_requests_under_way_and_not_for_idle_connections() {
    let mut cluster = Cluster::single().await;
    let server = cluster.servers.remove(0);
    let mut idle = TcpStream::connect(server.http).await.unwrap();
    let mut busy = TcpStream::connect(server.http).await.unwrap();
    let head =
        "PUT /v1/raw/default/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    busy.write_all(head.as_bytes()).await.unwrap();
    let mut proceed = [0; 25];
    busy.read_exact(&mut proceed).await.unwrap();
    assert_eq!(&proceed, b"HTTP/1.1 100 Continue\r\n\r\n");

    let stopped = tokio::spawn(server.stop());
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "an idle connection is closed");
    busy.write_all(b"ab").await.unwrap();
    let mut reply = String::new();
    busy.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 201 "), "{reply}");
    tokio::time::timeout(Duration::from_secs(30), stopped).await.unwrap().unwrap();
}
