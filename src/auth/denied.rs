//! Why a request is not carried out: nothing of it was.

use crate::error::{Error, ErrorKind};

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It shows no token.
    #[error("a token is needed: send `Authorization: Bearer TOKEN`")]
    Missing,
    /// What it shows is no token, or one that was deleted.
    #[error("this token is unknown here: it may be mistyped, or deleted")]
    Wrong,
    /// Its token has ended.
    #[error("this token has expired")]
    Expired,
    /// Its address showed too many wrong tokens.
    #[error("too many wrong tokens came from this address; try again later")]
    Limited {
        /// When to try again, ms.
        retry_after_ms: u64,
    },
    /// This node does not know for certain which tokens there are.
    #[error("this node cannot tell which tokens hold until it reaches a quorum of its cluster")]
    Unsure,
    /// Its token allows something else.
    #[error("{0}")]
    Forbidden(&'static str),
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        let kind = match &denied {
            Denied::Missing | Denied::Wrong | Denied::Expired => ErrorKind::Unauthenticated,
            Denied::Limited { .. } => ErrorKind::RateLimited,
            Denied::Unsure => ErrorKind::NotReady,
            Denied::Forbidden(_) => ErrorKind::Forbidden,
        };
        let error = Self::not_applied(kind, denied.to_string());
        match denied {
            Denied::Limited { retry_after_ms } => error.retry_after_ms(retry_after_ms),
            _ => error,
        }
    }
}
