//! Votes are never forgotten: `currentTerm` and `votedFor` are "updated on stable storage before responding to RPCs" (Ongaro
//! and Ousterhout 2014, figure 2), so what a disk has of them never goes back, across restarts too.

use std::collections::BTreeMap;

use super::{Broken, Invariant, Leadership, Replica};

#[derive(Default)]
pub(super) struct VotesKept {
    /// The newest vote each replica had on disk.
    kept: BTreeMap<(u32, u64), (Leadership, bool)>,
    /// The newest vote that was on disk when each process was first seen.
    found: BTreeMap<(u32, u64, u64), Option<(Leadership, bool)>>,
}

impl Invariant for VotesKept {
    fn name(&self) -> &'static str {
        "votes-kept"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        if replica.log_failed {
            return Ok(());
        }
        let (group, node) = (replica.group, replica.node);
        let kept = self.kept.get(&(group, node)).copied();
        if replica.stored_vote < kept {
            return Err(format!("it had the vote {kept:?} on disk and has {:?} now", replica.stored_vote));
        }
        self.kept.extend(replica.stored_vote.map(|vote| ((group, node), vote)));
        let found = *self.found.entry((group, node, replica.process)).or_insert(kept);
        // What a replica says of itself may be older than its disk, but not than its process; and before the
        // first turn of its Raft core it says nothing.
        if replica.vote.0.term > 0 && Some(replica.vote) < found {
            return Err(format!("its process found the vote {found:?} and goes by {:?}", replica.vote));
        }
        Ok(())
    }
}
