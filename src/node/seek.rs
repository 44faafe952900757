//! Pages and counts of one group's keys, at its leader or, for local ones, at any replica: routed as reads are.

use std::sync::Arc;

use raft_store::NodeId;
use tokio::time::{Instant, timeout_at};

use super::peer::{self, Declined, Forwarded, Seek, Seen};
use super::route::{Attempt, attempt_of, confirmed, millis_until};
use super::{Consistency, Inner};
use crate::error::{Error, Result};
use crate::group::{Group, Sought};
use crate::limits::READ_ATTEMPT_MAX;

impl Inner {
    /// Looks at a group's keys, linearizably at its leader or at any replica.
    pub(super) async fn seek_group(&self, seek: Seek, deadline: Instant) -> Result<Seen> {
        let group = seek.group;
        if seek.consistency == Consistency::Local
            && let Some(replica) = self.host.get(group)
            && self.check_trusted(group).is_ok()
        {
            return Ok(self.seek_local(&replica, &seek.sought).await);
        }
        let attempt = |node| self.try_seek(node, &seek, deadline);
        self.until_done(group, deadline, attempt).await.map_err(Error::without_outcome)
    }

    async fn try_seek(&self, node: NodeId, seek: &Seek, deadline: Instant) -> Attempt<Seen> {
        // As a read: one that got no answer may be asked again, so no single attempt takes all the time there is.
        let deadline = deadline.min(Instant::now() + READ_ATTEMPT_MAX);
        if node == self.id {
            return attempt_of(self.seek_here(seek, deadline).await);
        }
        let body = peer::put_seek(&Seek { timeout_ms: millis_until(deadline), ..seek.clone() });
        self.call_reader(node, peer::SEEK, body, deadline, peer::seen).await
    }

    /// Looks at this node's own replica, which has to lead unless the look is local.
    pub(super) async fn seek_here(&self, seek: &Seek, deadline: Instant) -> Forwarded<Seen> {
        let Some(replica) = self.host.get(seek.group) else { return Err(Declined::NotLeader(None)) };
        if seek.consistency == Consistency::Local {
            self.check_trusted(seek.group)?;
            return Ok(self.seek_local(&replica, &seek.sought).await);
        }
        self.admit_leading(&replica)?;
        let looking = replica.seek(&seek.sought, seek.consistency == Consistency::Lease);
        let survey = confirmed(seek.group, timeout_at(deadline, looking).await)?;
        Ok(Seen { survey, staleness_ms: None })
    }

    async fn seek_local(&self, replica: &Arc<Group>, sought: &Sought) -> Seen {
        let bound = self.bound_of(replica).await;
        let survey = replica.seek_here(sought);
        self.renew_bound(replica, bound);
        let staleness = bound.unwrap_or_else(|| replica.apparent_age());
        Seen { survey, staleness_ms: Some(staleness.as_millis() as u64) }
    }
}
