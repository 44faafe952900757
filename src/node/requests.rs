//! Many reads or writes at once: sorted by group, carried out side by side, answered in the order asked.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::time::Duration;

use raft_store::GroupId;
use raft_store::command::{Command, Rejection, Replies, Reply};
use raft_store::key::Key;
use raft_store::map::Lookup;
use tokio::time::Instant;

use super::chunks::chunks;
use super::peer::{Looked, ReadKeys};
use super::{Consistency, Inner, Read, ReadOk, WriteOk};
use crate::error::{Error, ErrorKind, Result};
use crate::group::Batch;
use crate::limits::{NO_LEADER_RETRY_AFTER_MS, READ_BATCH_BYTES_MAX, ROUTE_PAUSE};

/// Places of requests in the order asked, by what they can travel with.
type Places<K> = BTreeMap<K, Vec<usize>>;

impl Inner {
    /// The group of a key by this node's slot table.
    pub(super) fn group_of(&self, key: &Key) -> Result<GroupId> {
        let slot = key.slot();
        self.member_doc()?.group_of(slot).ok_or_else(|| {
            Error::not_applied(ErrorKind::NotReady, format!("slot {slot} belongs to no group"))
        })
    }

    /// Writes. Commands of one group keep their order; one that meets an outdated slot table goes out again.
    pub(super) async fn write_many(&self, commands: &[Command], deadline: Instant) -> Vec<Result<WriteOk>> {
        let mut answers: Vec<Option<Result<WriteOk>>> = Vec::new();
        if let Some(group) = self.only_group(commands) {
            let replies = self.write_in_order(group, commands, deadline).await;
            if !replies.iter().any(is_not_owned) {
                return replies.into_iter().map(|reply| reply.map(|done| written(group, done))).collect();
            }
            answers = replies.into_iter().map(|reply| settle(group, reply, deadline)).collect();
            if answers.iter().all(Option::is_some) {
                return answers.into_iter().flatten().collect();
            }
            tokio::time::sleep(ROUTE_PAUSE).await;
        }
        answers.resize(commands.len(), None);
        loop {
            let places = self.places_of(commands, &mut answers);
            let rounds = places.into_iter().map(|(group, places)| {
                let chosen: Vec<&Command> = places.iter().map(|&place| &commands[place]).collect();
                async move { (group, places, self.write_in_order(group, &chosen, deadline).await) }
            });
            for (group, places, replies) in futures_util::future::join_all(rounds).await {
                places.into_iter().zip(replies).for_each(|(place, reply)| {
                    answers[place] = settle(group, reply, deadline);
                });
            }
            if answers.iter().all(Option::is_some) {
                return answers.into_iter().flatten().collect();
            }
            tokio::time::sleep(ROUTE_PAUSE).await;
        }
    }

    /// The group of all keys of all commands, if it is one: as with single writes, there is nothing to sort then.
    fn only_group(&self, commands: &[Command]) -> Option<GroupId> {
        let doc = self.doc()?;
        let group_of = |command: &Command| only(command.keys().map(|key| doc.group_of(key.slot())))?;
        only(commands.iter().map(group_of))?
    }

    /// Places of the commands without an answer, by group; answers those that have no group.
    fn places_of(&self, commands: &[Command], answers: &mut [Option<Result<WriteOk>>]) -> Places<GroupId> {
        let mut places = Places::new();
        for (place, command) in commands.iter().enumerate() {
            if answers[place].is_some() {
                continue;
            }
            match self.group_of_all(command.keys()) {
                Ok(group) => places.entry(group).or_default().push(place),
                Err(error) => answers[place] = Some(Err(error)),
            }
        }
        places
    }

