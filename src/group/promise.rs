//! Leases are promised only while a leader wants them, so that a group nobody reads by lease need not wait for one to
//! run out when its leader dies.
//!
//! openraft has every voter promise every leader a lease with every append. Most leaders never use it, and a voter that
//! sees its leader gone could vote at once, did it know that. So each append says whether it asks for the lease
//! ([`Demand`]), and a voter remembers until when it has promised ([`Promises`]); past that it may let a vote pass that
//! openraft would refuse for the lease's sake (`succession`).
//!
//! A leader's acknowledgement proves a promise if its append asked. It did if it was sent since the demand began, and
//! the demand has not been broken off since: both are looked at, the second after the acknowledgement. A promise is made
//! before its append reaches openraft, so before it is acknowledged, and runs from then: from after it was sent. It
//! is never taken back, whatever comes later or out of order.
//!
//! Between the look at the promises and openraft's answer to a vote that passes, an append that asks could slip in and be
//! acknowledged before the vote is granted. So none that asks reaches openraft in that time.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use raft_store::mutant;
use tokio::time::Instant;

use crate::limits::LEASE_WANTED_FOR;

/// What a voter has promised any leader of its group.
#[derive(Debug)]
pub(super) struct Promises {
    lease: Duration,
    state: Mutex<Promised>,
}

#[derive(Debug)]
struct Promised {
    until: Option<Instant>,
    /// Votes that passed and have no answer yet.
    passing: usize,
}

impl Promises {
    /// Promises of `lease` each. A voter that restarted may have made some that run `until` then.
    pub(super) fn new(lease: Duration, until: Option<Instant>) -> Self {
        Self { lease, state: Mutex::new(Promised { until, passing: 0 }) }
    }

    /// Promises a lease from now on, for an append that asks and is about to reach openraft; `false`: it must not, since
    /// a vote is passing.
    #[must_use]
    pub(super) fn promise(&self) -> bool {
        let mut state = self.state.lock();
        if state.passing > 0 {
            return false;
        }
        state.until = state.until.max(Some(Instant::now() + self.lease));
        true
    }

    /// Until when something is promised; `None`: nothing is.
    pub(super) fn until(&self) -> Option<Instant> {
        self.state.lock().running()
    }

    /// Lets a vote pass, one's own or for another, whatever openraft thinks is promised; `None`: something is.
    pub(super) fn pass(self: &Arc<Self>) -> Option<Passing> {
        let mut state = self.state.lock();
        if state.running().is_some() {
            return None;
        }
        state.passing += 1;
        Some(Passing(self.clone()))
    }
}

impl Promised {
    /// When the last promise ends that has not run out; a buggy voter knows of none.
    fn running(&self) -> Option<Instant> {
        self.until.filter(|until| Instant::now() < *until && !mutant!(BreakPromise))
    }
}

/// A vote that passes; to be held until openraft has judged it.
#[derive(Debug)]
pub(super) struct Passing(Arc<Promises>);

impl Drop for Passing {
    fn drop(&mut self) {
        self.0.state.lock().passing -= 1;
    }
}

/// Whether a leader wants leases.
#[derive(Debug)]
pub(super) struct Demand(Mutex<Wanted>);

#[derive(Debug)]
struct Wanted {
    /// Since when every append that was sent has asked.
    since: Option<Instant>,
    last: Instant,
}

impl Demand {
    /// Nobody wants any.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Wanted { since: None, last: Instant::now() }))
    }

    /// Notes that somebody wants to read by lease; since when every append that was sent has asked.
    pub(super) fn want(&self) -> Instant {
        let mut wanted = self.0.lock();
        wanted.last = Instant::now();
        let last = wanted.last;
        *wanted.since.get_or_insert(last)
    }

    /// Whether an append that is sent now asks.
    pub(super) fn asks(&self) -> bool {
        let mut wanted = self.0.lock();
        if wanted.last.elapsed() >= LEASE_WANTED_FOR {
            wanted.since = None;
        }
        wanted.since.is_some()
    }

    /// Whether every append that was sent since then has asked; `since` is of [`Self::want`].
    pub(super) fn is_unbroken(&self, since: Instant) -> bool {
        self.0.lock().since == Some(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_millis(500);

    async fn pass(time: Duration) {
        tokio::time::advance(time).await;
    }

    #[tokio::test(start_paused = true)]
    async fn no_vote_passes_until_every_promise_has_run_out() {
        let promises = Arc::new(Promises::new(LEASE, None));
        assert!(promises.pass().is_some(), "nothing was promised");
        assert!(promises.promise());
        pass(LEASE / 2).await;
        assert!(promises.promise());
        pass(LEASE - Duration::from_millis(1)).await;
        assert!(promises.pass().is_none() && promises.until().is_some());
        pass(Duration::from_millis(1)).await;
        assert!(promises.pass().is_some() && promises.until().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_restarted_voter_may_have_promised_counts() {
        let promises = Arc::new(Promises::new(LEASE, Some(Instant::now() + LEASE)));
        assert!(promises.pass().is_none());
        pass(LEASE).await;
        assert!(promises.pass().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_promised_while_a_vote_passes() {
        let promises = Arc::new(Promises::new(LEASE, None));
        let (first, second) = (promises.pass(), promises.pass());
        assert!(first.is_some() && !promises.promise());
        drop(first);
        assert!(!promises.promise(), "another one still passes");
        drop(second);
        assert!(promises.promise() && promises.pass().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_demand_lasts_a_while_and_begins_anew_after_an_append_that_did_not_ask() {
        let demand = Demand::new();
        assert!(!demand.asks(), "nobody wants a lease");
        let since = demand.want();
        pass(LEASE_WANTED_FOR / 2).await;
        assert!(demand.asks() && demand.want() == since && demand.is_unbroken(since));
        pass(LEASE_WANTED_FOR).await;
        assert_eq!(demand.want(), since, "late, but no append was sent meanwhile");
        pass(LEASE_WANTED_FOR).await;
        assert!(!demand.asks() && !demand.is_unbroken(since));
        assert!(demand.want() > since && !demand.is_unbroken(since));
    }
}
