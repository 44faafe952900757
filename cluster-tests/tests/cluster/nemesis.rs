//! One short round of everything at once. The long form is `cluster-tests nemesis`.

use std::io::{Write, stderr};
use std::time::Duration;

use cluster_tests::nemesis;

/// How long faults come.
const SHORT: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_short_round_of_everything_at_once() -> anyhow::Result<()> {
    if let Err(why) = nemesis::available() {
        // Not through the test's captured output: whoever runs the tests should see it.
        writeln!(stderr(), "LEFT OUT: a nemesis round: {why}")?;
        return Ok(());
    }
    nemesis::one(rand::random(), SHORT).await.map(|_| ())
}
