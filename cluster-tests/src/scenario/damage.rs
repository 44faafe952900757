//! Bytes on disk that are not what was written.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::{SERVED, Scene, stops_saying};
use crate::cluster::Cluster;
use crate::disk::PowerLoss;
use crate::{admin, wait};

/// Power cuts until one has torn a batch.
const CUTS_MAX: u32 = 20;
/// Syncs this slow leave batches unsynced for most of the time.
const SYNC_SLOW: Duration = Duration::from_millis(30);
/// What a batch in the log begins with.
const BATCH_MAGIC: &[u8] = b"QRBa";
/// From there to bytes covered by nothing but the batch's checksum.
const INTO_BATCH: usize = 40;
/// The folders of log and snapshots on a node's disk.
const LOG: &str = "data/log";
const SNAPSHOTS: &str = "data/snapshots";
/// Every so many bytes of the snapshots one bit flips: no chunk stays whole.
const FLIP_EVERY: usize = 64;

/// Power cuts at a follower under load until one tore the batch being written. Every start must succeed.
pub(super) async fn torn_tail(cluster: &mut Cluster, scene: &Scene) -> anyhow::Result<()> {
    let node = scene.follower(cluster);
    cluster.disk(node)?.fault(|faults| faults.sync_min = SYNC_SLOW);
    for _ in 0..CUTS_MAX {
        scene.running.acknowledges(20, SERVED).await?;
        cluster.crash(&[node], Some(PowerLoss::Torn))?;
        cluster.restart(node).await?;
        if cluster.log_text(node)?.contains("cutting a torn batch") {
            cluster.disk(node)?.fault(|faults| faults.sync_min = Duration::ZERO);
            return Ok(());
        }
    }
    bail!("{CUTS_MAX} power cuts tore no batch")
}

/// A bit flips in the middle of a follower's log while it is down.
pub(super) async fn log_flip(cluster: &mut Cluster, scene: &Scene) -> anyhow::Result<()> {
    let node = scene.follower(cluster);
    cluster.kill(node)?;
    let disk = cluster.disk(node)?;
    let (path, batches) = fullest_segment(cluster, node)?;
    ensure!(batches.len() >= 3, "only {} batches in {}", batches.len(), path.display());
    let at = batches[batches.len() / 2] + INTO_BATCH;
    disk.flip(&path, at, 1)?;
    let name = path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
    cluster.start(node)?;
    stops_saying(cluster, node, &[&name, "damaged at byte"]).await?;
    scene.goes_on().await.context("without the damaged node")?;
    cluster.disk(node)?.flip(&path, at, 1)?;
    cluster.restart(node).await
}

/// The segment of a node's log with the most batches, and where they begin.
fn fullest_segment(cluster: &Cluster, node: u64) -> anyhow::Result<(PathBuf, Vec<usize>)> {
    let disk = cluster.disk(node)?;
    let mut found = Vec::new();
    for path in disk.files().into_keys().filter(|path| path.starts_with(LOG)) {
        let bytes = disk.read(&path)?;
        let starts = bytes.windows(BATCH_MAGIC.len()).enumerate().filter(|(_, four)| *four == BATCH_MAGIC);
        found.push((path, starts.map(|(at, _)| at).collect::<Vec<_>>()));
    }
    found.into_iter().max_by_key(|(_, batches)| batches.len()).context("there is no log")
}

/// Bits flip all over a follower's snapshots while it is down, and its log alone is not enough. It says so, serves nothing of it, and has a sound
/// replica again in the end, without anybody's help.
pub(super) async fn snapshot_flip(cluster: &mut Cluster, scene: &Scene) -> anyhow::Result<()> {
    let node = scene.follower(cluster);
    let at = cluster.http(node)?;
    let purged = wait::until("the log begins behind a snapshot", SERVED, async || {
        let replica = admin::replica(at, scene.group).await.ok()?;
        replica.log_first.filter(|first| *first > 1).and(replica.snapshot)
    });
    purged.await?;
    cluster.kill(node)?;
    flip_slabs(cluster, node)?;
    cluster.start(node)?;
    let said = wait::until("the damage is named", SERVED, async || {
        let log = cluster.log_text(node).ok()?.to_lowercase();
        (log.contains("snapshot") && (log.contains("damaged") || log.contains("corrupt"))).then_some(())
    });
    said.await?;
    cluster.ready().await?;
    admin::converged(cluster, scene.group, &cluster.ids()).await.context("the snapshot is repaired")
}

/// Flips bits in the files that hold the database's leaves.
fn flip_slabs(cluster: &Cluster, node: u64) -> anyhow::Result<()> {
    let disk = cluster.disk(node)?;
    let mut flipped = 0;
    for (path, (bytes, _)) in disk.files() {
        if !path.starts_with(SNAPSHOTS) || !path.to_string_lossy().contains("slab") {
            continue;
        }
        for at in (FLIP_EVERY / 2..bytes).step_by(FLIP_EVERY) {
            disk.flip(&path, at, 0x10)?;
            flipped += 1;
        }
    }
    ensure!(flipped > 0, "node {node} has no snapshots: {:?}", disk.files());
    Ok(())
}
