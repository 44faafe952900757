//! Nodes die or freeze while 16 clients write: nothing acknowledged is lost, writes go on, reads are not stale.

use cluster_tests::admin;
use cluster_tests::cluster::{Options, with_cluster};

use super::support::{FAILOVER_MAX, everything, set_eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leader_killed_under_load_loses_nothing_and_catches_up() -> anyhow::Result<()> {
    leader_killed(Options::default()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leader_killed_under_load_with_8_groups() -> anyhow::Result<()> {
    leader_killed(Options { groups: Some(8), ..Options::default() }).await
}

async fn leader_killed(options: Options) -> anyhow::Result<()> {
    with_cluster(3, options, async |cluster| {
        let workload = everything();
        let keys = workload.keys;
        let group = admin::group_of(cluster, "probe").await?;
        let running = workload.start(cluster.endpoints());
        running.acknowledges(200, FAILOVER_MAX).await?;
        let leader = admin::leader(cluster, group).await?;
        cluster.kill(leader)?;
        // Some clients still ask the dead node, as clients do.
        let next = cluster.endpoints()[0].1;
        set_eventually(next, "probe", "the killed leader's group takes writes").await?;
        running.acknowledges(300, FAILOVER_MAX).await?;
        cluster.restart(leader).await?;
        running.acknowledges(200, FAILOVER_MAX).await?;
        running.judge(cluster, keys).await?;
        admin::all_converged(cluster, &cluster.ids()).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_killed_at_once_under_load_lose_nothing() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let workload = everything();
        let keys = workload.keys;
        let running = workload.start(cluster.endpoints());
        for _ in 0..2 {
            running.acknowledges(300, FAILOVER_MAX).await?;
            cluster.kill_all()?;
            cluster.ids().into_iter().try_for_each(|id| cluster.start(id))?;
            cluster.ready().await?;
        }
        running.acknowledges(200, FAILOVER_MAX).await?;
        running.judge(cluster, keys).await?;
        admin::all_converged(cluster, &cluster.ids()).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leader_paused_through_an_election_serves_nothing_stale() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let workload = everything();
        let keys = workload.keys;
        let group = admin::group_of(cluster, "probe").await?;
        let everyone = cluster.endpoints();
        let running = workload.start(everyone.clone());
        running.acknowledges(200, FAILOVER_MAX).await?;
        let leader = admin::leader(cluster, group).await?;
        cluster.pause(leader)?;
        // Requests already at the paused node are answered once it wakes, when its lease is long over.
        let others: Vec<_> = everyone.iter().copied().filter(|(id, _)| *id != leader).collect();
        running.use_nodes(others.clone());
        set_eventually(others[0].1, "probe", "written while the leader slept").await?;
        running.acknowledges(300, FAILOVER_MAX).await?;
        cluster.resume(leader)?;
        running.use_nodes(everyone);
        running.acknowledges(200, FAILOVER_MAX).await?;
        running.judge(cluster, keys).await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_and_started_one_after_the_other() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let workload = everything();
        let keys = workload.keys;
        let running = workload.start(cluster.endpoints());
        for id in cluster.ids() {
            cluster.terminate(id).await?;
            running.acknowledges(100, FAILOVER_MAX).await?;
            cluster.restart(id).await?;
        }
        running.acknowledges(100, FAILOVER_MAX).await?;
        running.judge(cluster, keys).await?;
        admin::all_converged(cluster, &cluster.ids()).await
    })
    .await
}
