//! What the Redis commands about data mean: arguments to a [`Plan`](super::plan::Plan), and what came back to an answer.
//!
//! Pure, like the store below: no clock, no socket, no cluster. Semantics, answers and error texts are those of Redis
//! 7.0; where one differs, its [`Spec`](spec::Spec) says so, and `docs/redis-commands.md` is made of that.

mod args;
mod bits;
#[cfg(test)]
mod docs;
mod edit;
mod expire;
mod getex;
pub mod glob;
mod incr;
mod keys;
pub mod keyspace;
mod lcs;
mod mset;
mod object;
mod range;
mod set;
pub mod spec;
mod strings;
#[cfg(test)]
mod tests;
mod time;
mod ttl;
mod txn;

use spec::DataCommand;

/// The commands of each family.
const FAMILIES: &[&[DataCommand]] = &[
    strings::COMMANDS,
    set::COMMANDS,
    getex::COMMANDS,
    mset::COMMANDS,
    incr::COMMANDS,
    edit::COMMANDS,
    bits::COMMANDS,
    lcs::COMMANDS,
    keys::COMMANDS,
    expire::COMMANDS,
    ttl::COMMANDS,
    object::COMMANDS,
    keyspace::COMMANDS,
];

/// Every data command.
pub fn commands() -> impl Iterator<Item = &'static DataCommand> {
    FAMILIES.iter().copied().flatten()
}

/// The data command of this name, in whatever case it is written.
pub fn find(name: &[u8]) -> Option<&'static DataCommand> {
    commands().find(|command| command.spec.is_named(name))
}
