//! Disks without room.

use std::time::Duration;

use anyhow::{Context, ensure};
use hyper::Method;
use serde_json::{Value, json};

use super::{PROBE, SERVED, Scene};
use crate::client::Client;
use crate::cluster::Cluster;
use crate::history::{Consistency, Input, Outcome, Output};
use crate::http::request;
use crate::{admin, wait};

/// Writes that need more room than the log has made ahead: two segments' worth and more.
const WRITES_PAST_SEGMENTS: u64 = 3000;
/// Within this they must be acknowledged.
const LONG: Duration = Duration::from_secs(60);

/// The leader's disk is full for a while.
pub(super) async fn one(cluster: &mut Cluster, scene: &Scene) -> anyhow::Result<()> {
    fill(cluster, scene.leader)?;
    scene.running.acknowledges(WRITES_PAST_SEGMENTS, LONG).await.context("while one disk is full")?;
    reads_go_on(cluster, scene.leader).await?;
    empty(cluster, scene.leader)?;
    admin::leader(cluster, scene.group).await.map(drop)
}

/// All disks are full for a while.
pub(super) async fn all(cluster: &mut Cluster) -> anyhow::Result<()> {
    let everyone = cluster.ids();
    everyone.iter().try_for_each(|&id| fill(cluster, id))?;
    for &id in &everyone {
        refuses_writes(cluster, id).await?;
        reads_go_on(cluster, id).await?;
    }
    everyone.iter().try_for_each(|&id| empty(cluster, id))
}

fn fill(cluster: &Cluster, id: u64) -> anyhow::Result<()> {
    let disk = cluster.disk(id)?;
    let used = disk.used_bytes();
    disk.fault(|faults| faults.capacity = Some(used));
    Ok(())
}

fn empty(cluster: &Cluster, id: u64) -> anyhow::Result<()> {
    cluster.disk(id)?.fault(|faults| faults.capacity = None);
    Ok(())
}

/// Writes through a node come to be refused, with certainty and a name.
async fn refuses_writes(cluster: &mut Cluster, id: u64) -> anyhow::Result<()> {
    let node = cluster.http(id)?;
    let mut last = String::new();
    let refused = wait::until("a write is refused", SERVED, async || {
        let write = request(Method::PUT, "/v1/kv/default/full", &json!({"value": "x".repeat(1000)}));
        let answer = Client::default().send(node, write).await.ok()?;
        last = format!("{} {} {:?}", answer.status, answer.problem(), answer.outcome());
        (answer.status.as_u16() == 507).then_some(answer)
    });
    let answer = refused.await.with_context(|| format!("node {id} answers {last}"))?;
    ensure!(answer.problem() == "disk-full", "node {id} answers {last}");
    ensure!(answer.outcome().as_deref() == Some("not_applied"), "node {id} answers {last}");
    let detail = answer.json()["detail"].clone();
    ensure!(detail != Value::Null, "node {id} does not say which disk is full");
    Ok(())
}

/// Linearizable and local reads are answered by a node.
async fn reads_go_on(cluster: &mut Cluster, id: u64) -> anyhow::Result<()> {
    let node = cluster.http(id)?;
    for how in [Consistency::Linearizable, Consistency::Local] {
        let read = wait::until("a read is answered", SERVED, async || {
            let read = Client::default().operate(node, PROBE, &Input::Get(how)).await;
            (read.outcome == Outcome::Ok).then_some(read)
        });
        let read = read.await.with_context(|| format!("{how:?} at node {id}, whose disk is full"))?;
        ensure!(matches!(read.output, Some(Output::Read(Some(_)))), "{PROBE} is gone at node {id}: {read:?}");
    }
    Ok(())
}
