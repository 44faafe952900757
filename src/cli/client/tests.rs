//! Which endpoint gets a request, and when it is never sent again; against scripted servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::cli::fail::KeyName;

/// A server that gives every connection one answer and counts them; an empty answer hangs up.
async fn server(answer: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (endpoint, asked)
}

/// An endpoint where nothing listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
const NOT_APPLIED: &str = "HTTP/1.1 503 x\r\ncontent-length: 45\r\nconnection: close\r\n\r\n\
                           {\"title\":\"Not ready\",\"outcome\":\"not_applied\"}";
const UNKNOWN: &str = "HTTP/1.1 503 x\r\ncontent-length: 43\r\nconnection: close\r\n\r\n\
                       {\"title\":\"No leader\",\"outcome\":\"unknown\"}   ";

async fn call(method: Method, endpoints: &[&String]) -> Result<Answer, Failure> {
    let endpoints = endpoints.iter().map(|e| (*e).clone()).collect();
    let client = Client::new(endpoints, Duration::from_secs(5), None);
    client
        .call(Request::new(
            method,
            "/v1/kv/default/k",
            About::Key(KeyName { ns: "default".into(), key: "k".into() }),
        ))
        .await
}

#[test]
fn the_node_is_told_how_long_it_has() {
    let second = Duration::from_secs(1);
    assert_eq!(with_timeout("/v1/kv/default/k", second), "/v1/kv/default/k?timeout=1000ms");
    assert_eq!(with_timeout("/v1/x?wait=1s", second * 90), "/v1/x?wait=1s&timeout=60000ms");
    assert_eq!(with_timeout("/readyz", second), "/readyz");
}

#[tokio::test]
async fn a_refused_connection_goes_to_the_next_endpoint() {
    let (good, asked) = server(OK).await;
    let answer = call(Method::PUT, &[&nobody().await, &good]).await.unwrap();
    assert_eq!((&answer.body[..], asked.load(Ordering::SeqCst)), (&b"{}"[..], 1));
}

#[tokio::test]
async fn a_write_that_was_not_applied_goes_to_the_next_endpoint() {
    let ((refusing, _), (good, asked)) = (server(NOT_APPLIED).await, server(OK).await);
    call(Method::PUT, &[&refusing, &good]).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_write_that_may_have_happened_is_never_sent_again() {
    for answer in [UNKNOWN, ""] {
        let ((first, first_asked), (second, second_asked)) = (server(answer).await, server(OK).await);
        let failure = call(Method::PUT, &[&first, &second]).await.unwrap_err();
        assert_eq!((failure.exit, failure.outcome), (Exit::Unknown, Some(Outcome::Unknown)));
        assert_eq!(first_asked.load(Ordering::SeqCst), 1);
        assert_eq!(second_asked.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn a_read_goes_on_whatever_happened() {
    for answer in [UNKNOWN, ""] {
        let ((first, _), (second, asked)) = (server(answer).await, server(OK).await);
        call(Method::GET, &[&first, &second]).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_node_that_hangs_leaves_a_read_time_for_the_next() {
    // Connections are accepted by the kernel and never answered.
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let first = format!("http://{}", hanging.local_addr().unwrap());
    let (second, _) = server(OK).await;
    let client = Client::new(vec![first, second], Duration::from_millis(400), None);
    client.call(Request::new(Method::GET, "/", About::Cluster)).await.unwrap();
    let failure = client.call(Request::new(Method::PUT, "/", About::Cluster)).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Unknown);
}

#[tokio::test]
async fn the_refusal_of_a_node_tells_more_than_a_dead_endpoint() {
    let (refusing, _) = server(NOT_APPLIED).await;
    let failure = call(Method::PUT, &[&refusing, &nobody().await]).await.unwrap_err();
    assert_eq!((failure.exit, failure.title.as_str()), (Exit::Unavailable, "Not ready"));
    let failure = call(Method::PUT, &[&nobody().await]).await.unwrap_err();
    assert_eq!((failure.exit, failure.title.as_str()), (Exit::Unavailable, "No node could be reached"));
}
