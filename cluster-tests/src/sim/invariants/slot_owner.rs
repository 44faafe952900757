//! One owner of a slot: no two groups take the same slot for theirs (`ARCHITECTURE.md`, invariant 8), or a request routed
//! by an outdated table would be answered by the wrong one.

use std::collections::BTreeMap;

use raft_store::map::SlotSet;

use super::{Broken, Invariant, Replica};

/// Group 0.
const META_GROUP: u32 = 0;

#[derive(Default)]
pub(super) struct SlotOwner {
    /// What each group owned after the newest entry that was seen applied.
    owned: BTreeMap<u32, (u64, SlotSet)>,
}

impl Invariant for SlotOwner {
    fn name(&self) -> &'static str {
        "slot-owner"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        let Some(applied) = replica.applied.map(|id| id.index) else { return Ok(()) };
        // The meta group holds the cluster's own document, and no client's key.
        if replica.group == META_GROUP {
            return Ok(());
        }
        if self.owned.get(&replica.group).is_some_and(|(newest, _)| applied < *newest) {
            return Ok(());
        }
        let before = self.owned.insert(replica.group, (applied, replica.slots.clone()));
        if before.is_some_and(|(_, slots)| slots == replica.slots) {
            return Ok(());
        }
        let others = self.owned.iter().filter(|(group, _)| **group != replica.group);
        let mut shared = others.filter_map(|(group, (_, slots))| {
            slots.iter().find(|&slot| replica.slots.contains(slot)).map(|slot| (*group, slot))
        });
        match shared.next() {
            Some((group, slot)) => Err(format!("it owns slot {slot}, which group {group} owns as well")),
            None => Ok(()),
        }
    }
}
