//! openraft's log storage for one group, on the node's shared log.
//!
//! Translates types and nothing more: the contract (readable on return, reported after the sync, in
//! order) is kept by [`crate::wal`]. Entries that are no longer in memory are read from disk on a thread that may
//! block; reads that may be long are cut into parts of [`READ_BYTES_MAX`].

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use openraft::OptionalSend;
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};
use openraft::vote::RaftLeaderId as _;
use tokio::sync::watch;

use super::messages::{membership, put_membership, put_vote, vote};
use super::types::{LeaderId, LogId, Payload, RaftEntry, TypeConfig, Vote};
use crate::GroupId;
use crate::codec::{DecodeError, Decoder};
use crate::command::PackedEntry;
use crate::wal::{Entry, EntryId, SharedLog};

/// Bytes of entries that one part of a long read holds, unless its first entry alone has more.
const READ_BYTES_MAX: u64 = 1 << 20;

const BLANK: u8 = 0;
const NORMAL: u8 = 1;
const MEMBERSHIP: u8 = 2;

/// One group's log. Clones are readers of the same log.
#[derive(Debug, Clone)]
pub struct GroupLog {
    log: SharedLog,
    group: GroupId,
    /// The index of the last entry appended since the start.
    submitted: watch::Sender<u64>,
}

impl GroupLog {
    /// The log of `group`; empty if it is new.
    pub fn new(log: &SharedLog, group: GroupId) -> Self {
        Self { log: log.clone(), group, submitted: watch::Sender::default() }
    }

    /// Shows the index of the last entry that was appended since this log was opened; 0 before the first. It can be read
    /// then, and need not be on disk yet.
    pub fn submitted(&self) -> watch::Receiver<u64> {
        self.submitted.subscribe()
    }

    async fn read(&self, start: u64, end: u64, bytes_max: u64) -> io::Result<Vec<RaftEntry>> {
        let entries = self.log.fetch(self.group, start, end, bytes_max).await?;
        Ok(entries.into_iter().map(from_stored).collect::<Result<_, _>>()?)
    }

    /// The first part of `start..end`, which begins at `start`: who applies entries must not skip any.
    /// Fails if it was purged; is empty where the log has ended.
    async fn part(&self, start: u64, end: u64) -> io::Result<Vec<RaftEntry>> {
        let entries = self.read(start, end, READ_BYTES_MAX).await?;
        let found = entries.first().map(|entry| entry.log_id.index);
        let begins = match found {
            Some(found) => found == start,
            None => start >= end || self.log.bounds(self.group)?.0.is_none_or(|purged| purged.index < start),
        };
        if begins {
            return Ok(entries);
        }
        let what = format!("group {}: entry {start} was purged, the log begins at {found:?}", self.group);
        Err(io::Error::new(io::ErrorKind::NotFound, what))
    }
}

impl RaftLogStorage<TypeConfig> for GroupLog {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<TypeConfig>> {
        let (purged, last) = self.log.bounds(self.group)?;
        Ok(LogState { last_purged_log_id: purged.map(log_id), last_log_id: last.map(log_id) })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        let mut bytes = Vec::new();
        put_vote(&mut bytes, vote);
        self.log.save_vote(self.group, bytes.into()).await
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = RaftEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().map(to_stored).collect();
        let last = entries.last().map(|entry| entry.id.index);
        let done = Box::new(|result| callback.io_completed(result));
        self.log.append(self.group, entries, done).await?;
        if let Some(last) = last {
            self.submitted.send_replace(last);
        }
        Ok(())
    }

    async fn truncate_after(&mut self, last_log_id: Option<LogId>) -> io::Result<()> {
        let from = last_log_id.map_or(0, |id| id.index + 1);
        self.log.truncate(self.group, from).await
    }

    async fn purge(&mut self, log_id: LogId) -> io::Result<()> {
        self.log.purge(self.group, EntryId::from(&log_id)).await
    }
}

