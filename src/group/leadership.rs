//! Whether this node leads the group, and whether its clock is the group's yet.

use std::sync::Arc;

use raft_store::NodeId;
use raft_store::raft::{LeaderId, SharedMap};

use super::Raft;
use super::applied::{Applied, Progress};
use crate::limits::LEADERSHIP_POLL;

/// This node does not lead; the node that does, if known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotLeader(pub(crate) Option<NodeId>);

/// One group's leadership as seen from this node.
#[derive(Debug, Clone)]
pub(crate) struct Leadership {
    pub(crate) raft: Raft,
    pub(crate) applied: Arc<Applied>,
    pub(crate) progress: Progress,
    pub(crate) map: SharedMap,
}

impl Leadership {
    /// This node's leadership as openraft knows it now; a deposed leader may not know yet.
    pub(crate) fn current(&self) -> Result<LeaderId, NotLeader> {
        match self.raft.as_leader() {
            Ok(leader) => Ok(leader.to_committed_leader_id()),
            Err(forward) => Err(NotLeader(forward.leader_id)),
        }
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
