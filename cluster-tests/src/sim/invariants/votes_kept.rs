//! Votes are never forgotten: `currentTerm` and `votedFor` are "updated on stable storage before responding to RPCs" (Ongaro
//! and Ousterhout 2014, figure 2), so what a disk has of them never goes back, across restarts too.

use std::collections::BTreeMap;

use super::{Broken, Invariant, Leadership, Replica};

#[derive(Default)]
pub(super) struct VotesKept {
    /// The newest vote each replica had on disk.
    kept: BTreeMap<(u32, u64), (Leadership, bool)>,
}

impl Invariant for VotesKept {
    fn name(&self) -> &'static str {
        "votes-kept"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        if replica.log_failed {
            return Ok(());
        }
        let place = (replica.group, replica.node);
        let kept = self.kept.get(&place).copied();
        // Before the first turn of its Raft core a replica goes by nothing yet.
        let goes_by_less = replica.vote.0.term > 0 && Some(replica.vote) < kept;
        if replica.stored_vote < kept || goes_by_less {
            let (stored, used) = (replica.stored_vote, replica.vote);
            return Err(format!(
                "it had the vote {kept:?} on disk, now that is {stored:?} and it goes by {used:?}"
            ));
        }
        self.kept.extend(replica.stored_vote.map(|vote| (place, vote)));
        Ok(())
    }
}
