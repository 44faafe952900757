//! What a client is told of a request that was not carried out, and what is certain of it.

use raft_store::GroupId;
use tokio::time::Instant;

use super::super::peer::Declined;
use crate::error::{Error, ErrorKind};
use crate::group::ProposeError;
use crate::limits::NO_LEADER_RETRY_AFTER_MS;

pub(super) fn declined(group: GroupId, deadline: Instant, error: ProposeError) -> Declined {
    match error {
        ProposeError::NotLeader(hint) => Declined::NotLeader(hint),
        ProposeError::QueueFull => Declined::Error(queue_full(group)),
        ProposeError::TooLarge => Declined::Error(too_large(group)),
        ProposeError::Malformed(error) => {
            Declined::Error(Error::not_applied(ErrorKind::BadRequest, error.to_string()).group(group))
        }
        ProposeError::Unknown(why) => Declined::Error(unknown(group, deadline, why)),
    }
}

pub(super) fn too_large(group: GroupId) -> Error {
    Error::not_applied(ErrorKind::TooLarge, "the writes of one group are too large together").group(group)
}

pub(super) fn queue_full(group: GroupId) -> Error {
    Error::not_applied(ErrorKind::QueueFull, format!("too much waits for group {group}"))
        .group(group)
        .retry_after_ms(NO_LEADER_RETRY_AFTER_MS)
}

pub(super) fn no_leader(group: GroupId, last_seen: &str) -> Error {
    Error::not_applied(
        ErrorKind::NoLeader,
        format!("group {group} has no leader that could be asked: {last_seen}"),
    )
    .group(group)
    .retry_after_ms(NO_LEADER_RETRY_AFTER_MS)
}

/// What was proposed and has no answer: out of time, or its leader went away.
pub(super) fn unknown(group: GroupId, deadline: Instant, why: String) -> Error {
    let kind = if Instant::now() >= deadline { ErrorKind::Timeout } else { ErrorKind::NoLeader };
    Error::unknown(kind, format!("group {group} may or may not have applied this: {why}"))
        .group(group)
        .retry_after_ms(NO_LEADER_RETRY_AFTER_MS)
}
