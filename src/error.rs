//! The one error of the server's inner layers: what went wrong, and what became of the write.

use raft_store::{GroupId, NodeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a write that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It never happened and never will: it was refused before it was proposed, or rejected when applied.
    NotApplied,
    /// It may have happened, or may still happen, once.
    Unknown,
}

/// What went wrong; the names are the API's problem types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The request makes no sense.
    BadRequest,
    /// The key is empty, too long or badly encoded.
    BadKey,
    /// The key is absent or expired.
    Miss,
    /// No such namespace.
    UnknownNamespace,
    /// No such node.
    UnknownMember,
    /// No such group.
    UnknownGroup,
    /// No such operation.
    UnknownOperation,
    /// No such token.
    UnknownToken,
    /// No token, or none that holds.
    Unauthenticated,
    /// The token does not allow this.
    Forbidden,
    /// Too many wrong tokens came from the same address.
    RateLimited,
    /// Nothing is served at this path.
    NotFound,
    /// The path does not take this method.
    MethodNotAllowed,
    /// Too few healthy voters would be left.
    WouldLoseQuorum,
    /// Another change of the same group is under way.
    OperationRunning,
    /// The node id or the cluster is already in use by another.
    Conflict,
    /// The condition of a write did not hold.
    VersionMismatch,
    /// Key, value, body or batch is too large.
    TooLarge,
    /// The body's media type is not understood.
    MediaType,
    /// The value does not fit the operation.
    InvalidValue,
    /// Keys that have to be in one group are in several.
    CrossGroup,
    /// The value is not an integer.
    NotANumber,
    /// A queue is full.
    QueueFull,
    /// A bug or a failing disk.
    Internal,
    /// The group has no leader that could be reached.
    NoLeader,
    /// The node is not part of a cluster yet, starting or stopping.
    NotReady,
    /// The local copy is older than the reader allows.
    TooStale,
    /// The slot is moving to another group.
    Moving,
    /// No answer in time.
    Timeout,
    /// The memory bound is reached.
    QuotaExceeded,
    /// The disk of the node that would have to write is full.
    DiskFull,
}

/// An error with everything a client needs to decide what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{kind:?}: {detail}")]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// One sentence for a person.
    pub detail: String,
    /// What became of the write; `None` for reads and look-ups.
    pub outcome: Option<Outcome>,
    /// The group concerned.
    pub group: Option<GroupId>,
    /// That group's leader, if known.
    pub leader: Option<NodeId>,
    /// When to try again, ms.
    pub retry_after_ms: Option<u64>,
    /// The version the key has, for `VersionMismatch`.
    pub current_version: Option<u64>,
}

/// A result of the server's inner layers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of which it is certain that nothing was applied.
    pub fn not_applied(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self::new(kind, detail, Some(Outcome::NotApplied))
    }

    /// An error after which the write may have happened.
    pub fn unknown(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self::new(kind, detail, Some(Outcome::Unknown))
    }

    /// An error of something that is not a write.
    pub fn of_read(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self::new(kind, detail, None)
    }

    /// Names the group concerned.
    pub fn group(mut self, group: GroupId) -> Self {
        self.group = Some(group);
        self
    }

    /// Says when to try again.
    pub fn retry_after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }

    /// The same error for a request that writes nothing.
    pub fn without_outcome(mut self) -> Self {
        self.outcome = None;
        self
    }

    fn new(kind: ErrorKind, detail: impl Into<String>, outcome: Option<Outcome>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            outcome,
            group: None,
            leader: None,
            retry_after_ms: None,
            current_version: None,
        }
    }
}
