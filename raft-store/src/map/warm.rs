//! Brings what some commands will look at into the processor's cache, before they are carried out one by one.
//!
//! In a map of gigabytes a look-up waits for memory several times, because each address is read from where the last one
//! led. The steps of one look-up have to wait for each other, but not for those of others: so all commands take their
//! first step, then all take their second one, and the processor waits for many at once (group prefetching: Chen,
//! Ailamaki, Gibbons and Mowry, "Improving hash join performance through prefetching", 2004).
//!
//! No step decides anything by what it reads, keys above all: a guess that turns out wrong would have the processor drop
//! what it has begun for the commands behind. Nothing is changed, and no result depends on it.

use super::{At, TtlMap};
use crate::command::Command;

/// Commands whose steps are taken together: more than the processor can wait for at once, and so few that all they
/// brought in is still there when the last one is carried out.
pub(super) const WARMED_AT_ONCE: usize = 32;
/// Fewer commands are carried out as they are.
const WARMED_MIN: usize = 4;

impl TtlMap {
    /// Takes each step of the look-ups of all `commands`, at most [`WARMED_AT_ONCE`] of them.
    pub(super) fn warm(&self, commands: &[Command]) {
        if commands.len() < WARMED_MIN {
            return;
        }
        let places = commands.iter().filter_map(Command::key).map(At::of);
        let tables: Vec<_> = places.filter_map(|at| Some((at, self.state.slots.table(at.slot)?))).collect();
        let roots = tables.iter().fold(0, |all, (_, table)| all ^ table.root_hashes());
        let leaves = tables.iter().filter_map(|(at, table)| Some((at.hash, table.near(at.hash)?)));
        let leaves: Vec<_> = leaves.collect();
        let counts: usize = leaves.iter().map(|(_, leaf)| leaf.count()).sum();
        let records: Vec<_> = leaves.iter().map(|(hash, leaf)| (leaf, leaf.guess(*hash))).collect();
        let starts: usize = records.iter().map(|(leaf, at)| leaf.start(*at)).sum();
        let edges = records.iter().filter_map(|(leaf, at)| leaf.edges(*at));
        let edges = edges.fold(0, |all, (first, last)| all ^ first ^ last);
        // Or else the compiler sees that none of this is of any use.
        std::hint::black_box((roots, counts, starts, edges));
    }
}
