//! What clients of the Redis protocol see, judged like what others see: while leaders die, on both ports.

use cluster_tests::client::Resp;
use cluster_tests::cluster::{Cluster, Options, with_cluster};
use cluster_tests::history::{Input, Outcome, Output};
use cluster_tests::wait;
use cluster_tests::workload::{Mix, Protocol, Workload};

use super::support::FAILOVER_MAX;

/// Writes acknowledged between two faults.
const WRITES: u64 = 300;
/// Keys enough to have some in each of five groups.
const KEYS: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registers_are_linearizable_over_the_plain_port_while_nodes_die() -> anyhow::Result<()> {
    registers(Protocol::Resp).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registers_are_linearizable_over_the_cluster_port_while_nodes_die() -> anyhow::Result<()> {
    registers(Protocol::RespCluster).await
}

/// Found by the nemesis (round 1827213989574710647): of five nodes none holds every group, and of the others' leaders
/// nobody had told them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_of_five_serves_every_key_or_knows_who_does() -> anyhow::Result<()> {
    with_cluster(5, Options::default(), async |cluster| {
        for protocol in [Protocol::Resp, Protocol::RespCluster] {
            serve_every_key(cluster, protocol).await?;
        }
        cluster.kill(1)?;
        for protocol in [Protocol::Resp, Protocol::RespCluster] {
            serve_every_key(cluster, protocol).await?;
        }
        Ok(())
    })
    .await
}

/// Writes keys of every group by way of every running node.
async fn serve_every_key(cluster: &Cluster, protocol: Protocol) -> anyhow::Result<()> {
    for (id, node) in cluster.speaking(protocol) {
        let mut client = Resp::default();
        for key in 0..KEYS {
            let what = format!("key {key} is written by way of node {id}");
            let set = Input::Set { value: id.to_string(), ttl_ms: None };
            wait::until(&what, FAILOVER_MAX, async || {
                let judged = client.operate(node, &format!("key-{key}"), &set).await;
                (judged.outcome == Outcome::Ok).then_some(())
            })
            .await?;
        }
    }
    Ok(())
}

async fn registers(protocol: Protocol) -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let workload = Workload { protocol, mix: Mix::default(), ..Workload::default() };
        let keys = workload.keys;
        let running = workload.start(cluster.speaking(protocol));
        for id in cluster.ids() {
            running.acknowledges(WRITES, FAILOVER_MAX).await?;
            cluster.kill(id)?;
            running.acknowledges(WRITES, FAILOVER_MAX).await?;
            cluster.restart(id).await?;
        }
        let history = running.judge(cluster, keys).await?;
        let read = history.iter().filter(|op| matches!(op.output, Some(Output::Read(Some(_)))));
        assert!(read.count() > 0, "reads see what was written");
        assert!(history.iter().any(|op| op.outcome != Outcome::Ok), "a node that died was noticed");
        Ok(())
    })
    .await
}
