//! How a process ends when it is told to: what is under way is finished, within a time, and a second signal ends it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::{Process, Redis, request};

/// More time than a stop without clients takes.
const AMPLE: Duration = Duration::from_secs(8);

/// A request whose body is still to come, once the node waits for that.
async fn begun(process: &Process) -> TcpStream {
    let mut busy = TcpStream::connect(process.http).await.unwrap();
    let head =
        "PUT /v1/raw/default/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    busy.write_all(head.as_bytes()).await.unwrap();
    let mut proceed = [0; 25];
    busy.read_exact(&mut proceed).await.unwrap();
    assert_eq!(&proceed, b"HTTP/1.1 100 Continue\r\n\r\n");
    busy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_is_finished_idle_connections_end_and_the_node_is_not_ready() {
    let mut process = Process::start();
    process.ready().await;
    let (mut busy, mut asking) = (begun(&process).await, begun(&process).await);
    let mut idle = TcpStream::connect(process.http).await.unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // Accepted: what still waits for that is reset by the system.
    idle.read_exact(&mut [0; 1]).await.unwrap();
    process.ask_to_end();
    idle.read_to_end(&mut Vec::new()).await.expect("an idle connection is closed");
    assert!(TcpStream::connect(process.http).await.is_err(), "no new connection");
    for connection in [&mut busy, &mut asking] {
        connection.write_all(b"ab").await.unwrap();
        let mut reply = String::new();
        connection.read_to_string(&mut reply).await.unwrap();
        assert!(reply.starts_with("HTTP/1.1 20"), "{reply}");
        assert!(reply.contains("connection: close"), "{reply}");
    }
    assert_eq!(process.exited().await.code(), Some(0));
    process.says("stopped").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_that_was_sent_is_answered_to_its_end() {
    const COMMANDS: usize = 20_000;
    let mut process = Process::start();
    process.ready().await;
    let mut redis = Redis::connect(process.resp).await;
    assert_eq!(redis.ask("PING").await, "+PONG");
    let pipeline: Vec<u8> = (0..COMMANDS).flat_map(|at| request(&format!("SET key:{at} value"))).collect();
    let mut halting = Redis::connect(process.resp).await;
    let command = request("SET a 1");
    halting.send(&command[..10]).await;
    // With the kernel, and not yet carried out.
    redis.send(&pipeline).await;
    process.ask_to_end();
    process.says("stopping").await;
    halting.send(&command[10..]).await;
    assert_eq!(halting.answer().await, "+OK", "a command that began to come is waited for");
    for at in 0..COMMANDS {
        assert_eq!(redis.try_answer().await.as_deref(), Some("+OK"), "answer {at}");
    }
    assert_eq!(redis.try_answer().await, None, "and then it is closed");
    assert_eq!(process.exited().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_finish_in_time_is_cut_off_and_told() {
    let mut process = Process::start_with(&["--drain-timeout=2s"]);
    process.ready().await;
    let mut stuck = begun(&process).await;
    let began = Instant::now();
    process.ask_to_end();
    assert_eq!(process.exited().await.code(), Some(0));
    assert!(began.elapsed() < AMPLE, "{:?}", began.elapsed());
    let cut = process.says("cut off requests").await;
    assert_eq!(cut["fields"]["connections"], 1, "{cut}");
    assert!(!matches!(stuck.read(&mut [0; 1]).await, Ok(1..)), "it has no answer");
    process.says("stopped").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_process_at_once() {
    let mut process = Process::start_with(&["--drain-timeout=1h"]);
    process.ready().await;
    let _stuck = begun(&process).await;
    process.ask_to_end();
    process.says("a second signal ends the process at once").await;
    process.ask_to_end();
    assert_eq!(process.exited().await.code(), Some(1));
    process.says("ending at once").await;
}
