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
    /// There is one.
    Within {
        /// The earliest it can be, group time in ms.
        low: u64,
        /// The latest it can be; `None`: the time of the write it counts from has no upper bound yet.
        high: Option<u64>,
        /// How long after that write it is, ms, while the write's time is not known.
        ttl: Option<u64>,
    },
}

impl Deadline {
    /// Of a key written `when`, with group time at least `now` by then, and before `kept` passed.
    pub(super) fn set(ttl: Option<u64>, when: When, now: u64, kept: Self) -> Self {
        let Some(ttl) = ttl else { return Self::Never };
        let low = now.saturating_add(ttl);
        match (when, kept) {
            (When::At(at), _) => Self::just(at.saturating_add(ttl)),
            (When::UpTo(_) | When::Any, Self::Within { high: Some(high), .. }) => {
                Self::Within { low, high: Some((high - 1).saturating_add(ttl)), ttl: Some(ttl) }
            }
            (When::UpTo(_) | When::Any, _) => Self::Within { low, high: None, ttl: Some(ttl) },
        }
    }

    fn just(at: u64) -> Self {
        Self::Within { low: at, high: Some(at), ttl: None }
    }

    /// Once group time is known to be `latest` at most, a write before it was no later.
    pub(super) fn capped(self, latest: Option<u64>) -> Self {
        match (self, latest) {
            (Self::Within { low, high, ttl: Some(ttl) }, Some(latest)) => {
                let latest = latest.saturating_add(ttl);
                let high = Some(high.map_or(latest, |high| high.min(latest)));
                Self::Within { low, high, ttl: Some(ttl) }
            }
            _ => self,
        }
    }

    /// The least that group time can have been when the key was written, ms.
    pub(super) fn written(self) -> u64 {
        match self {
            Self::Within { low, ttl: Some(ttl), .. } => low.saturating_sub(ttl),
            Self::Within { ttl: None, .. } | Self::Never => 0,
        }
    }

    /// What is known once the key was present at `when`; `None`: it cannot have been.
    pub(super) fn not_passed(self, when: When, now: u64) -> Option<Self> {
        let least = when.latest().unwrap_or(now).saturating_add(1);
        match self {
            Self::Never => Some(self),
            Self::Within { low, high, ttl } => {
                let low = low.max(least);
                high.is_none_or(|high| low <= high).then_some(Self::Within { low, high, ttl })
            }
        }
    }

    /// The least group time once it has passed at `when`; `None`: it cannot have.
    pub(super) fn passed(self, when: When, now: u64) -> Option<u64> {
        let Self::Within { low, .. } = self else { return None };
        when.latest().is_none_or(|latest| low <= latest).then_some(now.max(low))
    }

    /// What is known once an answer told of it at group time `at`; `None`: it contradicts.
    pub(super) fn told(self, expires: Expires, at: Option<u64>) -> Option<Self> {
        match (expires, at, self) {
            (Expires::Untold, ..) | (Expires::Never, _, Self::Never) => Some(self),
            (Expires::In(_), None, Self::Within { .. }) => Some(self),
            (Expires::Never, ..) | (Expires::In(_), _, Self::Never) => None,
            (Expires::In(left), Some(at), Self::Within { low, high, ttl }) => {
                let told = at.saturating_add(left);
                let fits = low <= told && high.is_none_or(|high| told <= high);
                fits.then_some(Self::Within { low: told, high: Some(told), ttl })
            }
        }
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => Ok(()),
            Self::Within { low, high: Some(high), .. } if low == high => write!(f, ", until {low} ms"),
            Self::Within { low, high: Some(high), .. } => write!(f, ", until {low} to {high} ms"),
            Self::Within { low, high: None, .. } => write!(f, ", until {low} ms or later"),
        }
    }
}
