//! HTTP and the Redis protocol over TLS serve as without.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{dial, exchange, figure, http, single};
use crate::support::{Certs, Cluster, request};

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_serve_over_tls() {
    let certs = Certs::new();
    let cluster = single(&certs).await;
    let (server, dialer) = (&cluster.servers[0], certs.dialer());
    let put = http(&dialer, server.http, "PUT", "/v1/kv/default/a", r#"{"value":"over TLS"}"#).await.unwrap();
    assert!(put.starts_with("HTTP/1.1 201 "), "{put}");
    for resp in [server.resp, server.resp_cluster] {
        let asked = [request("GET a"), request("QUIT")].concat();
        let answer = exchange(&dialer, resp, &asked).await.unwrap();
        assert_eq!(answer, "$8\r\nover TLS\r\n+OK\r\n");
    }
    for (listener, least) in [("http", 2), ("resp", 2)] {
        let name = format!("quorate_tls_handshakes_total{{listener=\"{listener}\"}}");
        assert!(figure(&dialer, server.http, &name).await >= least);
    }
    cluster.stop().await;
}

/// Far more than a session holds back: whatever waits inside it has to leave once the client reads.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_read_late_all_come() {
    const TIMES: usize = 60;
    let certs = Certs::new();
    let cluster = single(&certs).await;
    let mut stream = dial(&certs.dialer(), cluster.servers[0].resp).await.unwrap();
    let value = "v".repeat(1_000_000);
    stream.write_all(&request(&format!("SET big {value}"))).await.unwrap();
    stream.write_all(&request("GET big").repeat(TIMES)).await.unwrap();
    stream.flush().await.unwrap();
    let one = format!("$1000000\r\n{value}\r\n");
    let mut answers = vec![0; "+OK\r\n".len() + one.len() * TIMES];
    // The connection stays open: nothing but the answers' own way out may send the last of them.
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_exact(&mut answers)).await;
    read.expect("the last answers never came").unwrap();
    assert!(answers.starts_with(b"+OK\r\n") && answers.ends_with(one.as_bytes()));
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_small_pieces_are_answered_one_by_one() {
    let certs = Certs::new();
    let cluster = single(&certs).await;
    let mut stream = dial(&certs.dialer(), cluster.servers[0].resp).await.unwrap();
    for _ in 0..3 {
        for byte in b"*1\r\n$4\r\nPING\r\n" {
            stream.write_all(&[*byte]).await.unwrap();
            stream.flush().await.unwrap();
        }
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"+PONG\r\n");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_lead_to_https() {
    let certs = Certs::new();
    let cluster = Cluster::of_with(3, |config| certs.configure(config, "node")).await;
    let mut led_elsewhere = 0;
    for server in &cluster.servers {
        let request = "GET /v1/kv/default/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                       X-Quorate-Route: redirect\r\n\r\n";
        let reply = exchange(&certs.dialer(), server.http, request.as_bytes()).await.unwrap();
        if reply.starts_with("HTTP/1.1 307 ") {
            assert!(reply.to_lowercase().contains("location: https://127.0.0.1:"), "{reply}");
            led_elsewhere += 1;
        }
    }
    assert_eq!(led_elsewhere, 2);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_connections_over_tls_too() {
    let certs = Certs::new();
    let mut cluster = single(&certs).await;
    let server = cluster.servers.remove(0);
    let mut idle = dial(&certs.dialer(), server.resp).await.unwrap();
    // One that has not even begun its handshake.
    let mut silent = tokio::net::TcpStream::connect(server.http).await.unwrap();
    server.stop().await;
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap_or(0), 0);
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or(0), 0);
}
