//! Every kind of work at once, on a cluster to which nothing is done: every answer is known, and right.

use std::collections::BTreeSet;

use cluster_tests::cluster::{Options, with_cluster};
use cluster_tests::history::{Consistency, Input, Outcome};
use cluster_tests::workload::{Kind, Mix};

use super::support::{FAILOVER_MAX, everything};

/// Writes after which every kind has had its turn many times.
const WRITES: u64 = 4000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_workload_is_right_without_faults() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let workload = everything();
        let keys = workload.keys;
        let running = workload.start(cluster.endpoints());
        running.acknowledges(WRITES, FAILOVER_MAX * 6).await?;
        let history = running.judge(cluster, keys).await?;
        let unknown = history.iter().filter(|op| op.outcome == Outcome::Unknown).count();
        assert_eq!(unknown, 0, "nothing was done to the cluster, so every outcome is known");
        let worked: BTreeSet<Kind> = history.iter().filter_map(|op| Kind::of(&op.key)).collect();
        assert_eq!(worked, Mix::all().kinds().collect());
        let mut local = history.iter().filter(|op| op.input == Input::Get(Consistency::Local));
        assert!(local.any(|op| op.age_ms.is_some()), "local reads state their age");
        Ok(())
    })
    .await
}
