//! A node that was away until its log was purged comes back by snapshot.

use std::time::Duration;

use anyhow::Context;
use cluster_tests::cluster::{Cluster, Options, with_cluster};
use cluster_tests::history::Consistency;
use cluster_tests::workload::Workload;
use cluster_tests::{admin, wait};

use super::support::{FAILOVER_MAX, get, set, set_eventually};

/// How long it may take until enough is written and purged.
const PURGE_TIMEOUT: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_whose_log_was_purged_comes_back_by_snapshot() -> anyhow::Result<()> {
    let options = Options { snapshot_log: Some(256 << 10), log_segment: Some(1 << 20), ..Options::default() };
    with_cluster(3, options, async |cluster| {
        let workload = Workload { value_bytes: 1024, ..Workload::default() };
        let keys = workload.keys;
        let group = admin::group_of(cluster, "probe").await?;
        let before = set(cluster.http(1)?, "probe", "before").await?;
        let running = workload.start(cluster.endpoints());
        running.acknowledges(200, FAILOVER_MAX).await?;
        let away = admin::leader(cluster, group).await?;
        let last = admin::replica(cluster.http(away)?, group).await?.log_last.context("an empty log")?;
        cluster.kill(away)?;
        purge_beyond(cluster, group, last).await?;
        cluster.restart(away).await?;
        running.acknowledges(100, FAILOVER_MAX).await?;
        running.judge(cluster, keys).await?;
        admin::all_converged(cluster, &cluster.ids()).await?;
        let replica = admin::replica(cluster.http(away)?, group).await?;
        assert!(
            replica.log_first > Some(last),
            "node {away} had {last} and has its log from {:?}",
            replica.log_first
        );
        versions_go_on(cluster, group, away, before).await
    })
    .await
}

/// Waits until the log of every running replica begins after `last`, taking snapshots meanwhile.
async fn purge_beyond(cluster: &Cluster, group: u64, last: u64) -> anyhow::Result<()> {
    let what = format!("group {group} purges its log beyond {last}");
    wait::until(&what, PURGE_TIMEOUT, async || {
        for (_, node) in cluster.endpoints() {
            admin::snapshot(node, group).await.ok()?;
            let first = admin::replica(node, group).await.ok()?.log_first;
            first.filter(|first| *first > last + 1)?;
        }
        Some(())
    })
    .await
}

/// The node that got its state by snapshot leads: it holds the old value and gives larger versions only.
async fn versions_go_on(cluster: &Cluster, group: u64, node: u64, before: u64) -> anyhow::Result<()> {
    let at = cluster.http(node)?;
    if admin::leader(cluster, group).await? != node {
        admin::transfer_leader(at, group, node).await?;
    }
    let seen = get(at, "probe", Consistency::Lease).await?.context("the value is lost")?;
    assert_eq!((seen.value.as_str(), seen.version), ("before", Some(before)));
    let after = set_eventually(at, "probe", "after").await?;
    assert!(after > before, "version {after} after {before}");
    Ok(())
}
