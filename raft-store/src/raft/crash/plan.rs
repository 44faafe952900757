//! What is done to the replicas of a node, drawn from a seed.

use crate::power::Chance;

/// One step for one group, as openraft or the node would take it. What does not fit the group's state does nothing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Append committed entries: so many, behind those the log has. Others in their place are truncated first.
    Append(u64),
    /// Append entries that will never be committed.
    Diverge(u64),
    /// Vote in a new term.
    Vote,
    /// Let the log write.
    Flush,
    /// Let the log write, and have nothing to do for a while.
    Rest,
    /// Apply so many more of the entries the log has.
    Apply(u64),
    /// Begin a snapshot.
    Freeze,
    /// Build the one that was begun.
    Build,
    /// Purge what the snapshot holds, but for so many entries.
    Purge(u64),
    /// Install a snapshot that is so far ahead of what was applied.
    Install(u64),
    /// Give up the replica's space.
    Retire,
    /// Sweep the snapshots.
    Sweep,
    /// Rewrite the snapshots' database.
    Rewrite,
}

/// Steps, each with the number of its group.
pub(super) fn plan(groups: u64, steps: u64, chance: &mut Chance) -> Vec<(usize, Step)> {
    (0..steps).map(|_| (chance.below(groups) as usize, step(chance))).collect()
}

fn step(chance: &mut Chance) -> Step {
    match chance.below(40) {
        0..8 => Step::Append(1 + chance.below(5)),
        8..12 => Step::Diverge(1 + chance.below(4)),
        12..14 => Step::Vote,
        14..18 => Step::Flush,
        18 => Step::Rest,
        19..25 => Step::Apply(1 + chance.below(6)),
        25..28 => Step::Freeze,
        28..31 => Step::Build,
        31..34 => Step::Purge(chance.below(3)),
        34..37 => Step::Install(1 + chance.below(8)),
        37 => Step::Retire,
        38 => Step::Sweep,
        _ => Step::Rewrite,
    }
}
