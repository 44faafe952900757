//! The transport on a network that is no TCP.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::super::wires::Wires;
use super::super::{CallError, Lane, Transport, TransportConfig};
use super::harness::{call, echo};

const TIMEOUT: Duration = Duration::from_secs(5);

async fn bind(node: u64, wires: &Wires) -> std::io::Result<Transport> {
    let listen = SocketAddr::from(([10, 0, 0, node as u8], 4200));
    let transport =
        Transport::bind(TransportConfig { node, listen, net: wires.net(), pulse: crate::limits::pulse(50) })
            .await?;
    transport.serve(echo());
    Ok(transport)
}

#[tokio::test]
async fn calls_travel_over_any_network() {
    let wires = Wires::default();
    let (one, two) = (bind(1, &wires).await.unwrap(), bind(2, &wires).await.unwrap());
    one.set_peer(2, &two.local_addr().to_string());
    assert_eq!(call(&one, 2, "over").await.unwrap(), "over");
    let large = Bytes::from(vec![7; 3 << 20]);
    let answer = one.call(2, Lane::Bulk, 0, large.clone(), TIMEOUT).await.unwrap();
    assert_eq!(answer, large, "more than the pipe holds");
    let addr = two.local_addr().to_string();
    assert_eq!(one.call_addr(&addr, 0, "seed".into(), TIMEOUT).await.unwrap(), "seed");

    assert!(bind(2, &wires).await.is_err(), "the address is taken");
    two.shutdown().await;
    let gone = one.call_addr(&addr, 0, "seed".into(), TIMEOUT).await;
    assert!(matches!(gone, Err(CallError::NotSent(_))), "{gone:?}");
    let again = bind(2, &wires).await.unwrap();
    while call(&one, 2, "again").await.is_err() {
        tokio::task::yield_now().await;
    }
    again.shutdown().await;
}