    /// The one group of all keys of a command; `cross-group` when there are several.
    fn group_of_all<'a>(&self, mut keys: impl Iterator<Item = &'a Key>) -> Result<GroupId> {
        let first =
            keys.next().ok_or_else(|| Error::not_applied(ErrorKind::BadRequest, "the command has no key"))?;
        let group = self.group_of(first)?;
        for key in keys {
            let other = self.group_of(key)?;
            if other != group {
                let detail = format!(
                    "keys are in groups {group} and {other}; a common hash tag, as in {{tag}}key, keeps keys together"
                );
                return Err(Error::not_applied(ErrorKind::CrossGroup, detail));
            }
        }
        Ok(group)
    }

    async fn write_in_order<C: Borrow<Command>>(
        &self,
        group: GroupId,
        commands: &[C],
        deadline: Instant,
    ) -> Vec<Result<(u64, Reply)>> {
        let mut all: Vec<Result<(u64, Reply)>> = Vec::with_capacity(commands.len());
        for chunk in chunks(commands) {
            // What did not find its group yet goes out again, and what comes behind it must not overtake it.
            if all.last().is_some_and(is_not_owned) {
                all.extend(chunk.iter().map(|_| Ok((0, Reply::Rejected(Rejection::NotOwner)))));
                continue;
            }
            match self.write_group(group, Batch::new(chunk), deadline).await {
                Ok(Replies { replies, .. }) if replies.len() != chunk.len() => {
                    let detail = format!("{} replies came to {} commands", replies.len(), chunk.len());
                    let error = Error::unknown(ErrorKind::Internal, detail).group(group);
                    all.extend(chunk.iter().map(|_| Err(error.clone())));
                }
                Ok(Replies { time_ms, replies }) => {
                    all.extend(replies.into_iter().map(|reply| Ok((time_ms, reply))))
                }
                Err(error) => all.extend(chunk.iter().map(|_| Err(error.clone()))),
            }
        }
        all
    }

    /// Reads, those of one group and consistency together.
    pub(super) async fn read_many(&self, reads: &[Read], deadline: Instant) -> Vec<Result<ReadOk>> {
        let mut answers: Vec<Option<Result<ReadOk>>> = Vec::new();
        if let Some((group, consistency)) = self.only_kind(reads) {
            let keys = reads.iter().map(|read| read.key.clone()).collect();
            let looked = self.read_keys(group, consistency, keys, deadline).await;
            answers = reads
                .iter()
                .enumerate()
                .map(|(at, read)| found(group, read, &looked, at, deadline))
                .collect();
            if answers.iter().all(Option::is_some) {
                return answers.into_iter().flatten().collect();
            }
            tokio::time::sleep(ROUTE_PAUSE).await;
        }
        answers.resize(reads.len(), None);
        loop {
            refuse_if_full(&mut answers);
            let mut places: Places<(GroupId, u8)> = Places::new();
            for (place, read) in reads.iter().enumerate() {
                if answers[place].is_some() {
                    continue;
                }
                match self.group_of(&read.key) {
                    Ok(group) => places.entry((group, read.consistency as u8)).or_default().push(place),
                    Err(error) => answers[place] = Some(Err(error.without_outcome())),
                }
            }
            let rounds = places.into_iter().map(|((group, _), places)| {
                let consistency = reads[places[0]].consistency;
                let keys = places.iter().map(|&place| reads[place].key.clone()).collect();
                async move { (group, places, self.read_keys(group, consistency, keys, deadline).await) }
            });
            for (group, places, looked) in futures_util::future::join_all(rounds).await {
                for (at, place) in places.into_iter().enumerate() {
                    answers[place] = found(group, &reads[place], &looked, at, deadline);
                }
            }
            if answers.iter().all(Option::is_some) {
                return answers.into_iter().flatten().collect();
            }
            tokio::time::sleep(ROUTE_PAUSE).await;
        }
    }

    /// Group and consistency of all reads, if they are of one kind: there is nothing to sort then.
    fn only_kind(&self, reads: &[Read]) -> Option<(GroupId, Consistency)> {
        let doc = self.doc()?;
        let kinds = reads.iter().map(|read| (doc.group_of(read.key.slot()), read.consistency));
        let (group, consistency) = only(kinds)?;
        Some((group?, consistency))
    }

    async fn read_keys(
        &self,
        group: GroupId,
        consistency: Consistency,
        keys: Vec<Key>,
        deadline: Instant,
    ) -> Result<Looked> {
        let timeout_ms = deadline.saturating_duration_since(Instant::now()).as_millis() as u64;
        self.read_group(ReadKeys { group, consistency, timeout_ms, keys }, deadline).await
    }
}

