//! What a node does by itself, again and again, to bring what is to what the cluster's document says.
//!
//! Every step may fail and is simply tried at the next turn; every step that is done already does nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use raft_store::NodeId;
use raft_store::command::{AssignSlots, Command, Condition};
use raft_store::map::SlotSet;

use super::Inner;
use super::doc::{ClusterDoc, META_GROUP};
use super::meta::Change;
use super::peer::Ask;
use crate::error::Result;
use crate::group::{Batch, Group};
use crate::limits::*;

impl Inner {
    /// Reconciles for ever, at every change of the document and at least every [`RECONCILE_INTERVAL`].
    pub(super) async fn reconcile(self: Arc<Self>) {
        let mut changed = self.doc.subscribe();
        loop {
            self.reconcile_once().await;
            tokio::select! {
                _ = changed.changed() => {}
                () = self.reconcile_soon.notified() => {}
                () = tokio::time::sleep(RECONCILE_INTERVAL) => {}
            }
        }
    }

    /// Looks after replicas, memory and leaderships on a full disk for ever; apart from the rest, which may wait for other nodes.
    pub(super) async fn watch_itself(self: Arc<Self>) {
        loop {
            self.watch_groups();
            self.measure_memory();
            self.offered.tidy();
            self.flee_full_disk().await;
            tokio::time::sleep(RECONCILE_INTERVAL).await;
        }
    }

    async fn reconcile_once(self: &Arc<Self>) {
        let doc = self.doc();
        if let Some(doc) = &doc {
            self.learn_addresses(doc);
            self.assign_slots(doc).await;
        }
        if self.cluster_id().is_some() {
            self.tell_own_address(doc.as_deref()).await;
        }
        if let Some(meta) = self.host.get(META_GROUP)
            && meta.leads()
            && let Err(error) = self.lead_cluster(&meta).await
        {
            tracing::debug!(%error, "cluster not reconciled this time");
        }
        self.retire_leftovers().await;
    }

    /// Counts changes of leaders. A replica that stopped by itself serves nobody: the node says why and stops.
    fn watch_groups(&self) {
        for group in self.host.all() {
            if let Some(leadership) = group.leadership_seen() {
                self.leaderships.see(group.id(), leadership);
            }
            if let Some(why) = group.failure() {
                self.fail(format!("group {} stopped: {why}", group.id()));
            }
        }
    }

    fn learn_addresses(&self, doc: &ClusterDoc) {
        let peers = || doc.nodes.iter().filter(|(node, _)| **node != self.id);
        peers().for_each(|(&node, member)| self.transport.set_peer(node, &member.peer));
        // A removed node is told so first; once it is silent it is forgotten.
        let silent = |node: &&NodeId| self.transport.last_heard(**node).is_some_and(|for_| for_ > LONELY_FOR);
        doc.removed.iter().filter(silent).for_each(|&node| self.transport.remove_peer(node));
        let mut file = self.identity.lock();
        let Some(cluster) = file.identity.cluster.clone() else { return };
        let known = peers().map(|(&node, member)| (node, member.peer.clone())).collect();
        if cluster.peers != known
            && let Err(error) = file.set_cluster(super::identity::Membership { peers: known, ..cluster })
        {
            tracing::warn!("peers' addresses not kept: {error:#}");
        }
    }

    /// Gives every group this node leads the slots the table says.
    async fn assign_slots(&self, doc: &ClusterDoc) {
        let outdated = |group: &Arc<Group>| {
            group.id() != META_GROUP && group.leads() && group.map().read().owned().0 < doc.epoch
        };
        let groups = self.host.all().into_iter().filter(outdated);
        futures_util::future::join_all(groups.map(async |group| {
            let ranges = doc.slots.iter().filter(|range| range.group == group.id());
            let slots: SlotSet = ranges.flat_map(|range| range.first..=range.last).collect();
            let assign = Command::AssignSlots(AssignSlots { epoch: doc.epoch, slots });
            // A leader without a quorum waits for ever; the next turn asks again, which does no harm.
            let assigned = tokio::time::timeout(ASK_TIMEOUT, group.propose(Batch::new(&[assign]))).await;
            tracing::debug!(group = group.id(), ?assigned, "slots assigned");
        }))
        .await;
    }

