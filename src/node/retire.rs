//! Replicas of groups that have gone on without this node: they are stopped, and what they take of the disk is given
//! back but for their votes.
//!
//! What a voter has acknowledged must not go while the group may still count on it. So the replica is closed first, and
//! acknowledges nothing any more; then the group's leader is asked, which answers only after a quorum has confirmed it
//! and if the node is in no configuration that is committed or under way ([`Group::excludes`]). Whatever was
//! committed before is then held by a majority of those who are left, and a later addition begins anew. Then, each
//! step durable before the next: the end of the log is noted ([`Floor`]), the log cleared, the snapshot removed. A
//! crash in between leaves a replica that is whole, one that is behind, or none.
//!
//! [`Floor`]: crate::group::Floor

use std::sync::Arc;

use raft_store::GroupId;
use tokio::time::Instant;

use super::Inner;
use super::doc::META_GROUP;
use super::peer::Ask;
use crate::group::Group;
use crate::limits::{ASK_TIMEOUT, LONELY_FOR};
use crate::views::GroupView;

impl Inner {
    /// Stops replicas of groups that have gone on without this node and did not tell it, and goes on with those that
    /// are stopped and not cleared.
    pub(super) async fn retire_leftovers(self: &Arc<Self>) {
        let lonely = |group: &Arc<Group>| group.leader().is_none() || group.names_this_node() == Some(false);
        for group in self.host.all() {
            let since = self.lonely_since(group.id(), lonely(&group));
            if since.is_some_and(|since| since.elapsed() > LONELY_FOR) {
                self.retire(group.id()).await;
            }
        }
        for group in self.host.retiring() {
            self.retire(group).await;
        }
    }

    /// A group as its leader sees it, if that is another node and answers.
    async fn leaders_view(self: &Arc<Self>, group: GroupId) -> Option<GroupView> {
        let ask = Ask::Group { group, digest: false };
        let view: GroupView = self.ask_leader(group, &ask, Instant::now() + ASK_TIMEOUT).await.ok()?;
        let leader = view.summary.leader.filter(|&leader| leader != self.id)?;
        if view.seen_by == leader {
            return Some(view);
        }
        // The leader may be a node that came after this one left: whoever answered knows where it is.
        let view: GroupView =
            self.ask(view.seen_by, &Ask::GroupAtLeader { group }, ASK_TIMEOUT).await.ok()?;
        (view.summary.leader == Some(view.seen_by)).then_some(view)
    }

    /// Stops this node's replica of a group and gives its space back, if the group's leader says that the node has no
    /// part in it. A node without a part in the meta group has none in the cluster, and stops.
    pub(super) async fn retire(self: &Arc<Self>, group: GroupId) {
        let Some(view) = self.leaders_view(group).await else { return };
        let mut members = view.summary.voters.iter().chain(&view.summary.learners);
        if members.any(|&node| node == self.id) {
            return;
        }
        if group == META_GROUP {
            self.fail(format!("node {} was removed from its cluster", self.id));
            return self.host.close(group).await;
        }
        let excluded = self.is_excluded(group);
        let note = |floor| self.identity.lock().set_floor(group, floor);
        match self.host.retire(group, excluded, note).await {
            Ok(true) => tracing::info!(group, "this node holds no replica of the group any more"),
            Ok(false) => tracing::info!(group, "replica stopped; its space is kept, since it may be needed"),
            Err(error) => tracing::warn!(group, "a replica's space was not given back: {error:#}"),
        }
    }

    async fn is_excluded(self: &Arc<Self>, group: GroupId) -> bool {
        let ask = Ask::Excludes { group, node: self.id };
        self.ask_leader(group, &ask, Instant::now() + ASK_TIMEOUT).await.unwrap_or(false)
    }
}
