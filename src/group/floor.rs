//! How far a replica's log went before its space was given back.
//!
//! A node that left a group clears its log and snapshot ([`clear`]) and keeps its vote. Added again, it begins with a
//! short log, which may hold a configuration of long ago that names it a voter. A voter's promise is more than its
//! vote, though: it refuses candidates whose log ends before its own. Without that, nodes that left one after the
//! other could elect, in that old configuration, one that was away all the time, and what was committed meanwhile
//! would be lost.
//!
//! So the end of the log is remembered as its floor, durably, before anything is cleared. Until the log has reached it
//! again the replica refuses candidates that end before it, and does not stand itself. In elections it is then
//! what it was with its log. It reaches it before long: the removal was committed behind what the replica held, or
//! by a newer leader, and every later leader has that.

use raft_store::raft::LogId;
use raft_store::wal::EntryId;
use raft_store::{GroupId, NodeId, blocking};
use serde::{Deserialize, Serialize};

use super::GroupDeps;

/// Where a log once ended. Ordered as Raft orders logs: by their last entry's leader, then by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Floor {
    term: u64,
    node: NodeId,
    index: u64,
}

impl From<LogId> for Floor {
    fn from(id: LogId) -> Self {
        Self { term: id.leader_id.term, node: id.leader_id.node_id, index: id.index }
    }
}

impl From<EntryId> for Floor {
    fn from(EntryId { term, node, index }: EntryId) -> Self {
        Self { term, node, index }
    }
}

/// Where this disk's copy of a group ends, log and snapshot taken together; `None`: there is nothing but a vote.
pub(crate) fn held(group: GroupId, deps: &GroupDeps) -> anyhow::Result<Option<Floor>> {
    let logged = deps.log.bounds(group)?.1.map(Floor::from);
    let covered = deps.snapshots.current(group)?.and_then(|snapshot| snapshot.covers().last);
    Ok(logged.max(covered.map(|last| Floor { term: last.term, node: last.node, index: last.index })))
}

/// Gives back what a closed replica takes of the disk, but for its vote. The log goes first: a log that begins behind
/// a snapshot which is gone would be one that needs repair, while a snapshot alone is a replica that is behind.
pub(crate) async fn clear(group: GroupId, deps: &GroupDeps) -> anyhow::Result<()> {
    deps.log.clear(group).await?;
    let snapshots = deps.snapshots.clone();
    Ok(blocking::run(move || snapshots.remove(group)).await??)
}
