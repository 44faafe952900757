//! What clients of the Redis protocol see, judged like what others see: while leaders die, on both ports.

use cluster_tests::cluster::{Options, with_cluster};
use cluster_tests::history::{Outcome, Output};
use cluster_tests::workload::{Mix, Protocol, Workload};

use super::support::FAILOVER_MAX;

/// Writes acknowledged between two faults.
const WRITES: u64 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registers_are_linearizable_over_the_plain_port_while_nodes_die() -> anyhow::Result<()> {
    registers(Protocol::Resp).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registers_are_linearizable_over_the_cluster_port_while_nodes_die() -> anyhow::Result<()> {
    registers(Protocol::RespCluster).await
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
