//! What a client that does not play along gets.

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::*;
use crate::config::Config;
use crate::node::Starting;
use crate::resp::Resp;

/// With the clock stopped, time moves on as soon as nobody has anything to do: when both ends wait for each other.
#[tokio::test(start_paused = true)]
async fn a_client_that_reads_no_answers_is_disconnected_in_the_end() {
    let resp = Resp::new(Config::default(), Starting::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (_stop, stopped) = oneshot::channel::<()>();
    let serving = resp.clone();
    tokio::spawn(async move { serving.serve(listener, Face::Plain, async { drop(stopped.await) }).await });
    let mut client = TcpStream::connect(addr).await.unwrap();
    let pings = b"PING\r\n".repeat(RESP_READ_BYTES);
    let began = Instant::now();
    while client.write_all(&pings).await.is_ok() {}
    assert!(began.elapsed() >= RESP_STALL_MAX);
    assert_eq!(resp.shared.metrics.stalled.load(Relaxed), 1);
}
