//! What must hold between a group's log and its snapshot before the group is opened.
//!
//! Both are durable by themselves; a crash may come between a step of the one and the step of the other that
//! follows it. Relies on the order of those steps: a truncation is durable before a snapshot takes its entries' place, and
//! a snapshot before the log lets go of what it holds. What a crash leaves of that is mended here, by the
//! snapshot: it holds only committed entries.

use std::io;

use super::snapshot_meta;
use super::state_machine::blocking;
use super::types::LogId;
use crate::GroupId;
use crate::snapshot_store::SnapshotStore;
use crate::wal::{EntryId, SharedLog};

/// Entries that are neither in the log nor in the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Last index the log let go of: a snapshot has to cover it.
    pub at_least: u64,
    /// Last index in the snapshot; `None`: there is none, or it is of nothing.
    pub covered: Option<u64>,
}

/// What the log of `group` let go of and its snapshot does not hold, if anything. No crash leaves that; a snapshot that was
/// lost does.
///
/// # Errors
/// When log or snapshots have failed.
pub fn gap(log: &SharedLog, snapshots: &SnapshotStore, group: GroupId) -> io::Result<Option<Gap>> {
    let purged = log.bounds(group)?.0.map(|purged| purged.index);
    let covered = snapshots.current(group)?.and_then(|snapshot| snapshot.covers().last);
    let covered = covered.map(|last| last.index);
    Ok(purged.filter(|_| purged > covered).map(|at_least| Gap { at_least, covered }))
}

/// Makes the log of `group` agree with its current snapshot, as [`drop_contradicting`] does, before openraft is given
/// both. A crash between the install of a leader's snapshot and the purge behind it may leave an unfinished
/// leader's entries, which end before the snapshot and are yet of a newer term: openraft would take them for the
/// log's end.
///
/// # Errors
/// When log or snapshots have failed, or what the snapshot covers cannot be read.
pub async fn mend(log: &SharedLog, snapshots: &SnapshotStore, group: GroupId) -> io::Result<Option<u64>> {
    let current = snapshots.current(group)?;
    let covered = current.as_ref().map(snapshot_meta).transpose()?.and_then(|meta| meta.last_log_id);
    match covered {
        Some(last) => drop_contradicting(log, group, &last).await,
        None => Ok(None),
    }
}

/// Truncates the log of `group` from its first entry at or before `last` that cannot be committed if a snapshot that
/// ends at `last` holds what is: one of a newer leader than `last`'s, since terms never fall along a log, or
/// another entry in `last`'s place. Says from which index on, if from any; it is durable then. Reads as many entries
/// from the log's end as contradict it, and one more.
///
/// # Errors
/// When the log has failed, or an entry cannot be read.
pub async fn drop_contradicting(log: &SharedLog, group: GroupId, last: &LogId) -> io::Result<Option<u64>> {
    let (purged, end) = log.bounds(group)?;
    let (begin, end) = (purged.map_or(0, |id| id.index + 1), end.map_or(0, |id| id.index));
    let mut from = None;
    for index in (begin..=end.min(last.index)).rev() {
        let found = log.fetch(group, index, index + 1, 1).await?;
        let Some(id) = found.first().map(|entry| entry.id) else { break };
        let newer = (id.term, id.node) > (last.leader_id.term, last.leader_id.node_id);
        if !newer && (index < last.index || id == EntryId::from(last)) {
            break;
        }
        from = Some(index);
    }
    if let Some(from) = from {
        log.truncate(group, from).await?;
    }
    Ok(from)
}

/// Gives back what a closed replica takes of the disk, but for its vote. The log goes first: a log that begins behind
/// a snapshot which is gone would be one that needs repair, while a snapshot alone is a replica that is behind.
/// Each is durable before the next. Needs tokio's runtime.
///
/// # Errors
/// When log or snapshots have failed.
pub async fn clear(log: &SharedLog, snapshots: &SnapshotStore, group: GroupId) -> io::Result<()> {
    log.clear(group).await?;
    let snapshots = snapshots.clone();
    blocking(move || Ok(snapshots.remove(group)?)).await
}
