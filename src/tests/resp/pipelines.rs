//! Many commands at once, and bytes that are no commands.

use bytes::Bytes;

use crate::support::{Cluster, Redis, request};

#[tokio::test(flavor = "multi_thread")]
async fn answers_come_in_the_order_of_the_commands_whatever_they_are() {
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    let script = [
        ("SET a 1", "+OK"),
        ("INCR a", ":2"),
        ("GET a", "\"2\""),
        ("PING", "+PONG"),
        ("INCR a", ":3"),
        ("NOSUCH x", "-ERR unknown command 'NOSUCH', with args beginning with: 'x'"),
        ("GET a", "\"3\""),
        ("GET", "-ERR wrong number of arguments for 'get' command"),
        ("MGET a nil a", "[\"3\", nil, \"3\"]"),
        ("DEL a b", ":1"),
        ("EXISTS a", ":0"),
        ("DBSIZE", ":0"),
        ("ECHO end", "\"end\""),
    ];
    let bytes: Vec<u8> = script.iter().flat_map(|(command, _)| request(command)).collect();
    redis.send(&bytes).await;
    for (command, expected) in script {
        assert_eq!(redis.answer().await, expected, "{command}");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_of_any_depth_is_answered_though_its_client_reads_late() {
    const DEPTH: usize = 100_000;
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    let bytes: Vec<u8> = (0..DEPTH).flat_map(|i| request(&format!("INCRBY counter{} 1", i % 7))).collect();
    // All of it is sent before anything is read.
    redis.send(&bytes).await;
    for i in 0..DEPTH {
        assert_eq!(redis.answer().await, format!(":{}", i / 7 + 1), "command {i}");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_do_not_fit_into_one_answer_of_the_node_are_all_answered() {
    const COUNT: usize = 80;
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    let value = "v".repeat(1 << 20);
    assert_eq!(redis.ask(&format!("SET large {value}")).await, "+OK");
    redis.send(&request("GET large").repeat(COUNT)).await;
    for i in 0..COUNT {
        assert_eq!(redis.answer().await.len(), value.len() + 2, "answer {i}");
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_answered_once_and_ends_the_connection_only() {
    let cluster = Cluster::single().await;
    let addr = cluster.servers[0].resp;
    let long = [&b"GET "[..], &vec![b'x'; 100 << 10]].concat();
    let cases: [(&[u8], &str); 6] = [
        (b"*3000000000\r\n", "invalid multibulk length"),
        (b"*1\r\n$2000000010\r\n", "invalid bulk length"),
        (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "expected '$', got 'f'"),
        (b"GET \"x\r\n", "unbalanced quotes in request"),
        (b"*1\r\n$4\r\nPING\r\n*x\r\n", "invalid multibulk length"),
        (&long, "too big inline request"),
    ];
    for (bytes, text) in cases {
        let mut redis = Redis::connect(addr).await;
        redis.send(bytes).await;
        let rest = String::from_utf8(redis.rest().await).unwrap();
        let expected = format!("-ERR Protocol error: {text}\r\n");
        assert!(rest == expected || rest == format!("+PONG\r\n{expected}"), "{rest}");
    }
    assert_eq!(Redis::connect(addr).await.ask("PING").await, "+PONG");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_sent_byte_by_byte_is_whole_and_a_half_sent_one_is_nothing() {
    let cluster = Cluster::single().await;
    let addr = cluster.servers[0].resp;
    let mut half = Redis::connect(addr).await;
    half.send(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nhal").await;
    let mut slow = Redis::connect(addr).await;
    for byte in request("SET b whole") {
        slow.send(&[byte]).await;
    }
    assert_eq!(slow.answer().await, "+OK");
    drop(half);
    assert_eq!(slow.ask("MGET a b").await, "[nil, \"whole\"]");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_any_kind_go_in_and_out_unchanged() {
    let cluster = Cluster::single().await;
    let mut redis = Redis::connect(cluster.servers[0].resp).await;
    let value: Bytes = (0..100_000u32).map(|i| (i * 7) as u8).collect();
    redis.send(format!("*3\r\n$3\r\nSET\r\n$1\r\nb\r\n${}\r\n", value.len()).as_bytes()).await;
    redis.send(&value).await;
    redis.send(b"\r\n").await;
    assert_eq!(redis.answer().await, "+OK");
    assert_eq!(redis.ask("GET b").await, format!("\"{}\"", value.escape_ascii()));
    cluster.stop().await;
}
