//! Nodes join and leave, voters are added and removed, under write load and through any node.

use anyhow::ensure;
use cluster_tests::admin;
use cluster_tests::cluster::{Cluster, Options, with_cluster};
use cluster_tests::wait;

use super::support::{FAILOVER_MAX, everything};

/// The group of the cluster's own state.
const META_GROUP: u64 = 0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn voters_are_added_and_removed_under_load_through_any_node() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let workload = everything();
        let keys = workload.keys;
        let group = admin::group_of(cluster, "probe").await?;
        let running = workload.start(cluster.endpoints());
        let (four, five) = (cluster.add_node().await?, cluster.add_node().await?);
        let ids: Vec<u64> =
            admin::cluster(cluster.http(2)?).await?.nodes.iter().map(|node| node.id).collect();
        assert_eq!(ids, [1, 2, 3, 4, 5]);
        running.use_nodes(cluster.endpoints());
        running.acknowledges(100, FAILOVER_MAX).await?;
        admin::add_voter(cluster.http(four)?, group, four).await?;
        admin::add_voter(cluster.http(1)?, group, five).await?;
        voters(cluster, group, &[1, 2, 3, 4, 5]).await?;
        running.acknowledges(100, FAILOVER_MAX).await?;
        // The leader itself is among those removed.
        let leader = admin::leader(cluster, group).await?;
        let other = if leader == 1 { 2 } else { 1 };
        admin::remove_voter(cluster.http(five)?, group, leader).await?;
        admin::remove_voter(cluster.http(leader)?, group, other).await?;
        let left: Vec<u64> = (1..=5).filter(|id| ![leader, other].contains(id)).collect();
        voters(cluster, group, &left).await?;
        running.acknowledges(200, FAILOVER_MAX).await?;
        running.judge(cluster, keys).await?;
        admin::converged(cluster, group, &left).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removing_one_voter_too_many_is_refused() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let group = admin::group_of(cluster, "probe").await?;
        let leader = admin::leader(cluster, group).await?;
        let dead = cluster.ids().into_iter().find(|id| *id != leader).unwrap_or_default();
        cluster.kill(dead)?;
        let healthy = cluster.endpoints();
        for (id, node) in &healthy {
            let answer = admin::try_remove_voter(*node, group, *id).await?;
            assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (409, "would-lose-quorum"));
            assert_eq!(answer.outcome().as_deref(), Some("not_applied"));
        }
        voters(cluster, group, &[1, 2, 3]).await?;
        // The dead one may go: that makes the rest safer, not less.
        admin::remove_voter(healthy[0].1, group, dead).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removed_and_wiped_node_comes_back_under_a_new_id() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let workload = everything();
        let keys = workload.keys;
        let group = admin::group_of(cluster, "probe").await?;
        let running = workload.start(cluster.endpoints());
        running.acknowledges(100, FAILOVER_MAX).await?;
        running.use_nodes(cluster.endpoints().into_iter().filter(|(id, _)| *id != 3).collect());
        admin::remove_member(cluster.http(1)?, 3).await?;
        cluster.kill(3)?;
        cluster.wipe(3)?;
        let new = cluster.add_node().await?;
        ensure!(new == 4, "the new node has id {new}");
        admin::add_voter(cluster.http(new)?, group, new).await?;
        voters(cluster, group, &[1, 2, 4]).await?;
        running.use_nodes(cluster.endpoints());
        running.acknowledges(200, FAILOVER_MAX).await?;
        running.judge(cluster, keys).await?;
        admin::converged(cluster, group, &[1, 2, 4]).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removed_node_that_is_started_again_stops() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        admin::remove_member(cluster.http(1)?, 3).await?;
        cluster.kill(3)?;
        cluster.start(3)?;
        let (status, log) = cluster.exited(3).await?;
        assert!(!status.success(), "{status}");
        assert!(log.contains("was removed from its cluster"), "{log}");
        Ok(())
    })
    .await
}

/// It can reach the cluster only through nodes that do not lead it: the leader came after it left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removed_node_stops_also_when_a_node_it_never_knew_leads() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        admin::remove_member(cluster.http(1)?, 3).await?;
        cluster.kill(3)?;
        let new = cluster.add_node().await?;
        // The meta group takes it in by itself.
        wait::until("the new node has a vote", FAILOVER_MAX, async || {
            let group = admin::group(cluster.http(1).ok()?, META_GROUP).await.ok()?;
            group.summary.voters.contains(&new).then_some(())
        })
        .await?;
        admin::transfer_leader(cluster.http(1)?, META_GROUP, new).await?;
        cluster.start(3)?;
        let (status, log) = cluster.exited(3).await?;
        assert!(!status.success(), "{status}");
        assert!(log.contains("was removed from its cluster"), "{log}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wiped_node_is_refused_under_its_old_id() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        cluster.kill(3)?;
        cluster.wipe(3)?;
        cluster.start(3)?;
        let (status, log) = cluster.exited(3).await?;
        assert!(!status.success(), "{status}");
        assert!(
            log.contains("never used"),
            "the log does not say to come back under an id never used: {log}"
        );
        let up = admin::cluster(cluster.http(1)?).await?.health.nodes_up;
        assert_eq!(up, 2);
        Ok(())
    })
    .await
}

/// The group's voters are these, as a node that may not be one of them says.
async fn voters(cluster: &Cluster, group: u64, expected: &[u64]) -> anyhow::Result<()> {
    for (_, node) in cluster.endpoints() {
        let mut voters = admin::group(node, group).await?.summary.voters;
        voters.sort_unstable();
        ensure!(
            voters == expected,
            "{node} says the voters of group {group} are {voters:?}, not {expected:?}"
        );
    }
    Ok(())
}
