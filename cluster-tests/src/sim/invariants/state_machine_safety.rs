//! State machine safety: "if a server has applied a log entry at a given index to its state machine, no other server will ever
//! apply a different log entry for the same index" (Ongaro and Ousterhout 2014, figure 3); and the same of what a server
//! knows to be committed.

use std::collections::BTreeMap;

use super::{Broken, Id, Invariant, Leadership, Replica};

#[derive(Default)]
pub(super) struct StateMachineSafety {
    /// Who appended what stands at each index for good.
    chosen: BTreeMap<(u32, u64), Leadership>,
    /// How far each process has come, from when it opened the replica until it closes it.
    applied: BTreeMap<(u32, u64, u64, u64), u64>,
}

impl StateMachineSafety {
    fn choose(&mut self, group: u32, id: Option<Id>, what: &str) -> Broken {
        let Some(id) = id else { return Ok(()) };
        let by = *self.chosen.entry((group, id.index)).or_insert(id.by);
        if by == id.by {
            return Ok(());
        }
        Err(format!("it has {what} {id:?}; elsewhere the entry of {by:?} was chosen there"))
    }
}

impl Invariant for StateMachineSafety {
    fn name(&self) -> &'static str {
        "state-machine-safety"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        self.choose(replica.group, replica.applied, "applied")?;
        self.choose(replica.group, replica.committed, "committed")?;
        let Some(now) = replica.applied.map(|id| id.index) else { return Ok(()) };
        let place = (replica.group, replica.node, replica.process, replica.closings);
        let before = self.applied.insert(place, now);
        if before.is_some_and(|before| now < before) {
            return Err(format!("it had applied {before:?} and has now applied {now}"));
        }
        Ok(())
    }
}
