//! Leader completeness: "if a log entry is committed in a given term, then that entry will be present in the logs of the
//! leaders for all higher-numbered terms" (Ongaro and Ousterhout 2014, figure 3).

use std::collections::{BTreeMap, BTreeSet};

use super::{Broken, Id, Invariant, Leadership, Replica};

#[derive(Default)]
pub(super) struct LeaderCompleteness {
    /// The newest entry known to be committed in each group, and under which leaderships.
    committed: BTreeMap<u32, Id>,
    /// Leaderships that were looked at as they began.
    seen: BTreeSet<(u32, Leadership)>,
}

impl Invariant for LeaderCompleteness {
    fn name(&self) -> &'static str {
        "leader-completeness"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        let known = self.committed.get(&replica.group).copied();
        if replica.leads && self.seen.insert((replica.group, replica.vote.0)) {
            let lacks = known.is_some_and(|known| {
                // What was committed under a later leadership says nothing about this one.
                known.by < replica.vote.0 && replica.last.is_none_or(|last| last.index < known.index)
            });
            if lacks {
                return Err(format!("it begins to lead with {:?}, but {known:?} is committed", replica.last));
            }
        }
        let newest = known.into_iter().chain(replica.committed).max_by_key(|id| id.index);
        self.committed.extend(newest.map(|newest| (replica.group, newest)));
        Ok(())
    }
}
