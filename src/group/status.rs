//! What one replica knows of its group.

use std::collections::BTreeSet;
use std::time::Duration;

use openraft::async_runtime::WatchReceiver as _;
use openraft::{Instant as _, ServerState};
use raft_store::NodeId;
use raft_store::wal::Numbers;

use super::{Group, Metrics, metrics_of};
use crate::limits::{HEALTHY_WITHIN, VOTER_ACKED_WITHIN};
use crate::views::{GroupSummary, GroupView, ReplicaView};

/// A group as its leader sees it now.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// Voters there are.
    pub(crate) voters: usize,
    /// Voters that acknowledged a heartbeat just now, the leader included.
    pub(crate) healthy: usize,
    /// Every replica but the leader's own.
    pub(crate) replicas: Vec<ReplicaStanding>,
}

/// One replica as its leader sees it now.
#[derive(Debug, Clone)]
pub(crate) struct ReplicaStanding {
    /// Where it is.
    pub(crate) node: NodeId,
    /// Entries it is behind the leader's log.
    pub(crate) lag: u64,
    /// Since the newest heartbeat it acknowledged was sent; `None`: it acknowledged none of this leadership.
    pub(crate) acked_ago: Option<Duration>,
}

impl Group {
    /// How the group's replicas are; `None` where it is not led.
    pub(crate) fn standing(&self) -> Option<Standing> {
        let metrics = self.metrics();
        if !self.leads() {
            return None;
        }
        let others = self.replicas(&metrics).into_iter().filter(|replica| replica.node != self.node);
        let replicas = others.map(|replica| ReplicaStanding {
            node: replica.node,
            lag: replica.lag,
            acked_ago: acked_ago(&metrics, replica.node),
        });
        Some(Standing {
            voters: metrics.membership_config.voter_ids().count(),
            healthy: self.healthy_voters(&metrics, VOTER_ACKED_WITHIN).len(),
            replicas: replicas.collect(),
        })
    }

    /// openraft's view of the replica.
    pub(crate) fn metrics(&self) -> Metrics {
        metrics_of(&self.raft)
    }

    /// The leader as this replica knows it, while it gives signs of life: openraft remembers the last one for
    /// ever. A deposed leader may stand here for up to [`HEALTHY_WITHIN`].
    pub(crate) fn leader(&self) -> Option<NodeId> {
        let metrics = self.raft.metrics();
        let shown = metrics.borrow_watched();
        self.live_leader(&shown)
    }

    /// Numbers of commands in the entries this replica proposed.
    pub(crate) fn entry_sizes(&self) -> Numbers {
        self.batcher.sizes()
    }

    /// The term and the leader this replica knows of in it, alive or not.
    pub(crate) fn leadership_seen(&self) -> Option<(u64, NodeId)> {
        let metrics = self.raft.metrics();
        let shown = metrics.borrow_watched();
        Some((shown.current_term, shown.current_leader?))
    }

    /// How late a key may expire at most now: how far group time is behind the leader's clock, as this replica knows it,
    /// while any key it holds is due by that clock.
    pub(crate) fn late(&self) -> Duration {
        let now_ms = self.now_ms();
        let is_due = self.leadership.applied.deadline().is_some_and(|deadline| deadline <= now_ms);
        let behind = now_ms.saturating_sub(self.map.read().time_ms());
        Duration::from_millis(if is_due { behind } else { 0 })
    }

    /// The leader of the vote this replica holds, however long ago it was heard.
    pub(crate) fn last_leader(&self) -> Option<NodeId> {
        self.leadership.last_leader()
    }

