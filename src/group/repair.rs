//! A replica whose snapshot is damaged or gone gets a peer's, if its log and vote are whole.
//!
//! While it has none the group stays closed here: it answers no Raft message, so to the others this voter is down,
//! and its log and vote stay as they are. [`Adoption`] makes a peer's snapshot the group's own; then the group is
//! opened as after any restart.
//!
//! **Why this is safe.** Let the log begin behind entry `P` (what was purged), and the snapshot taken over cover
//! everything up to entry `S`, with `S >= P`.
//! - A snapshot holds what its maker has applied, and only committed entries are applied. So whoever made it, it is
//!   the one committed state at `S`; that of a stale or deposed replica is merely older. It is asked for with
//!   `S >= P`, so nothing is missing between it and the log.
//! - Entries behind `S` stay, since this voter may be one of the majority that acknowledged them. They are dropped
//!   only if the log contradicts the snapshot at or before `S`: then none of them was ever committed (a committed
//!   entry has only committed ones before it), and an install sent by a leader drops them too.
//! - Entries up to `S` are purged only once the snapshot that holds them is current and durable. Until then, a crash
//!   leaves the group as it was: closed, with its log.
//! - No promise is forgotten: the vote only ever grows. It is raised to the leadership that made entry `S`, if that
//!   is newer: it was won, and a message of that leader would have raised it likewise. After the start the voter
//!   keeps its embargo (`lease`) as always.
//!
//! **Where it is not done.** With a damaged log: acknowledged entries and votes may be gone, and a voter that forgot
//! them could help to elect a leader without them. With a snapshot of a newer format: that is no damage.
//! If every replica's snapshot is damaged there is no peer to ask, and nothing is served.

use std::io;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use raft_store::codec::{DecodeError, Decoder, put_u32, put_u64};
use raft_store::raft::{LogId, SnapshotMeta, Vote, messages, snapshot_meta};
use raft_store::snapshot_store::{SnapshotError, SnapshotStore, SnapshotWriter, StoredSnapshot};
use raft_store::wal::{EntryId, SharedLog};
use raft_store::{GroupId, blocking};

use super::GroupDeps;

/// Why a group cannot be opened from this disk alone, though its log and vote are whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("group {group}: {why}; a peer's snapshot of entry {at_least} or later is needed")]
pub(crate) struct NeedsSnapshot {
    pub(crate) group: GroupId,
    /// Index the snapshot has to cover.
    pub(crate) at_least: u64,
    /// Whether there is one, damaged. It stays until a peer has offered another.
    pub(crate) damaged: bool,
    pub(crate) why: String,
}

/// Whether the log begins where the snapshot ends, or before: what it let go of has to be in the snapshot.
pub(super) fn check_snapshot_covers_purge(
    group: GroupId,
    log: &SharedLog,
    snapshots: &SnapshotStore,
) -> anyhow::Result<()> {
    let purged = log.bounds(group)?.0.map(|purged| purged.index);
    let covered =
        snapshots.current(group)?.and_then(|snapshot| snapshot.covers().last).map(|last| last.index);
    let Some(at_least) = purged.filter(|_| purged > covered) else { return Ok(()) };
    let why = match covered {
        None => format!("its log begins behind entry {at_least} and there is no snapshot"),
        Some(covered) => format!("its log begins behind entry {at_least} and the snapshot ends at {covered}"),
    };
    Err(NeedsSnapshot { group, at_least, damaged: false, why }.into())
}

/// What is to be done about a group that could not be opened: `Some` when its snapshot is damaged, so that it needs
/// a peer's. A damaged snapshot whose log was never purged is set aside: the log alone makes the whole state. Reads
/// the whole snapshot; blocks on the disk.
pub(super) fn diagnose(group: GroupId, deps: &GroupDeps) -> anyhow::Result<Option<NeedsSnapshot>> {
    let Some(damage) = deps.snapshots.check(group).err().filter(SnapshotError::is_damage) else {
        return Ok(None);
    };
    let Some(purged) = deps.log.bounds(group)?.0 else {
        tracing::error!(group, %damage, "snapshot damaged; it is set aside, since the log holds everything");
        deps.snapshots.set_aside(group)?;
        return Ok(None);
    };
    Ok(Some(NeedsSnapshot { group, at_least: purged.index, damaged: true, why: damage.to_string() }))
}

/// A snapshot a peer holds ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Names it at the peer, until it holds another ready.
    pub(crate) sequence: u64,
    pub(crate) chunks: u32,
    pub(crate) meta: SnapshotMeta,
}

impl Offer {
    pub(crate) fn of(snapshot: &StoredSnapshot) -> io::Result<Self> {
        let (sequence, chunks) = (snapshot.id().sequence, snapshot.chunks());
        Ok(Self { sequence, chunks, meta: snapshot_meta(snapshot)? })
    }

