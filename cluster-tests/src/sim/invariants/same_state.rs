//! Identical state at equal log ids: replicas are one deterministic state machine (Schneider, "Implementing Fault-Tolerant
//! Services Using the State Machine Approach", 1990), whatever snapshots they took or got on the way.

use std::collections::BTreeMap;

use super::{Broken, Id, Invariant, Replica};

/// States remembered for each group: more than replicas are ever apart and still look at.
const KEPT_MAX: usize = 4096;

#[derive(Default)]
pub(super) struct SameState {
    digests: BTreeMap<u32, BTreeMap<Id, (u64, u64)>>,
}

impl Invariant for SameState {
    fn name(&self) -> &'static str {
        "same-state"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        let (Some(applied), Some(digest)) = (replica.applied, replica.digest) else { return Ok(()) };
        let kept = self.digests.entry(replica.group).or_default();
        let (known, node) = *kept.entry(applied).or_insert((digest, replica.node));
        if kept.len() > KEPT_MAX {
            kept.pop_first();
        }
        if known == digest {
            return Ok(());
        }
        Err(format!("at {applied:?} its state is {digest:016x}, that of node {node} was {known:016x}"))
    }
}
