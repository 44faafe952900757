//! One owner of a slot: no two groups take the same slot for theirs (`ARCHITECTURE.md`, invariant 8), or a request routed
//! by an outdated table would be answered by the wrong one.

use std::collections::BTreeMap;

use super::{Broken, Invariant, Replica};

#[derive(Default)]
pub(super) struct SlotOwner {
    /// What each group owned after the newest entry that was seen applied.
    owned: BTreeMap<u32, (u64, std::collections::BTreeSet<u16>)>,
}

impl Invariant for SlotOwner {
    fn name(&self) -> &'static str {
        "slot-owner"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        let Some(applied) = replica.applied.map(|id| id.index) else { return Ok(()) };
        let (newest, owned) = self.owned.entry(replica.group).or_default();
        if applied < *newest {
            return Ok(());
        }
        *newest = applied;
        if *owned == replica.slots {
            return Ok(());
        }
        owned.clone_from(&replica.slots);
        let others = self.owned.iter().filter(|(group, _)| **group != replica.group);
        let mut shared = others.filter_map(|(group, (_, slots))| {
            slots.intersection(&replica.slots).next().map(|slot| (*group, *slot))
        });
        match shared.next() {
            Some((group, slot)) => Err(format!("it owns slot {slot}, which group {group} owns as well")),
            None => Ok(()),
        }
    }
}