impl RaftLogReader<TypeConfig> for GroupLog {
    async fn try_get_log_entries<RB>(&mut self, range: RB) -> io::Result<Vec<RaftEntry>>
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (start, end) = bounds(&range);
        self.read(start, end, u64::MAX).await
    }

    /// What replication reads: nothing if the start was purged. A leader keeps what it sends, but a replica deposed
    /// since may purge under a stream that has not heard of it yet. openraft takes an error here for that of a disk,
    /// and ends the group; after nothing it looks whether it still leads.
    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<RaftEntry>> {
        let entries = self.read(start, end, READ_BYTES_MAX).await?;
        let begins = entries.first().is_some_and(|entry| entry.log_id.index == start);
        Ok(if begins { entries } else { Vec::new() })
    }

    /// In parts: applying a long log after a restart does not need all of it in memory. A range with a start begins
    /// there or fails; one without begins where the log does.
    async fn entries_stream<RB>(
        &mut self,
        range: RB,
    ) -> impl Stream<Item = io::Result<RaftEntry>> + OptionalSend
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (start, end) = bounds(&range);
        let whole = matches!(range.start_bound(), Bound::Unbounded);
        let log = self.clone();
        let parts = stream::unfold(start, move |next| {
            let log = log.clone();
            async move {
                if next >= end {
                    return None;
                }
                // A long log is applied part by part: between them others have their turn, heartbeats above all.
                tokio::task::yield_now().await;
                let part = if whole && next == start {
                    log.read(next, end, READ_BYTES_MAX).await
                } else {
                    log.part(next, end).await
                };
                match part {
                    Ok(entries) => {
                        let after = entries.last().map_or(end, |entry| entry.log_id.index + 1);
                        Some((entries.into_iter().map(Ok).collect(), after))
                    }
                    Err(error) => Some((vec![Err(error)], end)),
                }
            }
        });
        // openraft wants it `Unpin`.
        Box::pin(parts.flat_map(|part: Vec<io::Result<RaftEntry>>| stream::iter(part)))
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        let stored = self.log.vote(self.group)?;
        Ok(stored.map(|bytes| vote(&mut Decoder::new(bytes))).transpose()?)
    }
}

/// First index, and the one behind the last.
fn bounds(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let start = match range.start_bound() {
        Bound::Included(&start) => start,
        Bound::Excluded(&before) => before.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&last) => last.saturating_add(1),
        Bound::Excluded(&end) => end,
        Bound::Unbounded => u64::MAX,
    };
    (start, end)
}

impl From<&LogId> for EntryId {
    fn from(id: &LogId) -> Self {
        Self { term: id.leader_id.term, node: id.leader_id.node_id, index: id.index }
    }
}

fn log_id(id: EntryId) -> LogId {
    LogId { leader_id: LeaderId::new(id.term, id.node), index: id.index }
}

/// The payload of a normal entry is shared, not copied.
fn to_stored(entry: RaftEntry) -> Entry {
    let (kind, payload) = match entry.payload {
        Payload::Blank => (BLANK, Bytes::new()),
        Payload::Normal(packed) => (NORMAL, packed.as_bytes().clone()),
        Payload::Membership(config) => {
            #[cfg(feature = "mutants")]
            let config = super::mutants::stored(config);
            let mut bytes = Vec::new();
            put_membership(&mut bytes, &config);
            (MEMBERSHIP, bytes.into())
        }
    };
    Entry { id: EntryId::from(&entry.log_id), kind, payload }
}

fn from_stored(entry: Entry) -> Result<RaftEntry, DecodeError> {
    let payload = match entry.kind {
        BLANK => Payload::Blank,
        NORMAL => Payload::Normal(PackedEntry::from_bytes(entry.payload)?),
        MEMBERSHIP => Payload::Membership(membership(&mut Decoder::new(entry.payload))?),
        kind => return Err(DecodeError::Unknown { what: "entry kind", value: kind.into() }),
    };
    Ok(RaftEntry { log_id: log_id(entry.id), payload })
}

#[cfg(test)]
mod tests;
