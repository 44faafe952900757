//! A node without quorum says so, tells the outcome of every write, and serves local reads with their staleness.

use std::time::Duration;

use cluster_tests::cluster::{Options, with_cluster};
use cluster_tests::history::Consistency;
use cluster_tests::{admin, wait};
use hyper::Method;
use serde_json::{Value, json};

use super::support::{FAILOVER_MAX, get, set, set_eventually};

/// Within this a node notices that it is alone.
const NOTICE_MAX: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_without_quorum_refuses_what_it_cannot_know() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let last = cluster.http(3)?;
        set(cluster.http(1)?, "probe", "before").await?;
        // Its replica has heard from a leader that it is up to date: from then on it can bound its age.
        wait::until("a local read with a bound", FAILOVER_MAX, async || {
            let path = "/v1/kv/default/probe?consistency=local&max_staleness=24h";
            let read = admin::call(last, Method::GET, path, Value::Null).await.ok()?;
            (read.status.as_u16() == 200).then_some(())
        })
        .await?;
        cluster.kill(1)?;
        cluster.kill(2)?;

        let path = "/v1/kv/default/probe?timeout=1s";
        let write = admin::call(last, Method::PUT, path, json!({"value": "alone"})).await?;
        assert!([503, 504].contains(&write.status.as_u16()), "{write:?}");
        let outcome = write.outcome();
        assert!(matches!(outcome.as_deref(), Some("not_applied" | "unknown")), "{outcome:?}");

        let read = admin::call(last, Method::GET, path, Value::Null).await?;
        assert!([503, 504].contains(&read.status.as_u16()), "{read:?}");
        assert_eq!(read.outcome(), None, "a read has no outcome");

        let local =
            admin::call(last, Method::GET, "/v1/kv/default/probe?consistency=local", Value::Null).await?;
        assert_eq!(local.status.as_u16(), 200, "{local:?}");
        assert!(local.number("x-quorate-staleness-ms").is_some(), "{local:?}");

        assert_eq!(admin::call(last, Method::GET, "/livez", Value::Null).await?.status.as_u16(), 200);
        wait::until("readyz says no", NOTICE_MAX, async || {
            let ready = admin::call(last, Method::GET, "/readyz", Value::Null).await.ok()?;
            (ready.status.as_u16() == 503).then_some(())
        })
        .await?;

        cluster.start(1)?;
        cluster.start(2)?;
        cluster.ready().await?;
        let seen = get(cluster.http(1)?, "probe", Consistency::Linearizable).await?.map(|seen| seen.value);
        let possible: &[&str] = match outcome.as_deref() {
            Some("not_applied") => &["before"],
            _ => &["before", "alone"],
        };
        assert!(seen.as_deref().is_some_and(|seen| possible.contains(&seen)), "{outcome:?}, then {seen:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_reads_keep_their_staleness_bound() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let last = cluster.http(3)?;
        set_eventually(last, "probe", "before").await?;
        cluster.kill(1)?;
        cluster.kill(2)?;
        let path = "/v1/kv/default/probe?consistency=local&max_staleness=100ms";
        // Alone, the replica's staleness grows until it passes what the reader allows.
        wait::until("a bounded local read is refused", FAILOVER_MAX, async || {
            let read = admin::call(last, Method::GET, path, Value::Null).await.ok()?;
            (read.status.as_u16() == 503 && read.problem() == "too-stale").then_some(())
        })
        .await
    })
    .await
}
