//! What a process is by its own account, as the invariants take it.

use quorate::node::simulation::{GroupProbe, Role, VoteProbe};
use raft_store::key::Key;
use raft_store::map::SlotSet;
use raft_store::wal::EntryId;

use super::invariants::{Id, Leadership, Members, Replica};
use super::machine::Machine;
use super::process::Process;

/// Bytes of entries read at once when ids of a log are looked at.
const READ_BYTES_MAX: u64 = 1 << 20;

impl Process {
    /// A replica of this process as it is now, without its new entries, its slots and its digest.
    pub(super) fn probe(&self, machine: &Machine, group: u32) -> Option<Replica> {
        let probe = self.node()?.probe(group, false)?;
        Some(Replica { log_failed: self.log().health().is_err(), ..replica(machine, probe) })
    }

    /// A checksum of a replica's whole state.
    pub(super) fn digest(&self, group: u32) -> Option<u64> {
        self.node()?.probe(group, true)?.digest
    }

    /// Slots of clients' keys that a replica takes for its group's, by what it does with the keys.
    pub(super) fn slots(&self, group: u32, keys: &[Key]) -> SlotSet {
        let looked_up = self.node().map(|node| node.looks_up(group, keys)).unwrap_or_default();
        let mut slots = SlotSet::none();
        looked_up.iter().for_each(|key| slots.insert(key.slot()));
        slots
    }

    /// Ids of the entries from `first` to before `end` that a group's log has.
    pub(super) fn log_ids(&self, group: u32, first: u64, end: u64) -> Vec<Id> {
        let mut ids: Vec<Id> = Vec::new();
        let mut next = first;
        // A log that failed shows nothing.
        while let Ok(entries) = self.log().read(group, next, end, READ_BYTES_MAX)
            && let Some(last) = entries.last()
        {
            next = last.id.index + 1;
            ids.extend(entries.iter().map(|entry| id(entry.id)));
        }
        ids
    }
}

fn replica(machine: &Machine, probe: GroupProbe) -> Replica {
    Replica {
        node: machine.number,
        process: machine.starts,
        closings: 0,
        group: probe.group,
        vote: vote(probe.vote),
        log_failed: false,
        stored_vote: probe.stored_vote.map(vote),
        leads: probe.role == Role::Leader,
        purged: probe.purged.map(id),
        last: probe.last.map(id),
        new_entries: Vec::new(),
        before_new: None,
        committed: probe.committed.map(id),
        applied: probe.applied.map(id),
        snapshot: probe.snapshot.map(id),
        members: Members { at: probe.members.set_by.map(id), voters: probe.members.voters },
        time_ms: probe.time_ms,
        version: probe.version,
        digest: None,
        slots: SlotSet::none(),
    }
}

fn id(id: EntryId) -> Id {
    Id { by: Leadership { term: id.term, node: id.node }, index: id.index }
}

fn vote(vote: VoteProbe) -> (Leadership, bool) {
    (Leadership { term: vote.term, node: vote.node }, vote.committed)
}
