//! Clients that take more than their share.

use quorate::limits::RESP_OUTPUT_BYTES_MAX;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Cluster, Redis, eventually, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_is_read_no_more() {
    let cluster = Cluster::single().await;
    let addr = cluster.servers[0].resp;
    let mut other = Redis::connect(addr).await;
    let value = "v".repeat(1 << 20);
    assert_eq!(other.ask(&format!("SET large {value}")).await, "+OK");
    let mut greedy = TcpStream::connect(addr).await.unwrap();
    let gets = request("GET large").repeat(1000);
    // It asks for far more than may wait for it, until nothing it sends is taken any more.
    let sending = tokio::spawn(async move {
        loop {
            if greedy.write_all(&gets).await.is_err() {
                return;
            }
        }
    });
    let sent = || async {
        let metrics = String::from_utf8(cluster.client(0).get("/metrics").await.body.to_vec()).unwrap();
        let line =
            metrics.lines().find(|line| line.starts_with("quorate_resp_commands_total{command=\"get\""));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<usize>().ok())
    };
    let bound = RESP_OUTPUT_BYTES_MAX / value.len();
    eventually("the bound is reached", || async { sent().await.filter(|sent| *sent >= bound) }).await;
    for _ in 0..20 {
        // Meanwhile others are served.
        assert_eq!(other.ask("PING").await, "+PONG");
        // The node's own bound on one answer comes on top, and what the sockets hold.
        let sent = sent().await.unwrap();
        assert!(sent <= 4 * bound, "{sent} answers of 1 MiB wait for one client");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    sending.abort();
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_told_so() {
    let cluster = Cluster::single_with(|config| config.resp_connections = 2).await;
    let addr = cluster.servers[0].resp;
    let mut one = Redis::connect(addr).await;
    let mut two = Redis::connect(addr).await;
    assert_eq!((one.ask("PING").await, two.ask("PING").await), ("+PONG".into(), "+PONG".into()));
    let told = Redis::connect(addr).await.rest().await;
    assert_eq!(told, b"-ERR max number of clients reached\r\n");
    drop(one);
    eventually("its place is free", || async {
        let mut next = Redis::connect(addr).await;
        next.send(&request("PING")).await;
        next.try_answer().await.filter(|answer| answer == "+PONG").map(drop)
    })
    .await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_too_large_is_refused_and_the_connection_goes_on() {
    let cluster = Cluster::single_with(|config| config.value_max = 1000).await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    let answer = redis.ask(&format!("SET a {}", "v".repeat(1001))).await;
    assert!(answer.starts_with("-ERR string exceeds maximum allowed size"), "{answer}");
    assert_eq!(redis.ask("GET a").await, "nil");
    cluster.stop().await;
}
