//! Whether this node leads the group, and whether its clock is the group's yet.

use std::sync::Arc;

use openraft::async_runtime::WatchReceiver as _;
use openraft::type_config::alias::WatchReceiverOf;
use raft_store::NodeId;
use raft_store::raft::{LeaderId, SharedMap, TypeConfig};

use super::applied::{Applied, Progress};
use super::{Metrics, Raft};
use crate::limits::LEADERSHIP_POLL;

/// This node does not lead; the node that does, if known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotLeader(pub(crate) Option<NodeId>);

/// One group's leadership as seen from this node.
#[derive(Clone)]
pub(crate) struct Leadership {
    pub(crate) raft: Raft,
    pub(crate) applied: Arc<Applied>,
    pub(crate) progress: Progress,
    pub(crate) map: SharedMap,
    /// What openraft shows: each look at a receiver of one's own would make and drop it.
    shown: WatchReceiverOf<TypeConfig, Metrics>,
}

impl Leadership {
    pub(crate) fn new(raft: Raft, applied: Arc<Applied>, progress: Progress, map: SharedMap) -> Self {
        let shown = raft.metrics();
        Self { raft, applied, progress, map, shown }
    }

    /// This node's leadership as openraft knows it now; a deposed leader may not know yet. As `Raft::as_leader`, without
    /// its copy of the handle: every request asks.
    pub(crate) fn current(&self) -> Result<LeaderId, NotLeader> {
        let shown = self.shown.borrow_watched();
        let vote = &shown.vote;
        match (vote.committed, vote.leader_id.node_id) {
            (true, node) if node == shown.id => Ok(vote.leader_id),
            (true, node) => Err(NotLeader(Some(node))),
            (false, _) => Err(NotLeader(None)),
        }
    }

    /// The leader of the vote this replica holds, however long ago it was heard.
    pub(crate) fn last_leader(&self) -> Option<NodeId> {
        self.shown.borrow_watched().current_leader
    }

    /// The same, once every entry before it is applied: from then on its clock is the group's.
    pub(crate) async fn established(&self) -> Result<LeaderId, NotLeader> {
        loop {
            let leader = self.current()?;
            if self.applied.clock.leads(&leader) {
                return Ok(leader);
            }
            let reached = self.progress.reached_leadership(&leader);
            match tokio::time::timeout(LEADERSHIP_POLL, reached).await {
                Ok(true) => self.applied.clock.lead(&leader, &self.map.read()),
                Ok(false) => return Err(NotLeader(None)),
                Err(_still_waiting) => {}
            }
        }
    }
}
