//! `txn`: commands applied together with nothing between them, under an optimistic lock, as Redis's WATCH, MULTI and
//! EXEC do.
//!
//! The lock is all or nothing, the commands are not: one that is rejected hinders no other and undoes nothing.

use super::{Command, Condition, Rejection, Reply, key, put_key};
use crate::codec::{DecodeError, Decoder, put_option, put_u64, put_varint};
use crate::key::Key;
use crate::limits::{TXN_COMMANDS_MAX, TXN_FOUND_BYTES_MAX};
use crate::map::{At, TtlMap};

/// Commands of one group, applied together. Answers [`Reply::Many`]: one reply for each command, in order.
///
/// Nothing is changed when a slot of any key is not the group's ([`Rejection::NotOwner`]), when a watched key has
/// another version ([`Rejection::VersionMismatch`] with the version of the first such key), or when there are more than
/// `TXN_COMMANDS_MAX` commands or watched keys ([`Rejection::TooLarge`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Txn {
    /// The versions keys must have; `None`: the key is absent or expired.
    pub watched: Vec<(Key, Option<u64>)>,
    /// What to do: commands with keys only, and no transaction.
    pub commands: Vec<Command>,
}

impl Txn {
    pub(super) fn apply(&self, map: &mut TtlMap) -> Result<Reply, Rejection> {
        if self.commands.len().max(self.watched.len()) > TXN_COMMANDS_MAX {
            return Err(Rejection::TooLarge);
        }
        self.keys().try_for_each(|key| map.admit(At::of(key), Condition::None).map(drop))?;
        self.check_watched(map)?;
        Ok(Reply::Many(carry_out(&self.commands, map)))
    }

    /// Every key, watched ones first; one that is named twice comes twice.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        let commands = self.commands.iter().flat_map(Command::own_keys);
        self.watched.iter().map(|(key, _)| key).chain(commands.flatten())
    }

    fn check_watched(&self, map: &TtlMap) -> Result<(), Rejection> {
        for (key, expected) in &self.watched {
            let found = map.admit(At::of(key), Condition::None)?;
            let current = found.map(|found| found.record.stamp.version);
            if current != *expected {
                return Err(Rejection::VersionMismatch { current });
            }
        }
        Ok(())
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.watched.len() as u64);
        for (key, version) in &self.watched {
            put_key(out, key);
            put_option(out, *version, put_u64);
        }
        put_varint(out, self.commands.len() as u64);
        self.commands.iter().for_each(|command| command.put(out));
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        let watched = |input: &mut Decoder| Ok((key(input)?, input.option(Decoder::u64)?));
        let watched = (0..input.count()?).map(|_| watched(input)).collect::<Result<_, _>>()?;
        let commands = (0..input.count()?).map(|_| Command::read_keyed(input)).collect::<Result<_, _>>()?;
        Ok(Self { watched, commands })
    }
}

/// Applies commands in order, each on what those before it left.
pub(super) fn carry_out(commands: &[Command], map: &mut TtlMap) -> Vec<Reply> {
    let mut found_bytes = 0;
    commands.iter().map(|command| bounded(command.apply(map), &mut found_bytes)).collect()
}

/// The reply, unless the values found so far are more than one answer may hold.
fn bounded(reply: Reply, found_bytes: &mut usize) -> Reply {
    if let Reply::Found(Some(entry)) = &reply {
        *found_bytes += entry.value.len();
        if *found_bytes > TXN_FOUND_BYTES_MAX {
            return Reply::Rejected(Rejection::TooLarge);
        }
    }
    reply
}
