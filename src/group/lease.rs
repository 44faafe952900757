//! Lease safety: the gaps openraft leaves, closed here (ARCHITECTURE.md, "Leases").
//!
//! - A voter that restarted has forgotten until when it promised its leader not to vote for another, so for
//!   one lease after its start it grants no ordinary vote and starts no election ([`Embargo`]).
//! - Clocks may drift between nodes, so a leader answers from its lease only for part of it ([`read_age`]).
//! - openraft counts leases on a clock that stands still while the machine is suspended, so after a suspend a leader
//!   has to be confirmed by a quorum before it trusts a lease again ([`Awake`]).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::Raft;
use super::applied::Progress;
use super::floor::Floor;
use crate::clock::suspended_ms;
use crate::limits::SUSPEND_TOLERANCE_MS;

/// Until when a restarted voter grants no vote and stands for none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Embargo {
    until: Option<Instant>,
}

impl Embargo {
    /// For a replica that may have promised something before: one that has a vote on disk.
    pub(crate) fn after_restart(lease: Duration) -> Self {
        Self { until: Some(Instant::now() + lease) }
    }

    /// For a replica that never took part in anything.
    pub(crate) fn none() -> Self {
        Self { until: None }
    }

    /// When it ends; `None`: there is none.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    pub(crate) fn holds(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }

    /// Keeps `raft` from standing for election while the embargo holds, and before it has reached its `floor`. Call
    /// before `raft.run()`.
    pub(crate) fn enforce(self, raft: &Raft, floor: Option<Floor>, progress: &Progress) {
        if self.until.is_none() && floor.is_none() {
            return;
        }
        raft.runtime_config().elect(false);
        let (raft, progress) = (raft.clone(), progress.clone());
        tokio::spawn(async move {
            if let Some(until) = self.until {
                tokio::time::sleep_until(until).await;
            }
            let reached = match floor {
                Some(floor) => progress.reached_floor(floor).await,
                None => true,
            };
            if reached {
                raft.runtime_config().elect(true);
            }
        });
    }
}

/// Whether the machine has run on since a quorum last confirmed this leader.
#[derive(Debug)]
pub(crate) struct Awake {
    suspended_ms: AtomicU64,
}

impl Awake {
    pub(crate) fn since_now() -> Self {
        Self { suspended_ms: AtomicU64::new(suspended_ms()) }
    }

    /// Counts from when `later` began.
    pub(crate) fn renew(&self, later: &Self) {
        self.suspended_ms.store(later.suspended_ms.load(Ordering::Acquire), Ordering::Release);
    }

    /// Whether there was no suspend between then and now. Reading two clocks takes a moment in which the task may be
    /// interrupted; taking that for a suspend costs a round, no more.
    pub(crate) fn still(&self) -> bool {
        suspended_ms() <= self.suspended_ms.load(Ordering::Acquire) + SUSPEND_TOLERANCE_MS
    }
}

/// How old a quorum's acknowledgement may be for a lease read: four fifths of the lease.
pub(crate) fn read_age(lease: Duration) -> Duration {
    lease * 4 / 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_read_leaves_a_fifth_of_the_lease_for_drift() {
        let lease = Duration::from_millis(500);
        assert!(read_age(lease) * 5 <= lease * 4, "{:?}", read_age(lease));
    }

    #[test]
    fn an_embargo_holds_for_the_lease_and_only_after_a_restart() {
        assert!(Embargo::after_restart(Duration::from_secs(3600)).holds());
        assert!(!Embargo::after_restart(Duration::ZERO).holds());
        assert!(!Embargo::none().holds());
    }
}
