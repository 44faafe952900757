//! Requests whose way is logged, on their way to another node: the id goes with them, if that node takes it.
//!
//! A message within a message, so that one without an id looks as ever. Nodes say when they connect that they take it
//! ([`Transport::takes`]), so that one of an older version is sent what it knows.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use raft_store::NodeId;
use raft_store::codec::{DecodeError, Decoder, put_bytes};

use super::peer::{READ, SEEK, TRACED, WRITE};
use crate::group::wire;
use crate::trace::Traced;
use crate::transport::{CallError, FEATURE_TRACED, Lane, Service, Transport};

/// Calls another node, for a request that is traced or is not.
pub(super) async fn call(
    transport: &Transport,
    node: NodeId,
    service: Service,
    body: Bytes,
    timeout: Duration,
    traced: Option<Arc<Traced>>,
) -> Result<Bytes, CallError> {
    let (service, body) = match traced.filter(|_| transport.takes(node, Lane::Control, FEATURE_TRACED)) {
        Some(traced) => (TRACED, wrapped(&traced.message(), service, &body)),
        None => (service, body),
    };
    transport.call(node, Lane::Control, service, body, timeout).await
}

fn wrapped(about: &[u8], service: Service, body: &[u8]) -> Bytes {
    wire::encode(|out| {
        put_bytes(out, about);
        out.push(service);
        out.extend_from_slice(body);
    })
}

/// What was wrapped: about whose request, which service, and its body.
pub(super) fn unwrapped(body: Bytes) -> Result<(Bytes, Service, Bytes), DecodeError> {
    wire::decode(body, |input: &mut Decoder| {
        let (about, service) = (input.bytes()?, input.u8()?);
        // Only requests of clients travel so, and none within another.
        if !matches!(service, WRITE | READ | SEEK) {
            return Err(DecodeError::Unknown { what: "service", value: service.into() });
        }
        Ok((about, service, input.take(input.remaining())?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_message_is_found_again_and_only_those_of_clients_are() {
        let found = unwrapped(wrapped(b"about", WRITE, b"body")).unwrap();
        assert_eq!(found, (Bytes::from_static(b"about"), WRITE, Bytes::from_static(b"body")));
        for service in [TRACED, wire::APPEND, 0] {
            assert!(unwrapped(wrapped(b"about", service, b"body")).is_err(), "{service}");
        }
        assert!(unwrapped(Bytes::from_static(b"\x05ab")).is_err());
    }
}
