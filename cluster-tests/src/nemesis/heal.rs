//! After the faults: everything is mended, and then the cluster must work again within a bound.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use hyper::Method;
use quorate::views::{ClusterView, GroupSummary};
use serde_json::Value;
use tokio::time::Instant;

use super::stage::Stage;
use crate::admin;
use crate::client::Client;
use crate::cluster::Cluster;
use crate::history::{Consistency, Input, Outcome};
use crate::http::request;
use crate::wait;
use crate::workload;

/// Within this after everything was mended, every node must serve every group again.
const SERVED_AGAIN: Duration = Duration::from_secs(60);
/// Writes that must be acknowledged then.
const WRITES: u64 = 50;

impl Stage<'_> {
    /// Ends every fault and starts every node that does not run.
    pub(super) async fn heal(&mut self) -> anyhow::Result<()> {
        self.end_all().await?;
        self.cluster.network()?.weather(crate::netns::weather::Weather::clear);
        for id in self.cluster.ids() {
            if !self.cluster.runs(id) && !self.leaving.contains(&id) && !self.ghosts.contains(&id) {
                self.cluster.start(id)?;
            }
        }
        Ok(())
    }

    async fn works(&mut self, keys: u64) -> anyhow::Result<()> {
        self.settle().await?;
        serves(self.cluster, keys).await
    }

    /// Waits until every node serves every group, and clients' writes go on; how long it took.
    pub(super) async fn live(&mut self, keys: u64) -> anyhow::Result<Duration> {
        let began = Instant::now();
        while self.jobs.join_next().await.is_some() {}
        while let Err(error) = self.works(keys).await {
            self.nobody_ended()?;
            let late = || format!("not within {SERVED_AGAIN:?} of the end of all faults");
            if began.elapsed() > SERVED_AGAIN {
                return Err(error).with_context(late);
            }
            tokio::time::sleep(wait::POLL_INTERVAL).await;
        }
        self.nobody_ended()?;
        self.running.acknowledges(WRITES, SERVED_AGAIN).await.context("writes go on")?;
        Ok(began.elapsed())
    }
}

/// An error unless every node is ready, sees a leader of every group, and answers linearizable reads of every key.
async fn serves(cluster: &Cluster, keys: u64) -> anyhow::Result<()> {
    let mut client = Client::default();
    for (id, node) in cluster.endpoints() {
        let ready = client.send(node, request(Method::GET, "/readyz?verbose", &Value::Null)).await;
        let ready = ready.with_context(|| format!("node {id}, readyz"))?;
        ensure!(ready.status.is_success(), "node {id}: {}", String::from_utf8_lossy(&ready.body));
        let view = client.send(node, request(Method::GET, "/v1/cluster", &Value::Null)).await;
        let view: ClusterView = view.with_context(|| format!("node {id}, cluster"))?.parse()?;
        let leaderless: Vec<u32> = view.groups.iter().filter(|g| g.leader.is_none()).map(|g| g.id).collect();
        ensure!(leaderless.is_empty(), "node {id} sees no leader of groups {leaderless:?}");
        for key in 0..keys {
            let read =
                client.operate(node, &workload::name(key), &Input::Get(Consistency::Linearizable)).await;
            ensure!(read.outcome == Outcome::Ok, "node {id}, read of key {key}: {}", read.error);
        }
    }
    Ok(())
}

/// Waits until all replicas of every group hold the same state.
pub(super) async fn replicas_agree(cluster: &Cluster) -> Result<(), Disagreement> {
    for (group, members) in groups(cluster).await? {
        let Err(error) = admin::converged(cluster, group, &members).await else { continue };
        let at_same_index = differ(cluster, group, &members).await;
        return Err(Disagreement { at_same_index, error });
    }
    Ok(())
}

/// Replicas that do not hold the same state.
#[derive(Debug)]
pub(super) struct Disagreement {
    /// Whether two that have applied the same entries hold different state; otherwise one is behind or silent.
    pub(super) at_same_index: bool,
    /// What they have.
    pub(super) error: anyhow::Error,
}

impl From<anyhow::Error> for Disagreement {
    fn from(error: anyhow::Error) -> Self {
        Self { at_same_index: false, error }
    }
}

/// Every group and who is in it.
async fn groups(cluster: &Cluster) -> anyhow::Result<Vec<(u64, Vec<u64>)>> {
    let (_, node) = *cluster.endpoints().first().context("no node runs")?;
    let view = admin::cluster(node).await?;
    let members = |group: &GroupSummary| group.voters.iter().chain(&group.learners).copied().collect();
    Ok(view.groups.iter().map(|group| (u64::from(group.id), members(group))).collect())
}

async fn differ(cluster: &Cluster, group: u64, members: &[u64]) -> bool {
    let mut seen: BTreeMap<u64, String> = BTreeMap::new();
    for &id in members {
        let Ok(node) = cluster.http(id) else { continue };
        let Ok(view) = admin::replica(node, group).await else { continue };
        let (Some(applied), Some(digest)) = (view.applied, view.digest) else { continue };
        if seen.entry(applied).or_insert_with(|| digest.to_string()) != &digest.to_string() {
            return true;
        }
    }
    false
}