    /// Last index it covers.
    pub(crate) fn covers(&self) -> Option<u64> {
        self.meta.last_log_id.map(|last| last.index)
    }
}

pub(crate) fn put_offer(out: &mut Vec<u8>, offer: &Offer) {
    put_u64(out, offer.sequence);
    put_u32(out, offer.chunks);
    messages::put_snapshot_meta(out, &offer.meta);
}

pub(crate) fn offer(input: &mut Decoder) -> Result<Offer, DecodeError> {
    let (sequence, chunks) = (input.u64()?, input.u32()?);
    Ok(Offer { sequence, chunks, meta: messages::snapshot_meta(input)? })
}

/// A peer's snapshot on its way into this node's store. Dropped before [`Self::finish`] it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Adoption {
    deps: GroupDeps,
    group: GroupId,
    offer: Offer,
    last: LogId,
    writer: SnapshotWriter,
}

impl Adoption {
    /// Begins to take `offer` over; an offer that does not cover what is needed is refused. Blocks on the disk.
    pub(crate) fn begin(deps: &GroupDeps, need: &NeedsSnapshot, offer: Offer) -> anyhow::Result<Self> {
        let last = offer.meta.last_log_id.context("the snapshot offered is empty")?;
        ensure!(last.index >= need.at_least, "the snapshot offered ends at {last}, before {}", need.at_least);
        if need.damaged {
            deps.snapshots.set_aside(need.group)?;
        }
        let writer = deps.snapshots.begin(need.group)?;
        Ok(Self { deps: deps.clone(), group: need.group, offer, last, writer })
    }

    /// Takes the next chunk, verified by its checksum. Blocks on the disk.
    pub(crate) fn put(mut self, frame: &Bytes) -> anyhow::Result<Self> {
        self.writer.put_raw(frame)?;
        Ok(self)
    }

    /// Makes the snapshot the group's own, and the log and vote agree with it; see the module for the order.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        let Self { deps, group, offer, last, writer } = self;
        let whole = writer.chunks() == offer.chunks;
        ensure!(whole, "{} chunks of {} came", writer.chunks(), offer.chunks);
        raise_vote(&deps.log, group, last).await?;
        drop_contradicting(&deps.log, group, last).await?;
        let snapshots = deps.snapshots.clone();
        let commit = move || {
            let stored = writer.finish(&offer.meta)?;
            anyhow::Ok(snapshots.commit(&stored)?)
        };
        let current = blocking::run(commit).await??;
        ensure!(current, "the group has a snapshot that covers more than {last}");
        let purged = deps.log.bounds(group)?.0;
        if purged.is_none_or(|purged| purged.index < last.index) {
            deps.log.purge(group, entry_id(last)).await?;
        }
        Ok(())
    }
}

async fn raise_vote(log: &SharedLog, group: GroupId, last: LogId) -> anyhow::Result<()> {
    let voted = log.vote(group)?.map(|bytes| messages::vote(&mut Decoder::new(bytes))).transpose()?;
    if voted.is_some_and(|vote| vote.leader_id >= last.leader_id) {
        return Ok(());
    }
    let mut bytes = Vec::new();
    messages::put_vote(&mut bytes, &Vote { leader_id: last.leader_id, committed: true });
    log.save_vote(group, bytes.into()).await.context("saving the vote")
}

/// Truncates the log from its first entry at or before `last` that cannot be committed: one of a newer leader than
/// `last`'s, since terms never fall along a log, or another entry in `last`'s place.
async fn drop_contradicting(log: &SharedLog, group: GroupId, last: LogId) -> anyhow::Result<()> {
    let (purged, end) = log.bounds(group)?;
    let (begin, end) = (purged.map_or(0, |id| id.index + 1), end.map_or(0, |id| id.index));
    let mut from = None;
    for index in (begin..=end.min(last.index)).rev() {
        let found = log.read(group, index, index + 1, 1)?;
        let Some(id) = found.first().map(|entry| entry.id) else { break };
        let newer = (id.term, id.node) > (last.leader_id.term, last.leader_id.node_id);
        if !newer && (index < last.index || id == entry_id(last)) {
            break;
        }
        from = Some(index);
    }
    let Some(from) = from else { return Ok(()) };
    tracing::info!(group, from, "entries that contradict the snapshot taken over are dropped");
    log.truncate(group, from).await.context("truncating the log")
}

fn entry_id(id: LogId) -> EntryId {
    EntryId { term: id.leader_id.term, node: id.leader_id.node_id, index: id.index }
}

#[cfg(test)]
mod tests;
