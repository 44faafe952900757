//! What data calls answer: one body for each outcome, and the headers that explain it. The same bodies serve
//! single calls and the operations of a batch.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use raft_store::GroupId;
use raft_store::command::{Command, Rejection, Reply, Written};
use raft_store::key::Key;
use raft_store::map::Entry;
use serde::{Serialize, Serializer};

use super::etag;
use crate::error::{Error, ErrorKind, Result};
use crate::node::{Consistency, ReadOk, WriteOk};
use entry::{EntryBody, Name};

pub(super) use entry::{Details, Row};

const GROUP: HeaderName = HeaderName::from_static("x-quorate-group");
const CONSISTENCY: HeaderName = HeaderName::from_static("x-quorate-consistency");
const STALENESS_MS: HeaderName = HeaderName::from_static("x-quorate-staleness-ms");
const TIME_MS: HeaderName = HeaderName::from_static("x-quorate-time-ms");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// A key and the name of its namespace.
#[derive(Debug, Clone)]
pub(super) struct Located {
    /// Name of the namespace.
    pub(super) namespace: String,
    /// The key.
    pub(super) key: Key,
}

/// Who answered, how, and as of which group time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Meta {
    group: GroupId,
    time_ms: u64,
    #[serde(serialize_with = "named")]
    consistency: Consistency,
    #[serde(skip_serializing_if = "Option::is_none")]
    staleness_ms: Option<u64>,
}

/// The answer to one call that went well.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    /// Its status.
    pub(super) status: StatusCode,
    /// Its body.
    pub(super) body: Body<'a>,
}

/// The JSON of an answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Body<'a> {
    /// An entry that was read.
    Entry(EntryBody<'a>),
    /// A key as a write left it.
    Written(WrittenBody<'a>),
    /// What a deletion found.
    Deleted {
        /// Whether there was anything to delete.
        deleted: bool,
        /// The group's version.
        version: u64,
    },
}

/// A key as a write left it.
#[derive(Debug, Serialize)]
pub(super) struct WrittenBody<'a> {
    #[serde(flatten)]
    name: Name<'a>,
    version: u64,
    expires_in_ms: Option<u64>,
    created: bool,
    /// The sum, for `incr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<i64>,
    /// Bytes of the value, for `append`.
    #[serde(skip_serializing_if = "Option::is_none")]
    len: Option<u64>,
}

impl Located {
    fn name(&self) -> Name<'_> {
        Name { ns: &self.namespace, key: self.key.user_key() }
    }
}

impl Meta {
    /// Of a read.
    pub(super) fn of_read(read: &ReadOk) -> Self {
        let ReadOk { group, time_ms, consistency, staleness_ms, .. } = *read;
        Self { group, time_ms, consistency, staleness_ms }
    }

    /// Of a write, which is always linearizable.
    pub(super) fn of_write(write: &WriteOk) -> Self {
        let WriteOk { group, time_ms, .. } = *write;
        Self { group, time_ms, consistency: Consistency::Linearizable, staleness_ms: None }
    }

    /// The headers that say so.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = freshness_headers(self.consistency, self.staleness_ms);
        headers.insert(GROUP, HeaderValue::from(self.group));
        headers.insert(TIME_MS, HeaderValue::from(self.time_ms));
        headers
    }
}

/// The headers that say how fresh an answer is.
pub(super) fn freshness_headers(consistency: Consistency, staleness_ms: Option<u64>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONSISTENCY, HeaderValue::from_static(consistency_name(consistency)));
    if let Some(staleness_ms) = staleness_ms {
        headers.insert(STALENESS_MS, HeaderValue::from(staleness_ms));
    }
    headers
}

impl Answer<'_> {
    /// As the response to a single call.
    pub(super) fn into_response(self, meta: &Meta) -> Result<Response> {
        let mut headers = meta.headers();
        if let Some(version) = self.version() {
            headers.insert(header::ETAG, etag::of(version));
        }
        Ok((self.status, headers, json(&self.body)?).into_response())
    }

    /// The version of the entry it is about, if one is left.
    fn version(&self) -> Option<u64> {
        match &self.body {
            Body::Entry(entry) => Some(entry.details.version),
            Body::Written(written) => Some(written.version),
            Body::Deleted { .. } => None,
        }
    }
}

/// What is left of a deadline at a group time, ms.
pub(super) fn left_ms(deadline: Option<u64>, time_ms: u64) -> Option<u64> {
    deadline.map(|deadline| deadline.saturating_sub(time_ms))
}

