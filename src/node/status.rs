//! What a node tells about itself and the cluster.

use std::sync::Arc;

use raft_store::NodeId;
use tokio::time::Instant;

use super::Inner;
use super::doc::{ClusterDoc, META_GROUP, Member};
use super::peer::Ask;
use crate::error::Result;
use crate::group::Group;
use crate::limits::{CAUGHT_UP_LAG, VIEW_TIMEOUT};
use crate::transport::Health;
use crate::views::*;

impl Inner {
    /// This node's own line in the list of members.
    pub(super) fn own_view(&self) -> NodeView {
        let groups = self.host.all();
        let disk = self.disk.state();
        NodeView {
            id: self.id,
            http: self.me.http.clone(),
            peer: self.me.peer.clone(),
            zone: self.me.zone.clone(),
            state: "active".into(),
            version: crate::version::VERSION.into(),
            leads: groups.iter().filter(|group| group.leads()).count() as u32,
            replicas: groups.len() as u32,
            memory_bytes: self.memory_bytes(),
            memory_bytes_max: self.config.memory_max,
            disk_bytes: self.disk_bytes(),
            disk_free_bytes: disk.free_bytes,
            repairing: self.host.repairs().into_iter().map(|need| need.group).collect(),
            disk_full: disk.full,
            clock_ms: Some(crate::clock::wall_ms()),
            certificate_expires_ms: self.security.expires_ms(),
            seen: None,
        }
    }

    /// What log and snapshots take; the store of the snapshots is not asked, since its answer may wait for the disk.
    fn disk_bytes(&self) -> u64 {
        self.host.deps().log.stats().disk_bytes + self.snapshots.disk_bytes()
    }

    /// Every node; those that do not answer soon are `down`.
    pub(super) async fn members(self: &Arc<Self>) -> Result<Vec<NodeView>> {
        let doc = self.member_doc()?;
        let views = doc.nodes.iter().map(|(&node, member)| self.view_of(node, member));
        Ok(futures_util::future::join_all(views).await)
    }

    async fn view_of(self: &Arc<Self>, node: NodeId, member: &Member) -> NodeView {
        let down = || NodeView::unheard(member.spec(node), "down");
        let view: NodeView = self.ask(node, &Ask::Node, VIEW_TIMEOUT).await.unwrap_or_else(|_| down());
        NodeView { seen: self.transport.health(node).map(seen), ..view }
    }

    /// Every group as its leader sees it; one without a leader as this node or the document does.
    pub(super) async fn group_views(self: &Arc<Self>) -> Result<Vec<GroupView>> {
        let doc = self.member_doc()?;
        let ids = [META_GROUP].into_iter().chain(doc.groups.keys().copied());
        let views = ids.map(|group| self.group_view_or_hint(&doc, group));
        Ok(futures_util::future::join_all(views).await)
    }

    async fn group_view_or_hint(self: &Arc<Self>, doc: &ClusterDoc, group: u32) -> GroupView {
        match self.group_view(group, false).await {
            Ok(view) => view,
            Err(_) => self.host.get(group).map_or_else(|| hinted(doc, group, self.id), |own| own.view(false)),
        }
    }

    /// One group as its leader sees it or, when there is none, as this node's own replica does.
    pub(super) async fn group_view(self: &Arc<Self>, group: u32, digest: bool) -> Result<GroupView> {
        let ask = Ask::Group { group, digest };
        let led = self.ask_leader::<GroupView>(group, &ask, Instant::now() + VIEW_TIMEOUT).await;
        match (led, self.host.get(group)) {
            (Ok(view), _) => Ok(view),
            (Err(_), Some(own)) => {
                let mut view = own.view(digest);
                view.summary.leader = None;
                Ok(view)
            }
            (Err(error), None) => Err(error.without_outcome()),
        }
    }

