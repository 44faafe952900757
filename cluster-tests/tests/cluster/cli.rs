//! Exit codes of the command line, as scripts rely on them.

use std::net::SocketAddr;

use cluster_tests::cluster::{Options, with_cluster};
use cluster_tests::process::run;
use cluster_tests::{binary, ports};

/// Runs `quorate` against one endpoint: exit code and stdout.
async fn quorate(endpoint: SocketAddr, arguments: &[&str]) -> anyhow::Result<(i32, String)> {
    let endpoint = format!("http://{endpoint}");
    let arguments = [arguments, &["--endpoint", &endpoint, "--timeout", "2s"]].concat();
    let (code, stdout, _) = run(binary::quorate()?, &arguments).await?;
    Ok((code, stdout))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_codes_tell_what_happened() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let node = cluster.http(1)?;
        assert_eq!(quorate(node, &["get", "absent"]).await?.0, 3);
        assert_eq!(quorate(node, &["set", "user", "Ann"]).await?.0, 0);
        let (code, stdout) = quorate(cluster.http(2)?, &["get", "user", "--output", "raw"]).await?;
        assert_eq!((code, stdout.trim_end()), (0, "Ann"));
        assert_eq!(quorate(node, &["set", "user", "Bob", "--if-version", "999999999"]).await?.0, 4);
        assert_eq!(quorate(node, &["set", "user", "Bob", "--if-absent"]).await?.0, 4);
        assert_eq!(quorate(ports::free()?, &["get", "user"]).await?.0, 5);
        assert_eq!(quorate(node, &["set", "user"]).await?.0, 2);
        assert_eq!(quorate(node, &["status"]).await?.0, 0);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_quorum_the_code_says_what_became_of_the_write() -> anyhow::Result<()> {
    with_cluster(3, Options::default(), async |cluster| {
        let last = cluster.http(3)?;
        cluster.kill(1)?;
        cluster.kill(2)?;
        let (code, _) = quorate(last, &["set", "user", "Ann"]).await?;
        assert!([5, 6].contains(&code), "unavailable or unknown, not {code}");
        assert_eq!(quorate(last, &["get", "user"]).await?.0, 5);
        Ok(())
    })
    .await
}
