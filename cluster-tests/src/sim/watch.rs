//! Looks at every replica after every tick and shows those that changed to the invariants.

use std::collections::BTreeMap;

use raft_store::key::Key;

use super::cluster::Cluster;
use super::invariants::{Id, Invariants, Replica};
use super::machine::Machine;
use super::outcome::Violation;
use super::plan::Plan;
use super::{ask, keys};

/// Entries of a log that are compared at once, backwards, until a known one is found.
const STRIDE: u64 = 64;
/// Entries remembered of each log.
const KEPT_MAX: usize = 4096;

/// What is remembered of one replica.
#[derive(Default)]
struct Known {
    /// As it was last shown, without its new entries.
    shown: Option<Replica>,
    /// Ids of its log's entries, by index.
    ids: BTreeMap<u64, Id>,
    /// How often it was found closed in a process that runs.
    closings: u64,
    /// Whether it was when last looked at.
    closed: bool,
}

/// Shows replicas to invariants.
#[derive(Default)]
pub(super) struct Watch {
    invariants: Invariants,
    known: BTreeMap<(u64, u32), Known>,
    /// Keys by which it is found out whose a slot is.
    keys: Vec<Key>,
}

impl Watch {
    /// Knows nothing yet.
    pub(super) fn new(plan: &Plan) -> Self {
        let names = keys::all(plan).into_iter().chain(keys::for_each_group(plan.groups));
        Self { keys: names.map(|name| ask::key(&name)).collect(), ..Self::default() }
    }

    /// Looks at every replica of every node that runs.
    pub(super) fn look(&mut self, cluster: &Cluster) -> Result<(), Violation> {
        for machine in cluster.machines.values().filter(|machine| machine.runs()) {
            for group in 0..=cluster.plan.groups {
                self.look_at(machine, group)?;
            }
        }
        Ok(())
    }

    fn look_at(&mut self, machine: &Machine, group: u32) -> Result<(), Violation> {
        let known = self.known.entry((machine.number, group)).or_default();
        let Some(mut replica) = machine.probe(group) else {
            known.closings += u64::from(!known.closed);
            known.closed = true;
            return Ok(());
        };
        known.closed = false;
        replica.closings = known.closings;
        let shown = known.shown.as_ref();
        // The state is costly to sum up, so it is done once for each entry that is seen applied.
        let moved = shown.is_none_or(|shown| shown.applied != replica.applied);
        if let Some(shown) = shown.filter(|_| !moved) {
            (replica.digest, replica.slots) = (shown.digest, shown.slots.clone());
        }
        if shown == Some(&replica) {
            return Ok(());
        }
        if moved {
            replica.digest = machine.digest(group);
            replica.slots = machine.slots(group, &self.keys);
        }
        if shown.is_none_or(|shown| (shown.process, shown.last) != (replica.process, replica.last)) {
            (replica.before_new, replica.new_entries) = known.new_entries(machine, &replica);
        }
        let broken = self.invariants.see(&replica);
        known.shown = Some(Replica { new_entries: Vec::new(), before_new: None, ..replica });
        broken.map_err(|(kind, detail)| Violation::new(kind, detail))
    }
}

impl Known {
    /// Entries of a log that were not in it when it was last looked at, and the one before them.
    fn new_entries(&mut self, machine: &Machine, replica: &Replica) -> (Option<Id>, Vec<Id>) {
        let last = replica.last.map_or(0, |id| id.index);
        self.ids.split_off(&(last + 1));
        let first = replica.purged.map_or(0, |id| id.index + 1);
        let mut from = self.ids.last_key_value().map_or(first, |(index, _)| *index).max(first);
        loop {
            let ids = machine.log_ids(replica.group, from, last + 1);
            let same = ids.iter().take_while(|id| self.ids.get(&id.index) == Some(id)).count();
            if same == 0 && from > first {
                from = from.saturating_sub(STRIDE).max(first);
                continue;
            }
            let (known, new) = ids.split_at(same);
            self.ids.extend(new.iter().map(|id| (id.index, *id)));
            while self.ids.len() > KEPT_MAX {
                self.ids.pop_first();
            }
            return (known.last().copied(), new.to_vec());
        }
    }
}
