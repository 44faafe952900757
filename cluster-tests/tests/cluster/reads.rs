//! What one node acknowledged, every other shows at once.

use cluster_tests::client::Client;
use cluster_tests::cluster::{Cluster, Options, with_cluster};
use cluster_tests::history::{Consistency, Expect, Input, Outcome, Output};
use cluster_tests::workload::Workload;

use super::support::{FAILOVER_MAX, get, plain, set};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn set_through_any_node_is_read_through_every_other() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), every_pair).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn set_through_any_node_is_read_through_every_other_with_8_groups() -> anyhow::Result<()> {
    with_cluster(3, Options { groups: Some(8), ..Options::default() }, every_pair).await
}

async fn every_pair(cluster: &mut Cluster) -> anyhow::Result<()> {
    for round in 0..10 {
        for (writer, at) in cluster.endpoints() {
            let (key, value) = (format!("pair-{round}-{writer}"), format!("{round} by {writer}"));
            let version = set(at, &key, &value).await?;
            for (reader, node) in cluster.endpoints() {
                for how in [Consistency::Linearizable, Consistency::Lease] {
                    let seen = get(node, &key, how).await?;
                    let seen = seen.map(|seen| (seen.value, seen.version));
                    assert_eq!(
                        seen,
                        Some((value.clone(), Some(version))),
                        "{how:?} at {reader} of {writer}'s"
                    );
                }
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_without_faults_is_linearizable() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let workload = Workload::default();
        let keys = workload.keys;
        let running = workload.start(cluster.endpoints());
        running.acknowledges(1000, FAILOVER_MAX * 2).await?;
        let history = running.judge(cluster, keys).await?;
        let unknown = history.iter().filter(|op| op.outcome == Outcome::Unknown).count();
        assert_eq!(unknown, 0, "nothing was done to the cluster, so every outcome is known");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batch_reports_each_operation() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let mut client = Client::default();
        let named = |key: &str, input| (key.to_owned(), input);
        let absent =
            |value: &str| Input::Cas { expect: Expect::Absent, value: value.to_owned(), ttl_ms: None };
        let operations = [
            named("batch-a", plain("1")),
            named("batch-b", plain("2")),
            named("batch-a", absent("3")),
            named("batch-c", Input::Incr { by: 5 }),
            named("batch-a", Input::Get(Consistency::Linearizable)),
            named("batch-d", Input::Get(Consistency::Linearizable)),
        ];
        let judged = client.batch(cluster.http(2)?, &operations).await;
        let present = Input::Cas { expect: Expect::Present, value: "4".into(), ttl_ms: None };
        let refused = client.batch(cluster.http(2)?, &[named("batch-a", present)]).await;
        assert_eq!(refused[0].outcome, Outcome::Fail, "batches have no such condition: {}", refused[0].error);
        assert!(judged.iter().all(|j| j.outcome == Outcome::Ok), "{judged:?}");
        assert!(matches!(judged[2].output, Some(Output::Mismatch { .. })), "{:?}", judged[2]);
        let version = judged[0].output.as_ref().and_then(Output::version);
        let Some(Output::Read(Some(seen))) = &judged[4].output else { panic!("{:?}", judged[4]) };
        assert_eq!((seen.value.as_str(), seen.version), ("1", version));
        assert_eq!(judged[5].output, Some(Output::Read(None)));
        Ok(())
    })
    .await
}
