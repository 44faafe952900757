//! A node that was away until its log was purged comes back by snapshot, also when the stream of it breaks off.

use std::time::Duration;

use anyhow::Context;
use cluster_tests::cluster::{Cluster, Options, with_cluster};
use cluster_tests::history::Consistency;
use cluster_tests::http::{Http, request};
use cluster_tests::workload::Workload;
use cluster_tests::{admin, wait};
use hyper::Method;
use serde_json::Value;

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

/// Values of the map that is streamed, and bytes of each.
const LARGE: (usize, usize) = (40, 50_000);
/// Longer than a silent connection is kept: the stream breaks off.
const SILENT_FOR: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stream_that_broke_off_goes_on_where_it_did() -> anyhow::Result<()> {
    let options = Options {
        groups: Some(1),
        snapshot_log: Some(256 << 10),
        log_segment: Some(1 << 20),
        snapshot_rate: Some(256 << 10),
        ..Options::default()
    };
    with_cluster(3, options, async |cluster| {
        let group = admin::group_of(cluster, "probe").await?;
        let leader = admin::leader(cluster, group).await?;
        let away = cluster.ids().into_iter().find(|id| *id != leader).context("one node only")?;
        let last = admin::replica(cluster.http(away)?, group).await?.log_last.context("an empty log")?;
        cluster.kill(away)?;
        let (values, bytes) = LARGE;
        for number in 0..values {
            set_eventually(cluster.http(leader)?, &format!("large-{number}"), &noise(number, bytes)).await?;
        }
        purge_beyond(cluster, group, last).await?;
        cluster.start(away)?;
        received(cluster, away, bytes * values / 4).await?;
        cluster.pause(away)?;
        tokio::time::sleep(SILENT_FOR).await;
        cluster.resume(away)?;
        admin::all_converged(cluster, &cluster.ids()).await?;
        let begun = begun(&std::fs::read_to_string(cluster.log(away))?, group);
        let resumed = begun.iter().filter(|next| **next > 0).count();
        anyhow::ensure!(resumed > 0 && begun.len() - resumed == 1, "the streams began at chunks {begun:?}");
        Ok(())
    })
    .await
}

/// Waits until a node has received so many bytes from its peers.
async fn received(cluster: &Cluster, id: u64, bytes: usize) -> anyhow::Result<()> {
    let node = cluster.http(id)?;
    wait::until("a part of the snapshot came", PURGE_TIMEOUT, async || {
        let get = request(Method::GET, "/metrics", &Value::Null);
        let answer = Http::default().send(node, get, FAILOVER_MAX).await.ok()?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix("quorate_peer_bytes_in_total "));
        (line?.parse::<f64>().ok()? > bytes as f64).then_some(())
    })
    .await
}

/// The chunks at which streams of a group's snapshot began, by a node's log.
fn begun(log: &str, group: u64) -> Vec<u32> {
    let group = format!("group={group} ");
    let coming = log.lines().filter(|line| line.contains("snapshot coming") && line.contains(&group));
    let next = coming.filter_map(|line| line.split("next=").nth(1)?.split(' ').next()?.parse().ok());
    next.collect()
}

/// Text that does not compress much.
fn noise(seed: usize, bytes: usize) -> String {
    let mut random = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        text.push_str(&format!("{random:016x}"));
    }
    text
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
