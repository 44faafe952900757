//! Whom a replica follows, or followed last before candidates came of whom none has won: the leadership that is to be
//! succeeded, if that leader is gone. Pure: it is told votes and times.
//!
//! A candidacy leaves a vote behind that names no leader. Whoever then went by the vote alone would see nobody gone, and
//! after a candidacy that failed nothing would happen until openraft's timers run out. So the leader followed last is
//! kept in mind. A candidacy under way is given time to succeed, twice as much with each term, since another one takes
//! its votes away; after [`SUCCESSION_TERMS_MAX`] terms without a leader it is left to the timers.

use std::time::Duration;

use raft_store::NodeId;
use raft_store::raft::{LeaderId, Vote};
use tokio::time::Instant;

use crate::limits::SUCCESSION_TERMS_MAX;

/// What a replica knows of it.
#[derive(Debug)]
pub(in crate::group) struct Seat {
    /// This node.
    node: NodeId,
    /// How long the first candidacy has.
    patience: Duration,
    /// The vote seen last.
    vote: Vote,
    /// When it was seen first.
    since: Instant,
    /// The leadership of another node that was seen last.
    followed: Option<LeaderId>,
}

/// A leadership that is to be succeeded if its leader is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::group) struct Vacancy {
    /// The leadership that was followed last.
    pub(in crate::group) leader: LeaderId,
    /// The vote this is seen by: its own, or a candidate's.
    pub(in crate::group) vote: Vote,
    /// From when on others may stand.
    pub(in crate::group) opens: Instant,
}

impl Vacancy {
    /// Whether no candidacy is under way that may yet succeed.
    pub(super) fn is_open(&self) -> bool {
        self.opens <= Instant::now()
    }
}

impl Seat {
    /// Of a replica on `node` that has seen no vote yet; the first candidacy for it has `patience`.
    pub(in crate::group) fn new(node: NodeId, patience: Duration) -> Self {
        Self { node, patience, vote: Vote::new(0, node), since: Instant::now(), followed: None }
    }

    /// Notes the replica's vote; votes come in the order they are given.
    pub(super) fn see(&mut self, vote: Vote, now: Instant) {
        if vote != self.vote {
            (self.vote, self.since) = (vote, now);
        }
        if vote.committed && vote.leader_id.node_id != self.node {
            self.followed = Some(vote.leader_id);
        }
    }

    /// What is to be succeeded once its leader is gone; `None`: this node leads, followed nobody yet, or it is
    /// for the timers to say.
    pub(in crate::group) fn vacancy(&self) -> Option<Vacancy> {
        let vacancy = |leader, opens| Vacancy { leader, vote: self.vote, opens };
        let candidate = self.vote.leader_id;
        if self.vote.committed {
            return (candidate.node_id != self.node).then(|| vacancy(candidate, self.since));
        }
        let leader = self.followed?;
        let terms = candidate.term.saturating_sub(leader.term).max(1);
        (terms <= SUCCESSION_TERMS_MAX)
            .then(|| vacancy(leader, self.since + self.patience * (1 << (terms - 1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = 2;
    const PATIENCE: Duration = Duration::from_millis(60);

    fn vote(term: u64, node_id: NodeId, committed: bool) -> Vote {
        Vote { leader_id: LeaderId { term, node_id }, committed }
    }

    /// A seat that has seen these votes, a millisecond apart, and when it saw the last.
    fn seen(votes: &[Vote]) -> (Seat, Instant) {
        let (mut seat, mut now) = (Seat::new(NODE, PATIENCE), Instant::now());
        for vote in votes {
            now += Duration::from_millis(1);
            seat.see(*vote, now);
        }
        (seat, now)
    }

    #[test]
    fn who_is_followed_may_be_succeeded_at_once() {
        let (mut seat, at) = seen(&[vote(4, 1, true)]);
        let leader = LeaderId { term: 4, node_id: 1 };
        let vacancy = Vacancy { leader, vote: vote(4, 1, true), opens: at };
        assert_eq!(seat.vacancy(), Some(vacancy));
        seat.see(vote(4, 1, true), at + PATIENCE);
        assert_eq!(seat.vacancy(), Some(vacancy), "the same vote is nothing new");
    }

    #[test]
    fn a_candidacy_has_its_time_and_then_the_leader_before_it_counts() {
        let leader = LeaderId { term: 4, node_id: 1 };
        for (candidacy, waits) in [(vote(5, NODE, false), 1), (vote(5, 3, false), 1), (vote(6, 3, false), 2)]
        {
            let (seat, at) = seen(&[vote(4, 1, true), candidacy]);
            let vacancy = Vacancy { leader, vote: candidacy, opens: at + PATIENCE * waits };
            assert_eq!(seat.vacancy(), Some(vacancy));
        }
    }

    #[test]
    fn after_many_terms_without_a_leader_it_is_for_the_timers() {
        let (mut seat, now) = seen(&[vote(4, 1, true), vote(4 + SUCCESSION_TERMS_MAX, 3, false)]);
        assert!(seat.vacancy().is_some());
        seat.see(vote(5 + SUCCESSION_TERMS_MAX, 3, false), now);
        assert_eq!(seat.vacancy(), None);
        seat.see(vote(5 + SUCCESSION_TERMS_MAX, 3, true), now);
        assert!(seat.vacancy().is_some(), "there is a leader again");
    }

    #[test]
    fn nobody_succeeds_itself_or_whom_it_never_followed() {
        assert_eq!(seen(&[]).0.vacancy(), None);
        assert_eq!(seen(&[vote(4, 3, false)]).0.vacancy(), None);
        assert_eq!(seen(&[vote(3, 1, true), vote(4, NODE, true)]).0.vacancy(), None);
    }
}
