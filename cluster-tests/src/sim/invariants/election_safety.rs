//! Election safety: "at most one leader can be elected in a given term" (Ongaro and Ousterhout, "In Search of an
//! Understandable Consensus Algorithm", 2014, figure 3).
//!
//! Quorate orders votes of one term by node, so what is elected at most once is a leadership: a term with a node.
//! Nobody leads under another's, and a process that starts again does not go on with the one it had before:
//! it may have forgotten what was committed under it.

use std::collections::BTreeMap;

use super::{Broken, Invariant, Leadership, Replica};

#[derive(Default)]
pub(super) struct ElectionSafety {
    /// Which process of its node led.
    leaders: BTreeMap<(u32, Leadership), u64>,
}

impl Invariant for ElectionSafety {
    fn name(&self) -> &'static str {
        "election-safety"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        if !replica.leads {
            return Ok(());
        }
        let (leadership, confirmed) = replica.vote;
        if leadership.node != replica.node || !confirmed {
            return Err(format!("it leads by the vote {:?}", replica.vote));
        }
        let process = *self.leaders.entry((replica.group, leadership)).or_insert(replica.process);
        if process != replica.process {
            return Err(format!("processes {process} and {} both led in {leadership:?}", replica.process));
        }
        Ok(())
    }
}
