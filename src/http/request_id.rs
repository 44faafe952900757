//! The id that ties a request to its answer and its log lines: the client's, when it is sane, or a new one.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::trace::is_sane_id;

/// The header it comes and goes in.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// A request id: 1 to `REQUEST_ID_BYTES_MAX` letters, digits and `-_.:/+=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestId(String);

impl RequestId {
    /// The client's id, or a random one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(HEADER).and_then(|id| id.to_str().ok()).filter(|id| is_sane_id(id));
        Self(given.map_or_else(|| format!("{:016x}", crate::random::bits64()), str::to_owned))
    }

    /// Its text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a header's value.
    pub(super) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("a request id holds only letters, digits and a few signs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::REQUEST_ID_BYTES_MAX;

    fn of(given: &str) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_str(given).unwrap());
        RequestId::of(&headers)
    }

    #[test]
    fn a_sane_id_is_kept() {
        assert_eq!(of("trace-1.2:3").as_str(), "trace-1.2:3");
    }

    #[test]
    fn an_odd_id_is_replaced() {
        for odd in ["", "a b", "\"x\"", &"x".repeat(REQUEST_ID_BYTES_MAX + 1)] {
            let id = of(odd);
            assert_ne!(id.as_str(), odd);
            assert_eq!(id.as_str().len(), 16);
        }
    }
}
