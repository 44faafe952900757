//! The way of one request through the cluster, as spans and events that carry its id. They are of the target
//! [`TARGET`], at `debug`: `quorate log level info,quorate::request=debug` shows them, and at a lower level none is made.
//!
//! The id travels to other nodes only with requests that are traced here, and only to nodes that said they take it. With
//! it travels what the client said of the trace it belongs to (W3C Trace Context, `traceparent`).

use std::sync::Arc;

use bytes::Bytes;
use raft_store::codec::{DecodeError, Decoder, put_bytes};
use tracing::{Level, Span};

use super::noted::{Protocol, traced_here};
use crate::limits::REQUEST_ID_BYTES_MAX;

/// The target of everything that is logged of a request on its way.
pub const TARGET: &str = "quorate::request";
/// Length of a `traceparent`: version, trace id, parent id and flags, as hexadecimal numbers with dashes between.
const TRACEPARENT_BYTES: usize = 55;

/// Whether requests are traced now.
pub fn enabled() -> bool {
    tracing::enabled!(target: TARGET, Level::DEBUG)
}

/// What the way of the request that this task carries out is logged by, if it is.
pub fn traced() -> Option<Arc<Traced>> {
    if enabled() { traced_here() } else { None }
}

/// A request that is traced.
#[derive(Debug)]
pub struct Traced {
    id: String,
    /// The trace it belongs to, as its client said.
    parent: Option<String>,
    span: Span,
}

impl Traced {
    /// A request of a client, with what it said of its trace, if that makes sense.
    pub fn begin(protocol: Protocol, operation: &str, id: String, parent: Option<&str>) -> Arc<Self> {
        let span = tracing::debug_span!(
            target: TARGET,
            "request",
            request_id = id,
            protocol = protocol.name(),
            operation
        );
        Self::with(id, parent, span)
    }

    /// A request that another node sent on to this one.
    pub fn received(message: Bytes, from: u64) -> Result<Arc<Self>, DecodeError> {
        let mut input = Decoder::new(message);
        let (id, parent) = (text(&mut input)?, text(&mut input)?);
        input.finish()?;
        if !is_sane_id(&id) {
            return Err(DecodeError::Invalid("request id"));
        }
        let span = tracing::debug_span!(target: TARGET, "forwarded", request_id = id, from);
        Ok(Self::with(id, Some(&parent), span))
    }

    fn with(id: String, parent: Option<&str>, span: Span) -> Arc<Self> {
        let parent = parent.filter(|parent| is_traceparent(parent)).map(ToOwned::to_owned);
        #[cfg(feature = "otlp")]
        if let Some(parent) = &parent {
            super::otlp::adopt(&span, parent);
        }
        Arc::new(Self { id, parent, span })
    }

    /// What another node is told: [`Self::received`] reads it.
    pub fn message(&self) -> Bytes {
        let parent = self.parent.clone();
        #[cfg(feature = "otlp")]
        let parent = super::otlp::traceparent_of(&self.span).or(parent);
        let mut out = Vec::with_capacity(64 + TRACEPARENT_BYTES);
        put_bytes(&mut out, self.id.as_bytes());
        put_bytes(&mut out, parent.unwrap_or_default().as_bytes());
        out.into()
    }

    /// The span of its work on this node.
    pub fn span(&self) -> &Span {
        &self.span
    }
}

fn text(input: &mut Decoder) -> Result<String, DecodeError> {
    let bytes = input.bytes()?;
    if bytes.len() > REQUEST_ID_BYTES_MAX {
        return Err(DecodeError::Invalid("request id"));
    }
    String::from_utf8(bytes.into()).map_err(|_| DecodeError::Invalid("request id"))
}

/// Whether `id` may be a request's id: 1 to `REQUEST_ID_BYTES_MAX` letters, digits and `-_.:/+=`.
pub fn is_sane_id(id: &str) -> bool {
    let fits = (1..=REQUEST_ID_BYTES_MAX).contains(&id.len());
    fits && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte))
}

/// W3C Trace Context, section 3.2: `00-<32 hex digits>-<16 hex digits>-<2 hex digits>` in lower case, neither id all zeros.
/// Of later versions only that form is taken.
fn is_traceparent(text: &str) -> bool {
    let hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let some = |part: &str| part.bytes().any(|b| b != b'0');
    match text.split('-').collect::<Vec<_>>()[..] {
        [version, trace, parent, flags] => {
            let whole = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
            whole && version != "ff" && some(trace) && some(parent)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_taken_as_the_standard_says_and_no_other() {
        assert!(is_traceparent(PARENT) && PARENT.len() == TRACEPARENT_BYTES);
        let zeros = "0".repeat(32);
        let odd = [
            String::new(),
            PARENT.to_uppercase(),
            format!("{PARENT}-00"),
            PARENT.replacen("00-", "ff-", 1),
            PARENT.replacen("00-", "0-", 1),
            PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &zeros),
            PARENT.replace("00f067aa0ba902b7", &zeros[..16]),
        ];
        for odd in odd {
            assert!(!is_traceparent(&odd), "{odd}");
        }
    }

    #[test]
    fn another_node_gets_the_id_and_the_trace() {
        for parent in [Some(PARENT), None] {
            let sent = Traced::begin(Protocol::Http, "write", "a-1".into(), parent);
            let received = Traced::received(sent.message(), 2).unwrap();
            assert_eq!((received.id.as_str(), received.parent.as_deref()), ("a-1", parent));
        }
    }

    #[test]
    fn nonsense_from_a_peer_is_refused() {
        let message = |id: &str, more: &[u8]| {
            let mut out = Vec::new();
            put_bytes(&mut out, id.as_bytes());
            put_bytes(&mut out, b"no trace");
            out.extend(more);
            Traced::received(out.into(), 2)
        };
        assert_eq!(message("a", b"").unwrap().parent, None);
        for id in ["", "a b", &"x".repeat(REQUEST_ID_BYTES_MAX + 1)] {
            assert!(message(id, b"").is_err(), "{id}");
        }
        assert!(message("a", b"x").is_err());
        assert!(Traced::received(Bytes::from_static(b"\xff"), 2).is_err());
    }
}