    /// The cluster as a whole.
    pub(super) async fn cluster_view(self: &Arc<Self>) -> Result<ClusterView> {
        let doc = self.member_doc()?;
        let (nodes, groups) = futures_util::future::join(self.members(), self.group_views()).await;
        let nodes = nodes?;
        let groups: Vec<GroupSummary> = groups?.into_iter().map(|view| view.summary).collect();
        let led = |group: &&GroupSummary| group.leader.is_some();
        let health = HealthView {
            nodes_up: nodes.iter().filter(|node| node.state == "active").count() as u32,
            groups_ok: groups.iter().filter(led).count() as u32,
            slots_served: groups.iter().filter(led).map(|group| group.slots).sum::<u32>()
                - groups
                    .iter()
                    .filter(led)
                    .filter(|group| group.id == META_GROUP)
                    .map(|g| g.slots)
                    .sum::<u32>(),
        };
        Ok(ClusterView {
            cluster_id: doc.cluster_id.clone(),
            epoch: doc.epoch,
            nodes,
            groups,
            slots: doc.slots.clone(),
            health,
        })
    }

    /// Whether this node can serve.
    pub(super) fn ready(&self) -> ReadyView {
        let groups = self.host.all();
        let behind = |test: &dyn Fn(&Group) -> bool| {
            let those: Vec<u32> =
                groups.iter().filter(|group| !test(group)).map(|group| group.id()).collect();
            (
                those.is_empty(),
                if those.is_empty() { "all groups".to_owned() } else { format!("not {those:?}") },
            )
        };
        let (led, led_detail) = behind(&|group| group.leader().is_some());
        let (near, near_detail) = behind(&|group| group.caught_up_within(CAUGHT_UP_LAG));
        let (owning, owning_detail) =
            behind(&|group| group.id() == META_GROUP || group.map().read().owned().0 > 0);
        let member = self.doc().is_some();
        let member_detail = match (member, self.cluster_id()) {
            (true, _) => "in a cluster",
            (false, Some(_)) => "waits for a quorum of its cluster",
            (false, None) => "not part of a cluster yet",
        };
        let disk = self.disk_check();
        let waiting = self.host.repairs();
        let repairs: Vec<String> =
            waiting.iter().filter_map(|need| self.host.repair_of(need.group)).collect();
        let check = |name: &str, ok, detail: String| ReadyCheck { name: name.into(), ok, detail };
        let checks = vec![
            check("member", member, member_detail.into()),
            check("leaders", led, led_detail),
            check("caught-up", near, near_detail),
            check("slots", owning, owning_detail),
            check(
                "repair",
                repairs.is_empty(),
                if repairs.is_empty() { "nothing to repair".to_owned() } else { repairs.join("; ") },
            ),
            check("disk", disk.is_ok(), disk.err().unwrap_or_else(|| "writable".to_owned())),
            check(
                "drain",
                !self.is_draining(),
                if self.is_draining() { "the node is stopping" } else { "not stopping" }.into(),
            ),
        ];
        ReadyView { ready: checks.iter().all(|check| check.ok), checks }
    }

    /// Whether clients may write here as far as the disk goes; why not.
    fn disk_check(&self) -> std::result::Result<(), String> {
        self.host.deps().log.health().map_err(|error| error.to_string())?;
        self.disk.state().full.map_or(Ok(()), |why| Err(format!("full, writes are refused: {why}")))
    }
}

fn seen(health: Health) -> SeenView {
    SeenView {
        state: health.state.name().into(),
        reason: health.evidence.reason().into(),
        for_ms: health.lasts().as_millis() as u64,
    }
}

/// What the document alone says of a group nobody answers for.
fn hinted(doc: &ClusterDoc, group: u32, seen_by: NodeId) -> GroupView {
    let voters = doc.groups.get(&group).map(|nodes| nodes.iter().copied().collect()).unwrap_or_default();
    let owned = doc.slots.iter().filter(|range| range.group == group);
    let slots = owned.map(|range| u32::from(range.last - range.first) + 1).sum();
    GroupView {
        summary: GroupSummary { id: group, leader: None, term: 0, voters, learners: Vec::new(), slots },
        seen_by,
        log_first: None,
        log_last: None,
        committed: None,
        applied: None,
        snapshot: None,
        log_bytes: 0,
        replicas: Vec::new(),
        time_ms: 0,
        items: 0,
        bytes: 0,
        digest: None,
    }
}