/// The item there is, if all are equal.
fn only<T: PartialEq>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.all(|other| other == first).then_some(first)
}

/// Ends a batch whose answers hold as much as they may: what has no answer yet gets none.
fn refuse_if_full(answers: &mut [Option<Result<ReadOk>>]) {
    let held = answers.iter().flatten().flatten().filter_map(|read| Some(read.entry.as_ref()?.value.len()));
    if held.sum::<usize>() < READ_BATCH_BYTES_MAX {
        return;
    }
    let detail =
        format!("the answers before this one hold {READ_BATCH_BYTES_MAX} bytes; ask for fewer keys at once");
    let full = Error::of_read(ErrorKind::TooLarge, detail);
    answers.iter_mut().filter(|answer| answer.is_none()).for_each(|answer| *answer = Some(Err(full.clone())));
}

/// Whether a group did not own the slot of a command's keys.
fn is_not_owned(reply: &Result<(u64, Reply)>) -> bool {
    matches!(reply, Ok((_, Reply::Rejected(Rejection::NotOwner))))
}

fn written(group: GroupId, (time_ms, reply): (u64, Reply)) -> WriteOk {
    WriteOk { group, time_ms, reply }
}

/// What a reply means; `None`: the group did not own the slot, and there is time to ask the one that does.
fn settle(group: GroupId, reply: Result<(u64, Reply)>, deadline: Instant) -> Option<Result<WriteOk>> {
    if is_not_owned(&reply) {
        return moving(group, deadline).map(Err);
    }
    Some(reply.map(|done| written(group, done)))
}

fn found(
    group: GroupId,
    read: &Read,
    looked: &Result<Looked>,
    at: usize,
    deadline: Instant,
) -> Option<Result<ReadOk>> {
    let looked = match looked {
        Ok(looked) => looked,
        Err(error) => return Some(Err(error.clone())),
    };
    let staleness = looked.staleness_ms.map(Duration::from_millis);
    if read.consistency == Consistency::Local
        && let Some(allowed) = read.max_staleness
        && staleness.is_none_or(|staleness| staleness > allowed)
    {
        let behind =
            staleness.map_or("any time".to_owned(), |staleness| format!("{} ms", staleness.as_millis()));
        let detail = format!("this replica may be {behind} behind, {} ms are allowed", allowed.as_millis());
        let error = Error::of_read(ErrorKind::TooStale, detail).group(group);
        return Some(Err(error.retry_after_ms(NO_LEADER_RETRY_AFTER_MS)));
    }
    let entry = match looked.lookups.found.get(at) {
        Some(Lookup::Hit(entry)) => Some(entry.clone()),
        Some(Lookup::Miss) => None,
        Some(Lookup::NotOwner) => return moving(group, deadline).map(|error| Err(error.without_outcome())),
        // The answer was full: this key is asked for again.
        None => return None,
    };
    Some(Ok(ReadOk {
        group,
        entry,
        time_ms: looked.lookups.time_ms,
        consistency: read.consistency,
        staleness_ms: looked.staleness_ms,
    }))
}

pub(super) fn moving(group: GroupId, deadline: Instant) -> Option<Error> {
    let detail = format!("group {group} does not own the key's slot yet or any more");
    let error = Error::not_applied(ErrorKind::Moving, detail).group(group);
    (Instant::now() + ROUTE_PAUSE >= deadline).then(|| error.retry_after_ms(NO_LEADER_RETRY_AFTER_MS))
}

#[cfg(test)]
mod tests;
