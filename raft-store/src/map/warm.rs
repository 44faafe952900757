//! Brings what some commands will look at into the processor's cache, before they are carried out one by one.
//!
//! In a map of gigabytes a look-up waits for memory several times, because each address is read from where the last one
//! led. The steps of one look-up have to wait for each other, but not for those of others: so all commands take their
//! first step, then all take their second one, and the processor waits for many at once (group prefetching: Chen,
//! Ailamaki, Gibbons and Mowry, "Improving hash join performance through prefetching", 2004).
//!
//! Nothing is changed, and no result depends on it.

use super::{At, KeyHash, TtlMap};
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
        let middles = tables.iter().map(|(_, table)| table.middle_hash()).fold(0, KeyHash::max);
        let leaves = tables.iter().filter_map(|(at, table)| Some((at, table.near(at.hash)?)));
        let leaves: Vec<_> = leaves.collect();
        let counts: usize = leaves.iter().map(|(_, leaf)| leaf.count()).sum();
        let found = leaves.iter().filter(|(at, leaf)| leaf.holds(at.hash, at.key)).count();
        // Or else the compiler sees that none of this is of any use.
        std::hint::black_box((middles, counts, found));
    }
}
