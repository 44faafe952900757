//! What is known of a key's deadline, and of the group time at which an operation took effect.
//!
//! An operation of unknown outcome tells no time, so a deadline it set is known within bounds only. The bounds
//! are kept exactly: every answer that depends on the deadline narrows them, or contradicts them.

use std::fmt;

use crate::history::{Expires, Operation, Outcome, Output};

/// The group time at which an operation took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Just then, ms: the answers to writes carry the group time of their log entry.
    At(u64),
    /// Then or before, ms: a read carries the leader's clock, at which what it shows had not expired, and which
    /// group time cannot have passed.
    UpTo(u64),
    /// Nobody was told.
    Any,
}

impl When {
    pub(super) fn of(op: &Operation) -> Self {
        match (op.outcome, &op.output, op.time_ms) {
            (Outcome::Unknown | Outcome::Fail, ..) | (.., None) => Self::Any,
            (Outcome::Ok, Some(Output::Read(_)), Some(ms)) => Self::UpTo(ms),
            (Outcome::Ok, _, Some(ms)) => Self::At(ms),
        }
    }

    /// The latest it can have been, ms.
    pub(super) fn latest(self) -> Option<u64> {
        match self {
            Self::At(ms) | Self::UpTo(ms) => Some(ms),
            Self::Any => None,
        }
    }

    /// The least group time after it, ms, when it was `now` at the least before; `None`: time would go back.
    pub(super) fn advance(self, now: u64) -> Option<u64> {
        match self {
            Self::At(ms) => (ms >= now).then_some(ms),
            Self::UpTo(ms) => (ms >= now).then_some(now),
            Self::Any => Some(now),
        }
    }
}

/// What is known of a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Deadline {
    /// There is none.
    Never,
    /// It is from `low` to `high`, group time in ms.
    Within {
        /// The earliest it can be.
        low: u64,
        /// The latest it can be.
        high: u64,
    },
    /// It is `low` or later: `ttl` after a write whose time nobody was told yet.
    After {
        /// The earliest it can be.
        low: u64,
        /// What the write asked for, ms.
        ttl: u64,
    },
}

impl Deadline {
    /// Of a key written `when`, with group time at least `now` by then.
    pub(super) fn set(ttl: Option<u64>, when: When, now: u64) -> Self {
        match (ttl, when) {
            (None, _) => Self::Never,
            (Some(ttl), When::At(at)) => Self::just(at.saturating_add(ttl)),
            (Some(ttl), When::UpTo(_) | When::Any) => Self::After { low: now.saturating_add(ttl), ttl },
        }
    }

    fn just(at: u64) -> Self {
        Self::Within { low: at, high: at }
    }

    /// Once group time is known to be `latest` at most, a write before it was no later.
    pub(super) fn capped(self, latest: Option<u64>) -> Self {
        match (self, latest) {
            (Self::After { low, ttl }, Some(latest)) => {
                Self::Within { low, high: latest.saturating_add(ttl).max(low) }
            }
            _ => self,
        }
    }

    /// What is known once the key was present at `when`; `None`: it cannot have been.
    pub(super) fn not_passed(self, when: When, now: u64) -> Option<Self> {
        let least = when.latest().unwrap_or(now).saturating_add(1);
        match self {
            Self::Never => Some(self),
            Self::Within { low, high } => {
                (high >= least).then_some(Self::Within { low: low.max(least), high })
            }
            Self::After { low, ttl } => Some(Self::After { low: low.max(least), ttl }),
        }
    }

    /// The least group time once it has passed at `when`; `None`: it cannot have.
    pub(super) fn passed(self, when: When, now: u64) -> Option<u64> {
        let (Self::Within { low, .. } | Self::After { low, .. }) = self else { return None };
        when.latest().is_none_or(|latest| low <= latest).then_some(now.max(low))
    }

    /// What is known once an answer told of it at group time `at`; `None`: it contradicts.
    pub(super) fn told(self, expires: Expires, at: Option<u64>) -> Option<Self> {
        match (expires, at, self) {
            (Expires::Untold, ..) | (Expires::Never, _, Self::Never) => Some(self),
            (Expires::In(_), None, Self::Within { .. } | Self::After { .. }) => Some(self),
            (Expires::Never, ..) | (Expires::In(_), _, Self::Never) => None,
            (Expires::In(left), Some(at), Self::Within { low, high }) => {
                let told = at.saturating_add(left);
                (low..=high).contains(&told).then_some(Self::just(told))
            }
            (Expires::In(left), Some(at), Self::After { low, .. }) => {
                let told = at.saturating_add(left);
                (told >= low).then_some(Self::just(told))
            }
        }
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => Ok(()),
            Self::Within { low, high } if low == high => write!(f, ", until {low} ms"),
            Self::Within { low, high } => write!(f, ", until {low} to {high} ms"),
            Self::After { low, .. } => write!(f, ", until {low} ms or later"),
        }
    }
}
