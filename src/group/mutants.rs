//! Seeded bugs of a group (`raft_store::mutants`): what they do that takes more than leaving something out.

use openraft::Instant as _;
use raft_store::command::PackedEntry;
use raft_store::map::{Lookup, TtlMap};
use raft_store::mutant;
use raft_store::raft::{LeaderId, SharedMap};

use super::batcher::{Waiters, hand_out};
use super::reads::Confirm;
use super::{Raft, is_due, metrics_of};
use crate::clock::wall_ms;

/// The map as it will be if everything this leadership proposed is committed.
#[derive(Debug, Default)]
pub(super) struct Ahead(Option<(LeaderId, TtlMap)>);

impl Ahead {
    /// Answers all who wait for `entry` at once; returns who still waits. The answers are those that the entry has
    /// if it is committed: at its start a leadership has nothing under way, and it applies in the order it proposes.
    pub(super) fn answer(
        &mut self,
        leader: LeaderId,
        map: &SharedMap,
        entry: &PackedEntry,
        waiters: Waiters,
    ) -> Waiters {
        if !mutant!(AckBeforeMajority) {
            return waiters;
        }
        let (_, ahead) = match self.0.take() {
            Some(ahead) if ahead.0 == leader => self.0.insert(ahead),
            _ => self.0.insert((leader, TtlMap::from_frozen(map.read().freeze()))),
        };
        match ahead.apply(entry) {
            Ok(replies) => hand_out(Ok(replies), waiters),
            Err(_) => return waiters,
        }
        Waiters::new()
    }
}

/// A read index nobody has confirmed.
pub(super) fn unconfirmed(raft: &Raft, confirm: &Confirm) -> Option<u64> {
    let metrics = metrics_of(raft);
    let trusted = match confirm {
        Confirm::ReadIndex => mutant!(SkipReadRound),
        Confirm::Lease { lease, demand } => {
            demand.want();
            let acked = metrics.last_quorum_acked;
            mutant!(LongLease) && acked.is_some_and(|acked| acked.elapsed() < *lease * 3 / 2)
        }
    };
    let committed = metrics.local_committed.map_or(0, |id| id.index);
    (trusted && raft.as_leader().is_ok()).then_some(committed)
}

/// What is left of a look-up once this node's wall clock has judged it.
pub(super) fn by_own_clock(found: Lookup) -> Lookup {
    if mutant!(ExpireByOwnClock) && is_due(&found, wall_ms()) { Lookup::Miss } else { found }
}
