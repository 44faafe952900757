//! Errors as `application/problem+json` (RFC 9457): one table of status, name and title for each kind.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use raft_store::{GroupId, NodeId};
use serde::Serialize;

use super::etag;
use super::request_id::RequestId;
use crate::error::{Error, ErrorKind, Outcome};

/// What the names of problems are relative to.
const TYPES: &str = "https://quorate.dev/problems/";
/// `Retry-After` when the error does not say: seconds.
const RETRY_AFTER_DEFAULT_S: u64 = 1;

/// A problem (RFC 9457).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Problem<'a> {
    /// What kind of problem it is.
    r#type: String,
    /// The same in a few words.
    title: &'static str,
    /// The status, also of an operation of a batch.
    status: u16,
    /// One sentence for a person.
    detail: &'a str,
    /// What became of the write; absent for reads and look-ups.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// The group concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupId>,
    /// Shown, be it as `null`, whenever the problem may lie with a group's leader.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<NodeId>)]
    leader: Option<Option<NodeId>>,
    /// When to try again, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    /// The version the key has, when a condition on it did not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<u64>,
    /// The request's id; absent in operations of a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl<'a> Problem<'a> {
    /// The problem an error is; a batch's operations share the request id of the whole.
    pub(super) fn of(error: &'a Error, request_id: Option<&'a str>) -> Self {
        let (status, _, title) = describe(error.kind);
        Self {
            r#type: type_of(error.kind),
            title,
            status: status.as_u16(),
            detail: &error.detail,
            outcome: error.outcome,
            group: error.group,
            leader: error.group.filter(|_| concerns_leader(error.kind)).map(|_| error.leader),
            retry_after_ms: error.retry_after_ms,
            current_version: error.current_version,
            request_id,
        }
    }
}

/// The full name of a kind of error.
pub(super) fn type_of(kind: ErrorKind) -> String {
    format!("{TYPES}{}", describe(kind).1)
}

/// Whether the problem may lie with a group's leader, so that who leads helps to understand it.
const fn concerns_leader(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NoLeader | ErrorKind::Timeout | ErrorKind::Moving)
}

/// Status, name and title of a kind of error.
pub(super) const fn describe(kind: ErrorKind) -> (StatusCode, &'static str, &'static str) {
    use StatusCode as S;
    match kind {
        ErrorKind::BadRequest => (S::BAD_REQUEST, "bad-request", "The request makes no sense"),
        ErrorKind::BadKey => (S::BAD_REQUEST, "bad-key", "The key is empty, too long or badly encoded"),
        ErrorKind::Miss => (S::NOT_FOUND, "miss", "No such key"),
        ErrorKind::UnknownNamespace => (S::NOT_FOUND, "unknown-namespace", "No such namespace"),
        ErrorKind::UnknownMember => (S::NOT_FOUND, "unknown-member", "No such node"),
        ErrorKind::UnknownGroup => (S::NOT_FOUND, "unknown-group", "No such group"),
        ErrorKind::UnknownOperation => (S::NOT_FOUND, "unknown-operation", "No such operation"),
        ErrorKind::UnknownToken => (S::NOT_FOUND, "unknown-token", "No such token"),
        ErrorKind::Unauthenticated => (S::UNAUTHORIZED, "unauthenticated", "A token that holds is needed"),
        ErrorKind::Forbidden => (S::FORBIDDEN, "forbidden", "This is not allowed"),
        ErrorKind::RateLimited => (S::TOO_MANY_REQUESTS, "rate-limited", "Too many wrong tokens"),
        ErrorKind::NotFound => (S::NOT_FOUND, "not-found", "Nothing is served here"),
        ErrorKind::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed"),
        ErrorKind::WouldLoseQuorum => {
            (S::CONFLICT, "would-lose-quorum", "Too few healthy voters would be left")
        }
        ErrorKind::OperationRunning => (S::CONFLICT, "operation-running", "Another change is under way"),
        ErrorKind::Conflict => (S::CONFLICT, "conflict", "This contradicts the cluster's state"),
        ErrorKind::VersionMismatch => {
            (S::PRECONDITION_FAILED, "version-mismatch", "The condition did not hold")
        }
        ErrorKind::TooLarge => (S::PAYLOAD_TOO_LARGE, "too-large", "Too large"),
        ErrorKind::MediaType => (S::UNSUPPORTED_MEDIA_TYPE, "media-type", "The media type is not understood"),
        ErrorKind::InvalidValue => (S::UNPROCESSABLE_ENTITY, "invalid-value", "The value does not fit"),
        ErrorKind::NotANumber => (S::UNPROCESSABLE_ENTITY, "not-a-number", "The value is not an integer"),
        ErrorKind::CrossGroup => (S::UNPROCESSABLE_ENTITY, "cross-group", "The keys are in several groups"),
        ErrorKind::QueueFull => (S::TOO_MANY_REQUESTS, "queue-full", "Too much is waiting already"),
        ErrorKind::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "The server failed"),
        ErrorKind::NoLeader => (S::SERVICE_UNAVAILABLE, "no-leader", "Group has no leader"),
        ErrorKind::NotReady => (S::SERVICE_UNAVAILABLE, "not-ready", "The node does not serve now"),
        ErrorKind::TooStale => (S::SERVICE_UNAVAILABLE, "too-stale", "The local copy is too old"),
        ErrorKind::Moving => (S::SERVICE_UNAVAILABLE, "moving", "The slot is moving to another group"),
        ErrorKind::Timeout => (S::GATEWAY_TIMEOUT, "timeout", "No answer in time"),
        ErrorKind::QuotaExceeded => {
            (S::INSUFFICIENT_STORAGE, "quota-exceeded", "The memory bound is reached")
        }
        ErrorKind::DiskFull => (S::INSUFFICIENT_STORAGE, "disk-full", "The disk is full"),
    }
}

