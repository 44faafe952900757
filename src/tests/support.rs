//! What the tests share: nodes that run in this process, and a client for each protocol they speak.

mod certs;
mod client;
mod cluster;
mod guarded;
mod process;
mod redis;
mod served;

use std::time::Duration;

use tokio::time::Instant;

pub(crate) use certs::{Certs, today, yesterday};
pub(crate) use client::{Client, Reply};
pub(crate) use cluster::{Cluster, Server, fresh_config};
pub(crate) use guarded::Guarded;
pub(crate) use process::Process;
pub(crate) use redis::{Redis, request};
pub(crate) use served::Served;

/// Longest a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks again and again until `look` finds something; panics with `what` when it never does.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
