//! Leader append-only: "a leader never overwrites or deletes entries in its log; it only appends new entries" (Ongaro
//! and Ousterhout 2014, figure 3).

use std::collections::BTreeMap;

use super::{Broken, Id, Invariant, Leadership, Replica};

#[derive(Default)]
pub(super) struct LeaderAppendOnly {
    /// The last entry of each leadership's leader.
    last: BTreeMap<(u32, Leadership), Id>,
}

impl Invariant for LeaderAppendOnly {
    fn name(&self) -> &'static str {
        "leader-append-only"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        // What a replica says of itself may be older than its log; but it stores the vote for another leader before it
        // takes entries from it.
        let leads = replica.leads && replica.stored_vote == Some(replica.vote);
        let (true, Some(last)) = (leads, replica.last) else { return Ok(()) };
        let before = self.last.insert((replica.group, replica.vote.0), last);
        if before.is_some_and(|before| last.index < before.index) {
            return Err(format!("its log went from {before:?} back to {last:?} while it led"));
        }
        let foreign = |id: &&Id| before.is_some_and(|before| id.index <= before.index);
        match replica.new_entries.iter().find(foreign) {
            Some(id) => Err(format!("it led, had {before:?} and replaced an entry by {id:?}")),
            None => Ok(()),
        }
    }
}
