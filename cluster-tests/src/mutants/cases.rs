//! What is asked of the simulator: for each mutant a bound, and what its seeds are narrowed to.
//!
//! The bounds are a few times what was measured, since another build draws other schedules from the same seeds.

use raft_store::mutants::Mutant;

use crate::sim::focus::Focus;

/// One mutant to be caught.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Which.
    pub mutant: Mutant,
    /// Seeds it has to be caught within.
    pub bound: u64,
    /// What those seeds are narrowed to.
    pub focus: Focus,
}

const fn case(mutant: Mutant, bound: u64, focus: Focus) -> Case {
    Case { mutant, bound, focus }
}

/// All of them.
pub(super) const CASES: [Case; Mutant::ALL.len()] = [
    case(Mutant::AckBeforeMajority, 10, Focus::All),
    case(Mutant::FlushedBeforeFsync, 20, Focus::All),
    case(Mutant::ForgetVote, 10, Focus::All),
    case(Mutant::SkipReadRound, 20, Focus::Leases),
    case(Mutant::JoinRunningRound, 60, Focus::Handovers),
    case(Mutant::AnswerBeforeApplied, 40, Focus::Leases),
    case(Mutant::LongLease, 60, Focus::Gaps),
    case(Mutant::VoteAtOnce, 60, Focus::Restarts),
    case(Mutant::ApplyTwice, 10, Focus::Snapshots),
    case(Mutant::SnapshotMissesLast, 10, Focus::Snapshots),
    case(Mutant::SnapshotForgetsDeadlines, 10, Focus::Snapshots),
    case(Mutant::ExpireByOwnClock, 40, Focus::All),
    case(Mutant::RetryProposed, 40, Focus::Leases),
    case(Mutant::RemoveWithoutJoint, 10, Focus::Members),
    case(Mutant::ServeUnownedSlot, 10, Focus::All),
    case(Mutant::BreakPromise, 20, Focus::Refusals),
];

/// Every focus a case may have.
pub(super) const FOCUSES: [Focus; 8] = [
    Focus::All,
    Focus::Leases,
    Focus::Handovers,
    Focus::Gaps,
    Focus::Refusals,
    Focus::Restarts,
    Focus::Members,
    Focus::Snapshots,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_has_a_case() {
        assert!(CASES.iter().map(|case| case.mutant).eq(Mutant::ALL.iter().copied()));
        assert!(CASES.iter().all(|case| FOCUSES.contains(&case.focus)));
    }
}
