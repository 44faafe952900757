//! Crash rounds in short: kill -9 of one, of a majority, of all, on plain folders. The long form, and the one with
//! power loss, is `cluster-tests crash`.

use cluster_tests::cluster::Storage;
use cluster_tests::crash::plan::{FaultKind, Plan};
use cluster_tests::{crash, seed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_lose_nothing() -> anyhow::Result<()> {
    let plan = Plan {
        rounds: 4,
        seed: seed::chosen(),
        nodes: 3,
        faults: FaultKind::PLAIN.to_vec(),
        storage: Storage::Plain,
        keep: None,
    };
    crash::run(&plan, &mut std::io::sink()).await
}
