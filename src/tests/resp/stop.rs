//! A listener that stops, and one whose node is not there yet.

use quorate::config::Config;
use quorate::node::Starting;
use quorate::resp::{Face, Resp};
use tokio::net::TcpListener;

use crate::support::{Cluster, Redis, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_closes_idle_connections_and_answers_what_was_sent() {
    let mut cluster = Cluster::single().await;
    let server = cluster.servers.remove(0);
    let addr = server.resp;
    let (mut idle, mut busy) = (Redis::connect(addr).await, Redis::connect(addr).await);
    assert_eq!(idle.ask("PING").await, "+PONG");
    busy.send(&request("SET a 1")).await;
    assert_eq!(busy.answer().await, "+OK");
    let stopped = tokio::spawn(server.stop());
    assert_eq!(idle.try_answer().await, None);
    assert_eq!(busy.try_answer().await, None);
    stopped.await.unwrap();
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_says_that_it_loads() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let resp = Resp::new(Config::default(), Starting::new());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopping = async { drop(stopped.await) };
    let serving = tokio::spawn(async move { resp.serve(listener, Face::Plain, stopping).await });
    let mut redis = Redis::connect(addr).await;
    for command in ["PING", "GET a", "SET a 1"] {
        assert!(redis.ask(command).await.starts_with("-LOADING "), "{command}");
    }
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}
