//! A deadline means the same through a leader's death and a restart of everything.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use cluster_tests::client::Client;
use cluster_tests::cluster::{Cluster, Options, with_cluster};
use cluster_tests::history::{Consistency, Input, Outcome};
use cluster_tests::{admin, wait};

use super::support::{FAILOVER_MAX, get, set, set_eventually};

/// Time to live of the keys; longer than what is done to the cluster meanwhile takes.
const TTL: Duration = Duration::from_secs(6);
/// How late a key may go: the tick interval (1 s) plus the failover, on a busy machine.
const LATE_MAX: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadline_survives_the_leaders_death() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let mortal = Mortal::born(cluster.http(1)?).await?;
        let group = admin::group_of(cluster, "probe").await?;
        let leader = admin::leader(cluster, group).await?;
        cluster.kill(leader)?;
        let node = cluster.endpoints()[0].1;
        mortal.dies_in_time(node).await?;
        cluster.restart(leader).await?;
        mortal.stays_dead(cluster).await
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadline_survives_a_restart_of_all() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let mortal = Mortal::born(cluster.http(1)?).await?;
        cluster.kill_all()?;
        cluster.ids().into_iter().try_for_each(|id| cluster.start(id))?;
        cluster.ready().await?;
        mortal.dies_in_time(cluster.http(2)?).await?;
        cluster.kill_all()?;
        cluster.ids().into_iter().try_for_each(|id| cluster.start(id))?;
        cluster.ready().await?;
        mortal.stays_dead(cluster).await
    })
    .await
}

/// Nobody's clock ran meanwhile: the time comes from the wall clock's gap, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadline_passes_while_every_node_is_down() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        // One key in each of several groups, so that every node leads one of them after the restart.
        let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
        for key in keys {
            let input = Input::Set { value: "goes".into(), ttl_ms: Some(TTL.as_millis() as u64) };
            let set = Client::default().operate(cluster.http(1)?, key, &input).await;
            ensure!(set.outcome == Outcome::Ok, "{set:?}");
        }
        cluster.kill_all()?;
        tokio::time::sleep(TTL).await;
        cluster.ids().into_iter().try_for_each(|id| cluster.start(id))?;
        cluster.ready().await?;
        for key in keys {
            let left = get(cluster.http(1)?, key, Consistency::Linearizable).await?;
            ensure!(left.is_none(), "{key} outlived an outage longer than its time: {left:?}");
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_grow_over_delete_expiry_and_restart() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let node = cluster.http(1)?;
        let mut versions = vec![set(node, "probe", "a").await?];
        let deleted = Client::default().operate(node, "probe", &Input::Delete).await;
        versions.push(deleted.output.and_then(|o| o.version()).context("a delete without version")?);
        versions.push(set(node, "probe", "b").await?);
        let group = admin::group_of(cluster, "probe").await?;
        versions.push(set(node, "probe", "c").await?);
        admin::snapshot(node, group).await?;
        cluster.kill_all()?;
        cluster.ids().into_iter().try_for_each(|id| cluster.start(id))?;
        cluster.ready().await?;
        versions.push(set_eventually(cluster.http(2)?, "probe", "d").await?);
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
        Ok(())
    })
    .await
}

/// A key with a deadline, in the group of `probe`, and one without beside it.
struct Mortal {
    called: Instant,
    acknowledged: Instant,
}

const MORTAL: &str = "{probe}-mortal";
const IMMORTAL: &str = "{probe}-immortal";

/// Keys as they stand in a path: braces are percent-encoded.
fn path(key: &str) -> String {
    key.replace('{', "%7B").replace('}', "%7D")
}

impl Mortal {
    async fn born(node: SocketAddr) -> anyhow::Result<Self> {
        set(node, &path(IMMORTAL), "stays").await?;
        let called = Instant::now();
        let input = Input::Set { value: "goes".into(), ttl_ms: Some(TTL.as_millis() as u64) };
        let judged = Client::default().operate(node, &path(MORTAL), &input).await;
        ensure!(judged.outcome == Outcome::Ok, "{}", judged.error);
        Ok(Self { called, acknowledged: Instant::now() })
    }

    /// Reads until the key is gone: not before its time, and not long after.
    async fn dies_in_time(&self, node: SocketAddr) -> anyhow::Result<()> {
        let left = (self.acknowledged + TTL).saturating_duration_since(Instant::now());
        wait::until("a read is answered", FAILOVER_MAX, async || {
            get(node, &path(MORTAL), Consistency::Linearizable).await.ok()
        })
        .await?;
        wait::until("the key expires", left + LATE_MAX, async || {
            let seen = get(node, &path(MORTAL), Consistency::Linearizable).await.ok()?;
            seen.is_none().then_some(())
        })
        .await?;
        let age = self.called.elapsed();
        ensure!(age >= TTL, "gone after {age:?}, {:?} early", TTL - age);
        Ok(())
    }

    /// Nobody shows it again, and its immortal neighbour is there.
    async fn stays_dead(&self, cluster: &Cluster) -> anyhow::Result<()> {
        for (id, node) in cluster.endpoints() {
            for how in [Consistency::Linearizable, Consistency::Lease] {
                let seen = get(node, &path(MORTAL), how).await?;
                ensure!(seen.is_none(), "node {id} shows {seen:?} again by a {how:?} read");
                let seen = get(node, &path(IMMORTAL), how).await?;
                ensure!(seen.is_some_and(|seen| seen.value == "stays"), "node {id} lost the other key");
            }
        }
        Ok(())
    }
}
