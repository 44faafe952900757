//! How a fresh node comes into a cluster: it finds the others through its seeds, and either they found one
//! together or one of them lets it in.
//!
//! Founding has two steps, so that two sets of nodes never found two clusters with a node in common: the node
//! with the lowest id asks every other for a promise ([`peer::PREPARE`]), and only with all of them tells them
//! ([`peer::FOUND`]). Each writes the founding to its disk first; from then on any founder completes it after a crash.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use raft_store::NodeId;
use tokio::time::Instant;

use super::Inner;
use super::doc::{Founding, Member};
use super::identity::{Membership, random_id};
use super::peer::{self, Applicant, Joined, Objection, Probed};
use crate::limits::{FOUNDING_PROMISE, JOIN_TIMEOUT, NODES_MAX, PROBE_INTERVAL, PROBE_TIMEOUT};

impl Inner {
    /// This node as it presents itself while fresh.
    pub(super) fn applicant(&self) -> Applicant {
        Applicant {
            spec: self.me.clone(),
            store: self.store_id(),
            bootstrap_expect: self.config.bootstrap_expect,
        }
    }

    /// Looks for a cluster to found or to join until this node is in one. An error is final.
    pub(super) async fn find_cluster(self: Arc<Self>) -> anyhow::Result<()> {
        loop {
            if self.cluster_id().is_some() {
                return Ok(());
            }
            let mut fresh = BTreeMap::from([(self.id, self.applicant())]);
            for seed in self.config.seeds.iter().filter(|&seed| *seed != self.me.peer) {
                match self.probe(seed).await {
                    Some(Probed::Member) => self.join(seed).await?,
                    Some(Probed::Refused(why)) => {
                        anyhow::bail!("the cluster at {seed} refuses this node: {why}")
                    }
                    Some(Probed::Fresh(other)) => self.note_fresh(&mut fresh, other)?,
                    None => {}
                }
            }
            if self.config.bootstrap_expect > 0 {
                self.found_if_complete(fresh).await?;
            }
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }

    fn note_fresh(&self, fresh: &mut BTreeMap<NodeId, Applicant>, other: Applicant) -> anyhow::Result<()> {
        ensure!(
            other.spec.id != self.id || other.store == self.store_id(),
            "another node was started with the same id {}, at {}",
            self.id,
            other.spec.peer
        );
        if other.bootstrap_expect == self.config.bootstrap_expect {
            fresh.insert(other.spec.id, other);
        }
        Ok(())
    }

    async fn probe(&self, seed: &str) -> Option<Probed> {
        let question = peer::json(&self.applicant());
        let answer = self.transport.call_addr(seed, peer::PROBE, question, PROBE_TIMEOUT).await.ok()?;
        peer::from_json(&answer).ok()
    }

    /// Founds the cluster if enough nodes are there and this one has the lowest id.
    async fn found_if_complete(self: &Arc<Self>, fresh: BTreeMap<NodeId, Applicant>) -> anyhow::Result<()> {
        let expected = self.config.bootstrap_expect;
        if fresh.len() < expected || fresh.keys().next() != Some(&self.id) {
            return Ok(());
        }
        self.found(fresh.into_values().take(expected).collect()).await.map(drop)
    }

    /// Founds a cluster of exactly these nodes, this one among them; `false`: some are not ready for it yet.
    pub(super) async fn found(self: &Arc<Self>, nodes: Vec<Applicant>) -> anyhow::Result<bool> {
        ensure!(nodes.len() <= NODES_MAX, "a cluster has at most {NODES_MAX} nodes");
        let _entering = self.founding.lock().await;
        let asked_at = Instant::now();
        let others: Vec<&Applicant> = nodes.iter().filter(|node| node.spec.id != self.id).collect();
        if let Some(objection) = self.promise_to(self.id) {
            tracing::debug!(objection, "not founding");
            return Ok(false);
        }
        // All at once, so that no promise is old when the last one comes.
        let asked = others.iter().map(|other| async {
            (other.spec.id, self.object(&other.spec.peer, peer::PREPARE, peer::json(&self.id)).await)
        });
        for (node, objection) in futures_util::future::join_all(asked).await {
            if let Some(objection) = objection {
                tracing::info!(node, objection, "not founding a cluster yet");
                return Ok(false);
            }
        }
        // The promises have to hold until every founder is told.
        if self.cluster_id().is_some() || asked_at.elapsed() > FOUNDING_PROMISE / 2 {
            return Ok(false);
        }
        let founding = Founding {
            cluster_id: random_id(),
            coordinator: self.id,
            groups: if self.config.groups == 0 { nodes.len() as u32 } else { self.config.groups },
            replication: self.config.replication,
            founders: nodes.into_iter().map(member).collect(),
        };
        tracing::info!(cluster = founding.cluster_id, nodes = founding.founders.len(), "founding a cluster");
        self.enter_founded(founding).await?;
        Ok(true)
    }

    async fn object(&self, addr: &str, service: u8, question: bytes::Bytes) -> Objection {
        match self.transport.call_addr(addr, service, question, PROBE_TIMEOUT).await {
            Ok(answer) => peer::from_json(&answer).unwrap_or_else(|error| Some(error.to_string())),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Promises not to found or enter another cluster for a while than `coordinator`'s.
    pub(super) fn promise_to(&self, coordinator: NodeId) -> Objection {
        if let Some(cluster) = self.cluster_id() {
            return Some(format!("node {} belongs to cluster {cluster}", self.id));
        }
        let mut promise = self.promise.lock();
        match *promise {
            Some((to, until)) if to != coordinator && Instant::now() < until => {
                Some(format!("node {} has promised to found a cluster with node {to}", self.id))
            }
            _ => {
                *promise = Some((coordinator, Instant::now() + FOUNDING_PROMISE));
                None
            }
        }
    }

    /// Enters a founded cluster: to disk first, then the groups, then word to the other founders.
    pub(super) async fn enter_founded(self: &Arc<Self>, founding: Founding) -> anyhow::Result<()> {
        let peers = founding.founders.iter().map(|(&id, member)| (id, member.peer.clone())).collect();
        let cluster_id = founding.cluster_id.clone();
        self.enter(Membership { cluster_id, founding: Some(founding.clone()), peers })?;
        self.tell_founders(&founding);
        self.begin_founded(&founding).await
    }

    /// Tells the other founders, in the background.
    pub(super) fn tell_founders(self: &Arc<Self>, founding: &Founding) {
        let known = self.identity.lock().identity.cluster.as_ref().map(|cluster| cluster.peers.clone());
        let others = founding.founders.iter().filter(|(node, _)| **node != self.id);
        let tasks = others.map(|(node, member)| {
            let newer = known.as_ref().and_then(|peers| peers.get(node));
            let addr = newer.unwrap_or(&member.peer).clone();
            tokio::spawn(self.clone().tell_founder(*node, addr, founding.clone())).abort_handle()
        });
        self.tasks.lock().extend(tasks);
    }

    /// Tells a founder until it knows, so that a coordinator's crash leaves nobody out; or until the cluster works: from
    /// then on it can join.
    async fn tell_founder(self: Arc<Self>, node: NodeId, addr: String, founding: Founding) {
        loop {
            match self.object(&addr, peer::FOUND, peer::json(&founding)).await {
                None => return,
                Some(objection) => tracing::debug!(node, objection, "founder not told yet"),
            }
            if self.doc().is_some() {
                return;
            }
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
    }

    /// Opens the groups this node is a founding voter of, and gives them their first configuration.
    pub(super) async fn begin_founded(self: &Arc<Self>, founding: &Founding) -> anyhow::Result<()> {
        for (group, replicas) in founding.placement() {
            let Some(turn) = replicas.iter().position(|&node| node == self.id) else { continue };
            if self.host.repair_of(group).is_some() || self.host.has_left(group)? {
                continue;
            }
            let replica = self.host.open(group).await?;
            let voters = replicas.iter().copied().collect();
            // The first in line begins and so most likely leads; the others only step in if it does not.
            let patience = Duration::from_millis(self.config.election_max * 4 * turn as u64);
            tokio::spawn(async move {
                tokio::time::sleep(patience).await;
                if replica.is_pristine().await
                    && let Err(error) = replica.initialize(&voters).await
                {
                    tracing::error!(group, error, "group not initialized");
                }
            });
        }
        Ok(())
    }

    /// Asks `seed`, which is a member, to be let in. It need not be: a seed may be cut off, or have left the cluster itself
    /// and not know it, and then another one is to be asked.
    async fn join(self: &Arc<Self>, seed: &str) -> anyhow::Result<()> {
        if self.cluster_id().is_some() {
            // Another seed let it in, or it was told of the founding meanwhile.
            return Ok(());
        }
        let question = peer::json(&self.applicant());
        let answer = self.transport.call_addr(seed, peer::JOIN, question, JOIN_TIMEOUT).await;
        let told: Option<peer::Told> = answer.ok().and_then(|answer| peer::from_json(&answer).ok());
        match told {
            Some(Ok(joined)) => {
                let joined: Joined =
                    serde_json::from_value(joined).context("reading the answer to a join")?;
                tracing::info!(cluster = joined.cluster_id, seed, "joined a cluster");
                let peers = joined.peers.into_iter().collect();
                self.enter(Membership { cluster_id: joined.cluster_id, founding: None, peers })?;
            }
            Some(Err(error)) if error.kind == crate::error::ErrorKind::Conflict => {
                anyhow::bail!("the cluster at {seed} refuses this node: {}", error.detail)
            }
            Some(Err(error)) => tracing::warn!(%error, seed, "not let in yet"),
            None => tracing::warn!(seed, "the seed did not answer the request to join"),
        }
        Ok(())
    }

    /// Binds this node to a cluster: on disk, then on the wire.
    pub(super) fn enter(&self, membership: Membership) -> anyhow::Result<()> {
        let cluster_id =
            u128::from_str_radix(&membership.cluster_id, 16).context("cluster ids are hexadecimal")?;
        self.identity.lock().set_cluster(membership.clone())?;
        self.transport.set_cluster(cluster_id);
        for (&node, addr) in membership.peers.iter().filter(|(node, _)| **node != self.id) {
            self.transport.set_peer(node, addr);
        }
        Ok(())
    }

    /// Answers a fresh node's probe.
    pub(super) fn probed(&self, applicant: &Applicant) -> Probed {
        if self.cluster_id().is_none() {
            return Probed::Fresh(self.applicant());
        }
        let (node, store) = (applicant.spec.id, applicant.store.as_str());
        let founder = self.identity.lock().identity.cluster.as_ref().and_then(|cluster| {
            cluster.founding.as_ref().and_then(|founding| founding.founders.get(&node).cloned())
        });
        let refusal = match self.doc() {
            Some(doc) => doc.admits(node, Some(store)).err(),
            None => founder
                .filter(|founder| founder.store.as_deref() != Some(store))
                .map(|_| super::doc::Refusal::OtherDisk(node)),
        };
        match refusal {
            Some(refusal) => Probed::Refused(refusal.to_string()),
            None => Probed::Member,
        }
    }
}

fn member(applicant: Applicant) -> (NodeId, Member) {
    let Applicant { spec, store, .. } = applicant;
    (spec.id, Member::new(spec, Some(store)))
}
