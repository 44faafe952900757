//! Spans as a collector of OpenTelemetry gets them: those of a forwarded write, from both nodes, in its client's trace.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use tokio::net::TcpListener;

use crate::support::Process;

/// What came in, one after the other.
type Received = Arc<Mutex<Vec<Bytes>>>;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A collector that takes everything: where it listens, and what came.
async fn collector() -> (String, Received) {
    let received = Received::default();
    let take = async |State(received): State<Received>, body: Bytes| received.lock().unwrap().push(body);
    let router = Router::new().route("/v1/traces", post(take)).with_state(received.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("--otlp-endpoint=http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    (endpoint, received)
}

fn contains(received: &Received, part: &[u8]) -> bool {
    received.lock().unwrap().iter().any(|body| body.windows(part.len()).any(|window| window == part))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spans_of_a_forwarded_write_come_from_both_nodes_in_the_trace_of_its_client() {
    let ((to_first, of_first), (to_second, of_second)) = (collector().await, collector().await);
    let mut leads = Process::start_with(&[&to_first]);
    leads.ready().await;
    let mut other = leads.join(2, &[&to_second]).await;
    let client = other.ready().await;
    // A node says what it takes once it is connected to.
    client.put("/v1/kv/default/a", r#"{"value":1}"#).await;
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let headers = [("x-request-id", "told-1"), ("traceparent", parent.as_str())];
    let reply = client.send("PUT", "/v1/kv/default/a", &headers, r#"{"value":2}"#).await;
    assert_eq!(reply.status, 200);
    for process in [&mut other, &mut leads] {
        // The last spans are sent when a node stops.
        process.ask_to_end();
        assert_eq!(process.exited().await.code(), Some(0));
    }
    let trace: Vec<u8> =
        (0..16).map(|at| u8::from_str_radix(&TRACE[2 * at..2 * at + 2], 16).unwrap()).collect();
    for (received, names) in [(&of_second, &["request"][..]), (&of_first, &["forwarded", "propose"])] {
        for part in names.iter().map(|name| name.as_bytes()).chain([&trace[..], b"told-1", b"quorate"]) {
            assert!(contains(received, part), "{} was not received", part.escape_ascii());
        }
    }
}