/// The answer to a read; a `miss` when there is no entry.
pub(super) fn of_read<'a>(at: &'a Located, read: &'a ReadOk) -> Result<Answer<'a>> {
    let entry = read.entry.as_ref().ok_or_else(|| miss(read.group).without_outcome())?;
    let body = Body::Entry(EntryBody { name: at.name(), details: Details::of(entry, read.time_ms) });
    Ok(Answer { status: StatusCode::OK, body })
}

/// The answer to a write; a rejection is the error it stands for.
pub(super) fn of_write<'a>(at: &'a Located, command: &Command, write: &WriteOk) -> Result<Answer<'a>> {
    match &write.reply {
        Reply::Written(written) => Ok(of_written(at, command, written, write.time_ms)),
        Reply::Deleted { deleted, version } => {
            let body = Body::Deleted { deleted: *deleted, version: *version };
            Ok(Answer { status: StatusCode::OK, body })
        }
        Reply::Rejected(rejection) => Err(rejected(rejection, write.group)),
        Reply::Done
        | Reply::Many(_)
        | Reply::Branched { .. }
        | Reply::Found(_)
        | Reply::Bit(_)
        | Reply::Length(_) => {
            Err(Error::unknown(ErrorKind::Internal, "a key's change was answered like something else"))
        }
    }
}

fn of_written<'a>(at: &'a Located, command: &Command, written: &Written, time_ms: u64) -> Answer<'a> {
    let (status, value, len) = match command {
        Command::Set(_) if written.created => (StatusCode::CREATED, None, None),
        Command::Incr(_) => (StatusCode::OK, written.value.as_deref().and_then(number), None),
        Command::Append(_) => (StatusCode::OK, None, Some(written.len)),
        _ => (StatusCode::OK, None, None),
    };
    let body = Body::Written(WrittenBody {
        name: at.name(),
        version: written.version,
        expires_in_ms: left_ms(written.deadline, time_ms),
        created: written.created,
        value,
        len,
    });
    Answer { status, body }
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The error a rejection is. Nothing was applied: that is certain.
pub(super) fn rejected(rejection: &Rejection, group: GroupId) -> Error {
    let kind = match rejection {
        Rejection::Missing => ErrorKind::Miss,
        Rejection::VersionMismatch { .. } | Rejection::Unmet => ErrorKind::VersionMismatch,
        Rejection::NotANumber | Rejection::NotAFloat => ErrorKind::NotANumber,
        Rejection::Overflow | Rejection::WrongContent => ErrorKind::InvalidValue,
        Rejection::TooLarge => ErrorKind::TooLarge,
        Rejection::NotOwner => ErrorKind::Moving,
    };
    let mut error = Error::not_applied(kind, rejection.to_string()).group(group);
    if let Rejection::VersionMismatch { current } = rejection {
        error.current_version = *current;
    }
    error
}

fn miss(group: GroupId) -> Error {
    Error::of_read(ErrorKind::Miss, "no such key, or it has expired").group(group)
}

/// The response to a read that found nothing.
pub(super) fn miss_response(read: &ReadOk) -> Response {
    let status = [(CACHE_STATUS, HeaderValue::from_static("quorate; fwd=miss"))];
    (Meta::of_read(read).headers(), status, miss(read.group)).into_response()
}

/// The response to a reader that has this version already.
pub(super) fn not_modified(read: &ReadOk, entry: &Entry) -> Response {
    (StatusCode::NOT_MODIFIED, hit_headers(read, entry)).into_response()
}

/// The headers of an entry that was found, whichever view shows it.
pub(super) fn hit_headers(read: &ReadOk, entry: &Entry) -> HeaderMap {
    let mut headers = Meta::of_read(read).headers();
    headers.insert(header::ETAG, etag::of(entry.version));
    let status = match left_ms(entry.deadline, read.time_ms) {
        Some(left_ms) => format!("quorate; hit; ttl={}", left_ms / 1000),
        None => "quorate; hit".to_owned(),
    };
    headers.insert(CACHE_STATUS, ascii(&status));
    headers
}

/// A header value of text this server made itself.
pub(super) fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("the server's own header texts are ASCII")
}

/// A JSON body with its type.
pub(super) fn json<T: Serialize>(body: &T) -> Result<impl IntoResponse + use<T>> {
    let text = serde_json::to_vec(body)
        .map_err(|error| Error::unknown(ErrorKind::Internal, format!("cannot write the answer: {error}")))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text))
}

fn named<S: Serializer>(consistency: &Consistency, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(consistency_name(*consistency))
}

const fn consistency_name(consistency: Consistency) -> &'static str {
    match consistency {
        Consistency::Linearizable => "linearizable",
        Consistency::Lease => "lease",
        Consistency::Local => "local",
    }
}

mod entry;
#[cfg(test)]
mod tests;
