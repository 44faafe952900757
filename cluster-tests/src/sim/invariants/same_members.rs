//! An entry that changes members says the same in every log: log matching (Ongaro and Ousterhout 2014, figure 3) is about
//! what entries hold, not about their ids alone. Were it to leave out the joint step in some logs, the next leader would
//! count other majorities than the one before it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Broken, Id, Invariant, Replica};

#[derive(Default)]
pub(super) struct SameMembers {
    /// The voters that each entry sets.
    set: BTreeMap<(u32, Id), Vec<BTreeSet<u64>>>,
}

impl Invariant for SameMembers {
    fn name(&self) -> &'static str {
        "same-members"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        let Some(at) = replica.members.at else { return Ok(()) };
        let voters = &replica.members.voters;
        let known = self.set.entry((replica.group, at)).or_insert_with(|| voters.clone());
        if known == voters {
            return Ok(());
        }
        Err(format!("{at:?} makes {voters:?} the voters; elsewhere it made {known:?}"))
    }
}