    /// Waits until this replica knows of a leader that is not `other`; for ever, once the group has stopped.
    pub(crate) async fn leader_but(&self, other: Option<NodeId>) {
        let mut shown = self.raft.server_metrics();
        loop {
            let leader = shown.borrow_watched().current_leader;
            if leader.is_some() && leader != other {
                return;
            }
            if shown.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    fn live_leader(&self, metrics: &Metrics) -> Option<NodeId> {
        let leader = metrics.current_leader?;
        let silent = if leader == self.node {
            let alone = metrics.membership_config.voter_ids().count() == 1;
            if alone { Some(Duration::ZERO) } else { metrics.last_quorum_acked.map(|acked| acked.elapsed()) }
        } else {
            self.inbound.silence_of(leader)
        };
        silent.is_some_and(|silent| silent < HEALTHY_WITHIN).then_some(leader)
    }

    /// Whether this replica leads, as far as it knows.
    pub(crate) fn leads(&self) -> bool {
        self.leadership.current().is_ok()
    }

    /// Whether the replica never took part in anything: no vote, no log.
    pub(crate) async fn is_pristine(&self) -> bool {
        matches!(self.raft.is_initialized().await, Ok(false))
    }

    /// Whether the replica's newest configuration names this node; `None` before it has one.
    pub(crate) fn names_this_node(&self) -> Option<bool> {
        let membership = self.metrics().membership_config;
        let mut nodes = membership.nodes().peekable();
        nodes.peek()?;
        Some(nodes.any(|(&node, _)| node == self.node))
    }

    /// Why the replica stopped for good, if it did: its disk failed, or openraft met what must not be.
    pub(crate) fn failure(&self) -> Option<String> {
        self.metrics().running_state.err().map(|fatal| fatal.to_string())
    }

    /// Whether everything is applied here that the leader last said is committed, but for `lag` entries, and an entry
    /// of its leadership with it: before that a leader need not know itself what is committed, and this replica
    /// may hold next to nothing.
    pub(crate) fn caught_up_within(&self, lag: u64) -> bool {
        let metrics = self.metrics();
        let word = match self.live_leader(&metrics) {
            Some(leader) if leader == self.node => Some((metrics.vote.leader_id, metrics.local_committed)),
            Some(leader) => self.inbound.word_of(leader),
            None => None,
        };
        let (Some((leader, Some(committed))), Some(applied)) = (word, self.leadership.progress.last()) else {
            return false;
        };
        applied.leader_id >= leader && committed.index.saturating_sub(applied.index) <= lag
    }

    /// Voters that acknowledged a heartbeat within `window`, this leader included.
    pub(super) fn healthy_voters(&self, metrics: &Metrics, window: Duration) -> BTreeSet<NodeId> {
        let healthy = |node: &NodeId| *node == self.node || acked_within(metrics, *node, window);
        metrics.membership_config.voter_ids().filter(healthy).collect()
    }

    /// Entries a replica is behind this leader's log; `None`: this node does not lead, or has no word of it.
    pub(crate) fn lag_of(&self, node: NodeId) -> Option<u64> {
        self.replicas(&self.metrics())
            .into_iter()
            .find(|replica| replica.node == node && replica.matched.is_some())
            .map(|replica| replica.lag)
    }

    /// Number, leader and members.
    pub(crate) fn summary(&self) -> GroupSummary {
        let metrics = self.metrics();
        GroupSummary {
            id: self.id,
            leader: self.live_leader(&metrics),
            term: metrics.current_term,
            voters: metrics.membership_config.voter_ids().collect(),
            learners: metrics.membership_config.membership().learner_ids().collect(),
            slots: self.map.read().owned().1.len() as u32,
        }
    }

    /// Everything, with a checksum of the whole state if asked for.
    pub(crate) fn view(&self, digest: bool) -> GroupView {
        let metrics = self.metrics();
        let log = self.log.group_stats(self.id);
        let (applied, frozen, time_ms, stats) = self.consistent_state(digest);
        GroupView {
            summary: self.summary(),
            seen_by: self.node,
            log_first: log.first_index,
            log_last: metrics.last_log_index,
            committed: metrics.local_committed.map(|id| id.index),
            applied,
            snapshot: metrics.snapshot.map(|id| id.index),
            log_bytes: log.bytes,
            replicas: self.replicas(&metrics),
            time_ms,
            items: stats.items,
            bytes: stats.bytes,
            digest: frozen.map(|frozen| format!("{:016x}", frozen.digest())),
        }
    }

    /// Applied index, frozen map and its figures, all of one moment.
    fn consistent_state(
        &self,
        freeze: bool,
    ) -> (Option<u64>, Option<raft_store::map::Frozen>, u64, raft_store::map::MapStats) {
        loop {
            let before = self.leadership.progress.index();
            let map = self.map.read();
            let state = (freeze.then(|| map.freeze()), map.time_ms(), map.stats());
            drop(map);
            // The index is published after its entry is applied: unmoved, both are of one moment.
            if !freeze || self.leadership.progress.index() == before {
                return (before, state.0, state.1, state.2);
            }
        }
    }

    fn replicas(&self, metrics: &Metrics) -> Vec<ReplicaView> {
        let last = metrics.last_log_index.unwrap_or(0);
        let Some(replication) = metrics.replication.as_ref().filter(|_| metrics.state == ServerState::Leader)
        else {
            return Vec::new();
        };
        let view = |(&node, matched): (&NodeId, &Option<raft_store::raft::LogId>)| {
            let matched = matched.map(|id| id.index);
            let healthy = node == self.node || acked_within(metrics, node, VOTER_ACKED_WITHIN);
            ReplicaView { node, matched, lag: last - matched.unwrap_or(0).min(last), healthy }
        };
        replication.iter().map(view).collect()
    }
}

/// Whether a replica acknowledged a heartbeat of this leader within `window`.
pub(super) fn acked_within(metrics: &Metrics, node: NodeId, window: Duration) -> bool {
    acked_ago(metrics, node).is_some_and(|ago| ago < window)
}

/// Time since this leader sent the newest heartbeat that a replica acknowledged.
fn acked_ago(metrics: &Metrics, node: NodeId) -> Option<Duration> {
    Some(metrics.heartbeat.as_ref()?.get(&node)?.as_ref()?.elapsed())
}
