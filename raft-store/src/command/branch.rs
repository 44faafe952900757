//! `branch`: compare keys, then carry out one list of commands or the other, with nothing in between; etcd's `Txn`.

use super::{Command, Condition, Rejection, Reply, key, put_key, txn};
use crate::codec::{DecodeError, Decoder, put_varint};
use crate::key::Key;
use crate::limits::TXN_COMMANDS_MAX;
use crate::map::{At, TtlMap};

/// Commands of one group, of which those of one branch are applied together. Answers [`Reply::Branched`]: which branch it
/// was, and one reply for each of its commands; one that is rejected hinders no other.
///
/// Nothing is changed when a slot of any key, of either branch, is not the group's ([`Rejection::NotOwner`]), or when
/// there are more than `TXN_COMMANDS_MAX` comparisons, or commands in a branch ([`Rejection::TooLarge`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// What must hold, all of it, for the first branch.
    pub compared: Vec<(Key, Condition)>,
    /// What to do when it holds: commands with keys only, and no transaction.
    pub then: Vec<Command>,
    /// What to do when it does not.
    pub otherwise: Vec<Command>,
}

impl Branch {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        if self.longest().max(self.compared.len()) > TXN_COMMANDS_MAX {
            return Err(Rejection::TooLarge);
        }
        self.keys().try_for_each(|key| map.admit(At::of(key), Condition::None).map(drop))?;
        let succeeded =
            self.compared.iter().all(|(key, condition)| map.admit(At::of(key), *condition).is_ok());
        let chosen = if succeeded { &self.then } else { &self.otherwise };
        Ok(Reply::Branched { succeeded, replies: txn::carry_out(chosen, map) })
    }

    /// Every key, compared ones first, then those of both branches; one that is named twice comes twice.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        let commands = self.then.iter().chain(&self.otherwise).flat_map(Command::own_keys);
        self.compared.iter().map(|(key, _)| key).chain(commands.flatten())
    }

    /// Number of commands of the longer branch.
    pub(super) fn longest(&self) -> usize {
        self.then.len().max(self.otherwise.len())
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.compared.len() as u64);
        for (key, condition) in &self.compared {
            put_key(out, key);
            condition.put(out);
        }
        for branch in [&self.then, &self.otherwise] {
            put_varint(out, branch.len() as u64);
            branch.iter().for_each(|command| command.put(out));
        }
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        let compared = |input: &mut Decoder| Ok((key(input)?, Condition::read(input)?));
        let compared = (0..input.count()?).map(|_| compared(input)).collect::<Result<_, _>>()?;
        let branch = |input: &mut Decoder| -> Result<Vec<Command>, DecodeError> {
            (0..input.count()?).map(|_| Command::read_keyed(input)).collect()
        };
        Ok(Self { compared, then: branch(input)?, otherwise: branch(input)? })
    }
}
