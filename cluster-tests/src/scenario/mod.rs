//! Single faults of one disk or all, each with what must come of it. 16 clients write throughout, and in the end
//! their history is judged and the replicas compared.

mod damage;
mod failing;
mod full;
mod votes;

use std::time::Duration;

use anyhow::{Context, ensure};

use crate::admin;
use crate::cluster::{Cluster, Options, Storage, with_cluster};
use crate::workload::{Running, Workload};

/// Within this, writes must go on after a fault or its end.
const SERVED: Duration = Duration::from_secs(20);
/// Writes acknowledged before a fault, and after it.
const WRITES: u64 = 100;
/// Bytes of each value: a batch spans several sectors, so that it can be torn.
const VALUE_BYTES: usize = 1024;
/// Bytes of log after which a group takes a snapshot: never while a scenario runs, unless it is about snapshots.
const SNAPSHOT_LOG: u64 = 64 << 20;
const SNAPSHOT_LOG_SMALL: u64 = 128 << 10;
/// Bytes of a log segment.
const LOG_SEGMENT: u64 = 1 << 20;
/// A key whose group is looked at.
const PROBE: &str = "probe";

/// A fault and what must come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// Every sync of the leader's log fails: it stops and says why, the others go on.
    FailedSync,
    /// One sync of the leader's log fails and the next would succeed: it stops all the same.
    SyncOnceFailed,
    /// A write of the leader's log fails: it stops and says why, the others go on.
    FailedWrite,
    /// The leader's disk becomes read-only: it stops and says why, the others go on.
    ReadOnly,
    /// Each sync of the leader takes 2 s: no wrong answers, and writes go on.
    SlowSync,
    /// Power is lost right after a node has shown a vote: it remembers it.
    VoteKept,
    /// Power is lost in the middle of a batch: it is cut off at the next start.
    TornTail,
    /// A bit in the middle of a log flips: the start is refused, naming file and byte.
    LogFlip,
    /// A bit of a snapshot flips: it is named, and repaired from the other nodes.
    SnapshotFlip,
    /// One disk is full: the others go on, and the node with them once there is room.
    FullOne,
    /// All disks are full: writes are refused with `disk-full`, reads go on, and writes too once there is room.
    FullAll,
}

impl Scenario {
    /// Runs the scenario on a cluster of three.
    pub async fn run(self, seed: u64) -> anyhow::Result<()> {
        let options = Options {
            groups: Some(1),
            snapshot_log: Some(if self == Self::SnapshotFlip { SNAPSHOT_LOG_SMALL } else { SNAPSHOT_LOG }),
            log_segment: Some(LOG_SEGMENT),
            storage: Storage::Faulty { seed },
            ..Options::default()
        };
        let workload = Workload { value_bytes: VALUE_BYTES, seed, ..Workload::default() };
        let keys = workload.keys;
        with_cluster(3, options, async |cluster| {
            // Also founds nothing new: the probe's group is known and its key written before the fault.
            let group = admin::group_of(cluster, PROBE).await?;
            let leader = admin::leader(cluster, group).await?;
            let scene = Scene { group, leader, running: workload.start(cluster.endpoints()) };
            scene.goes_on().await.context("before the fault")?;
            self.play(cluster, &scene).await?;
            scene.goes_on().await.context("after the fault")?;
            scene.running.judge(cluster, keys).await?;
            admin::all_converged(cluster, &cluster.ids()).await
        })
        .await
        .with_context(|| format!("{self:?}, seed {seed}"))
    }

    async fn play(self, cluster: &mut Cluster, scene: &Scene) -> anyhow::Result<()> {
        match self {
            Self::FailedSync => failing::sync(cluster, scene).await,
            Self::SyncOnceFailed => failing::sync_once(cluster, scene).await,
            Self::FailedWrite => failing::write(cluster, scene).await,
            Self::ReadOnly => failing::read_only(cluster, scene).await,
            Self::SlowSync => failing::slow_sync(cluster, scene).await,
            Self::VoteKept => votes::kept(cluster, scene).await,
            Self::TornTail => damage::torn_tail(cluster, scene).await,
            Self::LogFlip => damage::log_flip(cluster, scene).await,
            Self::SnapshotFlip => damage::snapshot_flip(cluster, scene).await,
            Self::FullOne => full::one(cluster, scene).await,
            Self::FullAll => full::all(cluster).await,
        }
    }
}

/// Who is on the stage when the fault comes.
struct Scene {
    /// The data group.
    group: u64,
    /// Its leader, before the fault.
    leader: u64,
    /// The clients.
    running: Running,
}

impl Scene {
    /// Waits until more writes were acknowledged.
    async fn goes_on(&self) -> anyhow::Result<()> {
        self.running.acknowledges(WRITES, SERVED).await?;
        Ok(())
    }

    /// A node that does not lead.
    fn follower(&self, cluster: &Cluster) -> u64 {
        cluster.ids().into_iter().find(|id| *id != self.leader).unwrap_or(self.leader)
    }
}

/// Waits until a node has stopped by itself, and makes sure that it failed and says `why`.
async fn stops_saying(cluster: &mut Cluster, id: u64, why: &[&str]) -> anyhow::Result<()> {
    let (status, log) = cluster.exited(id).await.with_context(|| format!("node {id} stops"))?;
    ensure!(!status.success(), "node {id} ended with {status}");
    for part in why {
        ensure!(log.contains(part), "node {id} does not say {part:?}");
    }
    Ok(())
}