    /// A node that came back under other addresses tells the cluster; without a document of its own yet, because
    /// the meta group's leader looks for it at the old address.
    async fn tell_own_address(&self, doc: Option<&ClusterDoc>) {
        let current = |doc: &ClusterDoc| doc.nodes.get(&self.id).is_none_or(|me| me.spec(self.id) == self.me);
        if doc.is_some_and(current) {
            return;
        }
        let told = self.change_doc(|doc| {
            if current(doc) || doc.admit(&self.me, Some(self.store_id())).is_err() {
                return Ok(Change::Keep(()));
            }
            Ok(Change::Write(()))
        });
        if let Err(error) = told.await {
            tracing::debug!(%error, "own addresses not told yet");
        }
    }

    /// What the meta group's leader sees to: the first document, the meta group's members, abandoned operations.
    async fn lead_cluster(self: &Arc<Self>, meta: &Arc<Group>) -> Result<()> {
        let Some(doc) = self.doc() else { return self.write_first_doc().await };
        let abandoned = self.abandoned(&doc);
        if !abandoned.is_empty() {
            let fail = |doc: &mut ClusterDoc| {
                Ok(if doc.fail_abandoned(&abandoned) { Change::Write(()) } else { Change::Keep(()) })
            };
            self.change_doc(fail).await?;
        }
        self.member_the_meta_group(meta, &doc).await;
        Ok(())
    }

    async fn write_first_doc(self: &Arc<Self>) -> Result<()> {
        let founding = self.identity.lock().identity.cluster.clone().and_then(|cluster| cluster.founding);
        let Some(founding) = founding else { return Ok(()) };
        // Somebody may have written it while this replica was behind: then this changes nothing.
        if self.write_doc(&founding.document(), Condition::Absent).await? {
            tracing::info!(cluster = founding.cluster_id, "cluster founded");
        }
        Ok(())
    }

    /// Every node holds the meta group: new ones as learners, and as voters while there are too few.
    async fn member_the_meta_group(self: &Arc<Self>, meta: &Arc<Group>, doc: &ClusterDoc) {
        // Nobody else changes them meanwhile, by an operation on group 0 say.
        let Some(_changing) = self.begin_change(META_GROUP) else { return };
        let summary = meta.summary();
        let voters: BTreeSet<NodeId> = summary.voters.into_iter().collect();
        let learners: BTreeSet<NodeId> = summary.learners.into_iter().collect();
        let known = |node: &NodeId| voters.contains(node) || learners.contains(node);
        if let Some(&gone) = voters.iter().chain(&learners).find(|node| doc.removed.contains(node)) {
            return self.leave_the_meta_group(meta, gone, voters.contains(&gone)).await;
        }
        let started = |node: &&NodeId| doc.nodes[node].store.is_some();
        if let Some(&node) = doc.nodes.keys().filter(started).find(|node| !known(node)) {
            let added = tokio::time::timeout(ASK_TIMEOUT, meta.add_learner(node)).await;
            tracing::info!(node, ?added, "node added to the meta group");
            // What failed may fail again at once: that waits for the next turn.
            if matches!(added, Ok(Ok(()))) {
                self.reconcile_soon.notify_one();
            }
            return;
        }
        let wanted = doc.nodes.len().min(META_VOTERS_WANTED);
        let close = |node: &&NodeId| meta.lag_of(**node).is_some_and(|lag| lag <= CAUGHT_UP_LAG);
        if let Some(&heir) = learners.iter().filter(|node| doc.nodes.contains_key(node)).find(close)
            && voters.len() < wanted
        {
            let promoted = tokio::time::timeout(ASK_TIMEOUT, meta.promote(heir)).await;
            tracing::info!(node = heir, ?promoted, "meta group got another voter");
        }
    }

    /// Takes a node that the document has no more out of the meta group, and tells it.
    async fn leave_the_meta_group(self: &Arc<Self>, meta: &Arc<Group>, gone: NodeId, votes: bool) {
        if gone == self.id {
            // The next leader sees to it.
            meta.hand_over(HAND_OVER_TIMEOUT, &self.nodes_with_room().await).await;
            return;
        }
        let removed = match votes {
            true => tokio::time::timeout(ASK_TIMEOUT, meta.remove_voter(gone)).await,
            false => tokio::time::timeout(ASK_TIMEOUT, meta.remove_learner(gone)).await,
        };
        tracing::info!(node = gone, ?removed, "removed node taken out of the meta group");
        // Best effort: a node that cannot be told finds out by itself.
        let _: Result<()> = self.ask(gone, &Ask::Retire { group: META_GROUP }, ASK_TIMEOUT).await;
    }
}
