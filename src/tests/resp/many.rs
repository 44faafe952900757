//! Many connections: idle ones, and ones that come and go.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Cluster, Process, Redis, eventually};

/// Most memory of the process for one idle connection, in bytes; what the system keeps for its socket is not in it.
const IDLE_BYTES_MAX: usize = 12 << 10;
/// Files that are open besides connections, at most.
const OTHER_FILES_MAX: usize = 1000;

/// As many connections as the system allows, up to `wanted`. Raises this process's own limit as far as that goes.
fn allowed(wanted: usize) -> usize {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let allowed =
        maximum.map_or(wanted, |files| (files as usize).saturating_sub(OTHER_FILES_MAX)).min(wanted);
    assert!(
        allowed >= wanted / 20,
        "the hard limit of open files leaves room for {allowed} connections only"
    );
    allowed
}

/// Connects, asks, and from then on is idle; every other one in the middle of a command.
async fn idle(addr: std::net::SocketAddr, number: usize) -> TcpStream {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(b"PING\r\n").await.unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
    if number.is_multiple_of(2) {
        stream.write_all(b"*2\r\n$4\r\nECHO\r\n$5\r\nhal").await.unwrap();
    }
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_connections_take_little_and_disturb_nobody() {
    let (first, all) = (100, allowed(9_990));
    let server = Process::start();
    let mut redis = Redis::connect(server.resp).await;
    eventually("it serves", async || (redis_ask(server.resp, "SET a 1").await == "+OK").then_some(())).await;
    let mut streams = Vec::new();
    for number in 0..first {
        streams.push(idle(server.resp, number).await);
    }
    let before = server.resident_bytes();
    for number in first..all {
        streams.push(idle(server.resp, number).await);
    }
    let each = server.resident_bytes().saturating_sub(before) / (all - first);
    assert!(each <= IDLE_BYTES_MAX, "{each} bytes for each of {all} connections");
    assert_eq!(redis.ask("GET a").await, "\"1\"");
    for stream in streams.iter_mut().step_by(500) {
        stream.write_all(b"f!\r\n").await.unwrap();
        let mut answer = [0; 11];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"$5\r\nhalf!\r\n");
    }
}

async fn redis_ask(addr: std::net::SocketAddr, command: &str) -> String {
    Redis::connect(addr).await.ask(command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_come_and_go_leave_nothing() {
    const ROUNDS: usize = 3000;
    let cluster = Cluster::single().await;
    let addr = cluster.servers[0].resp;
    for number in 0..ROUNDS {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        // Some leave without a word, some within a command, some before they read the answer, some asking for an end.
        let said: &[u8] = match number % 5 {
            0 => b"",
            1 => b"*2\r\n$3\r\nGET\r\n$1000000\r\nabc",
            2 => b"PING\r\nSET a 1\r\n",
            3 => b"MULTI\r\nSET a 1\r\n",
            _ => b"WATCH a\r\nQUIT\r\n",
        };
        stream.write_all(said).await.unwrap();
    }
    let mut redis = Redis::connect(addr).await;
    eventually("only one is left", async || {
        let metrics = String::from_utf8(cluster.client(0).get("/metrics").await.body.to_vec()).unwrap();
        metrics.contains("quorate_resp_connections 1\n").then_some(())
    })
    .await;
    assert_eq!(redis.ask("CLIENT LIST").await.matches("id=").count(), 1);
    cluster.stop().await;
}