impl IntoResponse for Error {
    /// Status and headers; `track` renders the body, for it knows the request's id.
    fn into_response(self) -> Response {
        let mut response = describe(self.kind).0.into_response();
        add_headers(response.headers_mut(), &self);
        response.extensions_mut().insert(self);
        response
    }
}

fn add_headers(headers: &mut HeaderMap, error: &Error) {
    if let (ErrorKind::VersionMismatch, Some(version)) = (error.kind, error.current_version) {
        headers.insert(header::ETAG, etag::of(version));
    }
    if let Some(challenge) = challenge(error.kind) {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    let status = describe(error.kind).0;
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        let seconds = error.retry_after_ms.map_or(RETRY_AFTER_DEFAULT_S, |ms| ms.div_ceil(1000).max(1));
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// What says how to authenticate (RFC 6750, section 3).
const fn challenge(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Unauthenticated => Some("Bearer realm=\"quorate\""),
        ErrorKind::Forbidden => Some("Bearer realm=\"quorate\", error=\"insufficient_scope\""),
        _ => None,
    }
}

/// Puts the problem into a response made from the error.
pub(super) fn render(response: &mut Response, error: &Error, id: &RequestId) {
    let text = serde_json::to_vec(&Problem::of(error, Some(id.as_str()))).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [(ErrorKind, u16); 31] = [
        (ErrorKind::BadRequest, 400),
        (ErrorKind::BadKey, 400),
        (ErrorKind::Miss, 404),
        (ErrorKind::UnknownNamespace, 404),
        (ErrorKind::UnknownMember, 404),
        (ErrorKind::UnknownGroup, 404),
        (ErrorKind::UnknownOperation, 404),
        (ErrorKind::UnknownToken, 404),
        (ErrorKind::Unauthenticated, 401),
        (ErrorKind::Forbidden, 403),
        (ErrorKind::RateLimited, 429),
        (ErrorKind::NotFound, 404),
        (ErrorKind::MethodNotAllowed, 405),
        (ErrorKind::WouldLoseQuorum, 409),
        (ErrorKind::OperationRunning, 409),
        (ErrorKind::Conflict, 409),
        (ErrorKind::VersionMismatch, 412),
        (ErrorKind::TooLarge, 413),
        (ErrorKind::MediaType, 415),
        (ErrorKind::InvalidValue, 422),
        (ErrorKind::NotANumber, 422),
        (ErrorKind::CrossGroup, 422),
        (ErrorKind::QueueFull, 429),
        (ErrorKind::Internal, 500),
        (ErrorKind::NoLeader, 503),
        (ErrorKind::NotReady, 503),
        (ErrorKind::TooStale, 503),
        (ErrorKind::Moving, 503),
        (ErrorKind::Timeout, 504),
        (ErrorKind::QuotaExceeded, 507),
        (ErrorKind::DiskFull, 507),
    ];

    #[test]
    fn names_and_statuses_are_those_of_the_documented_table() {
        for (kind, status) in KINDS {
            let (described, name, _) = describe(kind);
            assert_eq!((described.as_u16(), serde_json::to_value(kind).unwrap()), (status, name.into()));
        }
    }

    #[test]
    fn a_group_problem_shows_its_leader_even_when_there_is_none() {
        let error = Error::unknown(ErrorKind::NoLeader, "group 5 is electing").group(5).retry_after_ms(150);
        let shown = serde_json::to_value(Problem::of(&error, Some("r1"))).unwrap();
        assert_eq!(
            shown,
            serde_json::json!({
                "type": "https://quorate.dev/problems/no-leader", "title": "Group has no leader", "status": 503,
                "detail": "group 5 is electing", "outcome": "unknown", "group": 5, "leader": null,
                "retry_after_ms": 150, "request_id": "r1",
            })
        );
    }

    #[test]
    fn only_problems_a_leader_may_cause_show_it() {
        for (kind, _) in KINDS {
            let error = Error::unknown(kind, "").group(5);
            let shown = serde_json::to_value(Problem::of(&error, None)).unwrap();
            let expected = matches!(kind, ErrorKind::NoLeader | ErrorKind::Timeout | ErrorKind::Moving);
            assert_eq!(shown.get("leader"), expected.then_some(&serde_json::Value::Null), "{kind:?}");
        }
    }

    #[test]
    fn a_plain_problem_shows_no_more_than_it_knows() {
        let error = Error::of_read(ErrorKind::Miss, "no such key");
        let shown = serde_json::to_value(Problem::of(&error, None)).unwrap();
        assert_eq!(shown.as_object().unwrap().keys().count(), 4, "{shown}");
    }

    #[test]
    fn headers_say_when_to_retry_and_what_the_version_is() {
        let busy = Error::not_applied(ErrorKind::QueueFull, "full").retry_after_ms(1_200).into_response();
        assert_eq!(busy.headers()[header::RETRY_AFTER], "2");
        let quiet = Error::of_read(ErrorKind::NotReady, "starting").into_response();
        assert_eq!(quiet.headers()[header::RETRY_AFTER], "1");
        let mut error = Error::not_applied(ErrorKind::VersionMismatch, "changed");
        error.current_version = Some(7);
        assert_eq!(error.into_response().headers()[header::ETAG], "\"7\"");
    }
}
