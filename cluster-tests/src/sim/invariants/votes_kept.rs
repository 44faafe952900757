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
        if replica.stored_vote < kept || Some(replica.vote) < kept {
            let (stored, used) = (replica.stored_vote, replica.vote);
            return Err(format!(
                "it had the vote {kept:?} on disk, now that is {stored:?} and it goes by {used:?}"
            ));
        }
        self.kept.extend(replica.stored_vote.map(|vote| (place, vote)));
        Ok(())
    }
}
