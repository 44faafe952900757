//! What a client that does not play along gets.

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::*;
use crate::config::Config;
use crate::limits::RESP_READ_BYTES;
use crate::node::Starting;
use crate::resp::Resp;

/// A listener, where it listens, and what ends it when it is dropped.
async fn listening() -> (Resp, std::net::SocketAddr, oneshot::Sender<()>) {
    let resp = Resp::new(Config::default(), Starting::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = resp.clone();
    tokio::spawn(async move { serving.serve(listener, Face::Plain, async { drop(stopped.await) }).await });
    (resp, addr, stop)
}

/// With the clock stopped, time moves on as soon as nobody has anything to do: when both ends wait for each other.
#[tokio::test(start_paused = true)]
async fn a_client_that_reads_no_answers_is_disconnected_in_the_end() {
    let (resp, addr, _stop) = listening().await;
    let mut client = TcpStream::connect(addr).await.unwrap();
    let pings = b"PING\r\n".repeat(RESP_READ_BYTES);
    let began = Instant::now();
    while client.write_all(&pings).await.is_ok() {}
    assert!(began.elapsed() >= RESP_STALL_MAX);
    assert_eq!(resp.shared.metrics.stalled.load(Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_a_byte_a_second_is_answered() {
    let (_, addr, _stop) = listening().await;
    let mut client = TcpStream::connect(addr).await.unwrap();
    let request = b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$12\r\nslow and sure\r\n";
    let began = Instant::now();
    for byte in request {
        client.write_all(&[*byte]).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert!(began.elapsed() > RESP_STALL_MAX, "patience with answers is not patience with commands");
    let mut answer = [0; 9];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"-LOADING ");
}

/// A connection, and the client's end of it.
async fn connection() -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, addr) = listener.accept().await.unwrap();
    let shared = Resp::new(Config::default(), Starting::new()).shared;
    let session = Session::new(shared.plain.enter(addr, addr), Face::Plain, &shared.config);
    (Connection::new(Stream::Plain(stream), session, shared), client)
}

#[tokio::test]
async fn an_announced_argument_gets_room_only_as_it_comes() {
    let (mut connection, mut client) = connection().await;
    let (_stop, mut stopping) = watch::channel(false);
    let half = [&b"*2\r\n$3\r\nGET\r\n$1000000\r\n"[..], &[b'x'; 3 * RESP_READ_BYTES]].concat();
    client.write_all(&half).await.unwrap();
    for _ in 0..half.len() {
        if connection.input.len() >= 3 * RESP_READ_BYTES {
            break;
        }
        assert_eq!(connection.batch(), (Vec::new(), None));
        assert!(connection.wait(&mut stopping).await.is_ok());
    }
    assert_eq!(connection.input.len(), 3 * RESP_READ_BYTES);
    assert!(
        connection.input.capacity() <= 2 * receive::LARGE_ROOM_MIN,
        "{} bytes",
        connection.input.capacity()
    );
}

#[tokio::test]
async fn an_idle_connection_holds_no_buffers() {
    let (mut connection, mut client) = connection().await;
    let (_stop, mut stopping) = watch::channel(false);
    client.write_all(&b"PING\r\n".repeat(1000)).await.unwrap();
    let mut served = 0;
    while served < 1000 {
        let (frames, _) = connection.batch();
        served += frames.len();
        assert!(connection.carry_out(&frames).await.is_ok());
        if served < 1000 && frames.is_empty() {
            assert!(connection.wait(&mut stopping).await.is_ok());
        }
    }
    connection.give_back();
    assert!(connection.input.capacity() + connection.output.capacity() <= 2 * RESP_BUFFER_KEPT_BYTES);
}
