//! What a command of the store needs of whoever sends it. The match is exhaustive: a new command is not carried out for
//! anybody before it says here what it does.
//!
//! As Redis judges its own commands: who writes needs to be allowed to write; what tells of a value that was there needs
//! to be allowed to read as well (`INCR`, `SETBIT`, `GETSET`); lengths, and whether a key was there, may be told.

use raft_store::command::{Branch, Command, Txn};
use raft_store::key::Key;

use super::{Grant, Verb};

/// Whether `grant` allows everything a command does, in every branch it could take.
pub(super) fn permits(grant: &Grant, command: &Command) -> bool {
    let read = |key: &Key| grant.allows_key(Verb::Read, key);
    let write = |key: &Key| grant.allows_key(Verb::Write, key);
    match command {
        Command::Get(c) => read(&c.key),
        Command::Set(c) => write(&c.key),
        Command::Delete(c) => write(&c.key),
        Command::Touch(c) => write(&c.key),
        Command::Persist(c) => write(&c.key),
        Command::Expire(c) => write(&c.key),
        Command::Append(c) => write(&c.key),
        Command::SetRange(c) => write(&c.key),
        Command::Incr(c) => read(&c.key) && write(&c.key),
        Command::IncrFloat(c) => read(&c.key) && write(&c.key),
        Command::SetBit(c) => read(&c.key) && write(&c.key),
        Command::Rename(c) => read(&c.from) && write(&c.from) && write(&c.to),
        Command::Copy(c) => read(&c.from) && write(&c.to),
        Command::Txn(txn) => permits_txn(grant, txn),
        Command::Branch(branch) => permits_branch(grant, branch),
        Command::AssignSlots(_) | Command::Flush(_) => grant.allows_cluster(Verb::Admin),
    }
}

/// A version that must hold tells next to nothing of the key, so either right will do.
fn permits_txn(grant: &Grant, txn: &Txn) -> bool {
    let known = |key: &Key| grant.allows_key(Verb::Read, key) || grant.allows_key(Verb::Write, key);
    txn.watched.iter().all(|(key, _)| known(key)) && txn.commands.iter().all(|c| permits(grant, c))
}

/// A comparison tells what it finds.
fn permits_branch(grant: &Grant, branch: &Branch) -> bool {
    let mut commands = branch.then.iter().chain(&branch.otherwise);
    branch.compared.iter().all(|(key, _)| grant.allows_key(Verb::Read, key))
        && commands.all(|command| permits(grant, command))
}
