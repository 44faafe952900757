//! What several tests need.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use cluster_tests::client::Client;
use cluster_tests::history::{Consistency, Input, Outcome, Output, Seen};
use cluster_tests::wait;
use cluster_tests::workload::{Mix, Workload};

/// Within this, writes must go on after a node died: election, and a machine shared with all the clients.
pub(crate) const FAILOVER_MAX: Duration = Duration::from_secs(10);

/// Sets a key; its version. The write must be acknowledged.
pub(crate) async fn set(node: SocketAddr, key: &str, value: &str) -> anyhow::Result<u64> {
    let judged = Client::default().operate(node, key, &plain(value)).await;
    ensure!(judged.outcome == Outcome::Ok, "set {key} at {node}: {:?} {}", judged.outcome, judged.error);
    judged.output.and_then(|output| output.version()).context("an acknowledged write without version")
}

/// The same, tried again until it is acknowledged: each try is another write of the same value.
pub(crate) async fn set_eventually(node: SocketAddr, key: &str, value: &str) -> anyhow::Result<u64> {
    wait::until("a write is acknowledged", FAILOVER_MAX, async || set(node, key, value).await.ok()).await
}

/// Reads a key; the read must be answered.
pub(crate) async fn get(node: SocketAddr, key: &str, how: Consistency) -> anyhow::Result<Option<Seen>> {
    let judged = Client::default().operate(node, key, &Input::Get(how)).await;
    match judged.output {
        Some(Output::Read(seen)) => Ok(seen),
        other => anyhow::bail!("get {key} at {node}: {other:?} {}", judged.error),
    }
}

/// A set without a deadline.
pub(crate) fn plain(value: &str) -> Input {
    Input::Set { value: value.to_owned(), ttl_ms: None }
}

/// Every kind of work at once.
pub(crate) fn everything() -> Workload {
    Workload { mix: Mix::all(), ..Workload::default() }
}
