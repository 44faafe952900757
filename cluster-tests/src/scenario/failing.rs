//! Disks that fail, refuse or dawdle.

use std::time::Duration;

use anyhow::Context;

use super::{Scene, stops_saying};
use crate::cluster::Cluster;
use crate::disk::{Call, Failing, Faults, PowerLoss};

/// Files of the log.
const LOG: &str = "data/log/";
/// How long a slow sync takes.
const SLOW: Duration = Duration::from_secs(2);

/// Every sync of the leader's log fails.
pub(super) async fn sync(cluster: &mut Cluster, scene: &Scene) -> anyhow::Result<()> {
    let failing = Failing { call: Call::Sync, path: LOG, after: 0, times: None };
    stops(cluster, scene, |faults| faults.failing = Some(failing), "os error 5").await
}

/// One sync of the leader's log fails. The leader is started again while its disk still shows what that sync was
/// to write, and says that every later one is good; then power is lost, and that with it unless it was written
/// again.
pub(super) async fn sync_once(cluster: &mut Cluster, scene: &Scene) -> anyhow::Result<()> {
    let failing = Failing { call: Call::Sync, path: LOG, after: 0, times: Some(1) };
    cluster.disk(scene.leader)?.fault(|faults| faults.failing = Some(failing));
    stops_saying(cluster, scene.leader, &["os error 5"]).await?;
    cluster.restart(scene.leader).await?;
    scene.goes_on().await.context("with the leader back")?;
    let everyone = cluster.ids();
    cluster.crash(&everyone, Some(PowerLoss::Dropped))?;
    everyone.iter().try_for_each(|&id| cluster.start(id))?;
    cluster.ready().await
}

/// One write of the leader's log fails.
pub(super) async fn write(cluster: &mut Cluster, scene: &Scene) -> anyhow::Result<()> {
    let failing = Failing { call: Call::Write, path: LOG, after: 3, times: Some(1) };
    stops(cluster, scene, |faults| faults.failing = Some(failing), "os error 5").await
}

/// Nothing can be changed on the leader's disk any more.
pub(super) async fn read_only(cluster: &mut Cluster, scene: &Scene) -> anyhow::Result<()> {
    stops(cluster, scene, |faults| faults.read_only = true, "os error 30").await
}

/// The leader stops because of the fault, the others go on; it comes back after a power cut that ends the fault.
async fn stops(
    cluster: &mut Cluster,
    scene: &Scene,
    fault: impl FnOnce(&mut Faults),
    why: &str,
) -> anyhow::Result<()> {
    cluster.disk(scene.leader)?.fault(fault);
    stops_saying(cluster, scene.leader, &[why]).await?;
    scene.goes_on().await.context("without the leader")?;
    cluster.disk(scene.leader)?.fault(|faults| *faults = Faults::default());
    cluster.lose_power(scene.leader, PowerLoss::Dropped)?;
    cluster.restart(scene.leader).await
}

/// The leader's syncs are slow for a while.
pub(super) async fn slow_sync(cluster: &mut Cluster, scene: &Scene) -> anyhow::Result<()> {
    cluster.disk(scene.leader)?.fault(|faults| faults.sync_min = SLOW);
    scene.goes_on().await.context("while the leader's disk is slow")?;
    cluster.disk(scene.leader)?.fault(|faults| faults.sync_min = Duration::ZERO);
    Ok(())
}
