//! Which keys a command is about.

use super::Command;
use crate::key::Key;

impl Command {
    /// The first key the command is about; `None` for commands about the group itself.
    pub fn key(&self) -> Option<&Key> {
        self.keys().next()
    }

    /// Every key the command is about: all of them must be the group's. A key may come more than once. None for commands
    /// about the group itself.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        let own = self.own_keys().into_iter().flatten();
        let txn = if let Self::Txn(txn) = self { Some(txn) } else { None };
        let branch = if let Self::Branch(branch) = self { Some(branch) } else { None };
        own.chain(txn.into_iter().flat_map(|txn| txn.keys())).chain(branch.into_iter().flat_map(|b| b.keys()))
    }

    /// The keys of a command that holds no others.
    pub(super) fn own_keys(&self) -> [Option<&Key>; 2] {
        match self {
            Self::Set(c) => [Some(&c.key), None],
            Self::Delete(c) => [Some(&c.key), None],
            Self::Touch(c) => [Some(&c.key), None],
            Self::Persist(c) => [Some(&c.key), None],
            Self::Incr(c) => [Some(&c.key), None],
            Self::Append(c) => [Some(&c.key), None],
            Self::Get(c) => [Some(&c.key), None],
            Self::Expire(c) => [Some(&c.key), None],
            Self::SetRange(c) => [Some(&c.key), None],
            Self::SetBit(c) => [Some(&c.key), None],
            Self::IncrFloat(c) => [Some(&c.key), None],
            Self::Rename(c) => [Some(&c.from), Some(&c.to)],
            Self::Copy(c) => [Some(&c.from), Some(&c.to)],
            Self::AssignSlots(_) | Self::Flush(_) | Self::Txn(_) | Self::Branch(_) => [None, None],
        }
    }

    /// For how many commands it counts when due keys are removed: so many keys it may create.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Txn(txn) => txn.commands.len().max(1),
            Self::Branch(branch) => branch.longest().max(1),
            _ => 1,
        }
    }
}
