//! What must hold at every moment of a simulation, one file each with where it is stated.
//!
//! After each tick every replica that changed is looked at ([`Replica`]); each invariant keeps of what it saw just what
//! it needs. They look at real nodes from outside, so none of them can be satisfied by a node that is wrong about itself.

mod election_safety;
mod joint_members;
mod leader_append_only;
mod leader_completeness;
mod log_matching;
mod same_members;
mod same_state;
mod slot_owner;
mod snapshot_covers_purge;
mod state_machine_safety;
#[cfg(test)]
mod tests;
mod time_and_versions;
mod votes_kept;

use std::collections::BTreeSet;

use raft_store::map::SlotSet;

/// Where an entry came from, as Raft numbers leaderships: term, then node, since here votes of one term are ordered by node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leadership {
    /// Its term.
    pub term: u64,
    /// Who leads.
    pub node: u64,
}

/// The id of a log entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// Who appended it first.
    pub by: Leadership,
    /// Its place in the log.
    pub index: u64,
}

/// A group's members as a replica has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Members {
    /// The entry that says so; `None`: none does.
    pub at: Option<Id>,
    /// Sets of voters of which each must agree by majority: two while members change.
    pub voters: Vec<BTreeSet<u64>>,
}

/// One replica at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Where it is.
    pub node: u64,
    /// The how manieth process there it belongs to.
    pub process: u64,
    /// How often the replica was closed before: one that left its group and is taken in again begins anew.
    pub closings: u64,
    /// Its group.
    pub group: u32,
    /// The newest vote it holds, and whether a quorum confirmed it.
    pub vote: (Leadership, bool),
    /// Whether its log has failed: it shows no votes and no entries any more, and its process is about to end.
    pub log_failed: bool,
    /// The newest vote its disk has.
    pub stored_vote: Option<(Leadership, bool)>,
    /// Whether it leads.
    pub leads: bool,
    /// The last entry its log let go of.
    pub purged: Option<Id>,
    /// Its last entry.
    pub last: Option<Id>,
    /// Entries of its log that were not seen in it before, in order.
    pub new_entries: Vec<Id>,
    /// The entry before those, if its log has that.
    pub before_new: Option<Id>,
    /// The last entry it knows to be committed.
    pub committed: Option<Id>,
    /// The last entry it applied.
    pub applied: Option<Id>,
    /// The last entry in its current snapshot.
    pub snapshot: Option<Id>,
    /// Its newest configuration.
    pub members: Members,
    /// Group time, ms.
    pub time_ms: u64,
    /// The group's mutation counter.
    pub version: u64,
    /// Checksum of everything replicated, where it was computed.
    pub digest: Option<u64>,
    /// Slots it takes for the group's.
    pub slots: SlotSet,
}

/// What an invariant found.
pub(super) type Broken = Result<(), String>;

/// One invariant.
pub(super) trait Invariant {
    /// Its name.
    fn name(&self) -> &'static str;
    /// Looks at a replica that changed.
    fn see(&mut self, replica: &Replica) -> Broken;
}

/// All invariants.
pub(super) struct Invariants(Vec<Box<dyn Invariant>>);

impl Default for Invariants {
    fn default() -> Self {
        Self(vec![
            Box::<election_safety::ElectionSafety>::default(),
            Box::<leader_append_only::LeaderAppendOnly>::default(),
            Box::<log_matching::LogMatching>::default(),
            Box::<leader_completeness::LeaderCompleteness>::default(),
            Box::<state_machine_safety::StateMachineSafety>::default(),
            Box::<same_state::SameState>::default(),
            Box::<votes_kept::VotesKept>::default(),
            Box::<time_and_versions::TimeAndVersions>::default(),
            Box::<snapshot_covers_purge::SnapshotCoversPurge>::default(),
            Box::<joint_members::JointMembers>::default(),
            Box::<same_members::SameMembers>::default(),
            Box::<slot_owner::SlotOwner>::default(),
        ])
    }
}

impl Invariants {
    /// Shows a replica that changed to all of them; the first that is broken, and how.
    pub(super) fn see(&mut self, replica: &Replica) -> Result<(), (&'static str, String)> {
        for invariant in &mut self.0 {
            invariant.see(replica).map_err(|how| {
                let Replica { node, group, .. } = replica;
                (invariant.name(), format!("group {group} on node {node}: {how}"))
            })?;
        }
        Ok(())
    }
}
