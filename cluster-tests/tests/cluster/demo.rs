//! `quorate demo`: starts, tells where, serves, and leaves nothing behind.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::Context;
use cluster_tests::cluster::{READY_TIMEOUT, turn};
use cluster_tests::history::Consistency;
use cluster_tests::process::{Launch, Process, run, tail};
use cluster_tests::{binary, ports, wait};

use super::support::{get, set};

/// Within this everything has stopped after SIGTERM.
const STOP_MAX: Duration = Duration::from_secs(20);

fn port(first: SocketAddr, offset: u16) -> SocketAddr {
    SocketAddr::new(first.ip(), first.port() + offset)
}

/// Free ports for HTTP, peers, the Redis protocol and clients of Redis Cluster.
fn four_runs() -> anyhow::Result<[SocketAddr; 4]> {
    Ok([ports::run(3)?, ports::run(3)?, ports::run(3)?, ports::run(3)?])
}

/// The arguments of a demo whose first node has these ports.
fn demo(first: [SocketAddr; 4]) -> Vec<String> {
    let flags = ["--http-port", "--peer-port", "--resp-port", "--resp-cluster-port"];
    let pairs = flags.into_iter().zip(first);
    let pairs = pairs.flat_map(|(flag, address)| [flag.to_owned(), address.port().to_string()]);
    ["demo".to_owned()].into_iter().chain(pairs).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn demo_serves_and_leaves_nothing_behind() -> anyhow::Result<()> {
    let _turn = turn().await?;
    let [http, peer, resp, cluster] = four_runs()?;
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("demo.log");
    let arguments = demo([http, peer, resp, cluster]);
    let launch = Launch { program: binary::quorate()?, arguments, ..Launch::default() };
    let mut demo = Process::start(&launch, &log)?;

    // It prints all its endpoints once they serve.
    let printed = |at: SocketAddr| {
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains(&format!("http://{at}")))
    };
    let all = wait::until("demo prints its endpoints", READY_TIMEOUT, async || {
        ((0..3).all(|i| printed(port(http, i)))).then_some(())
    });
    all.await.with_context(|| tail(&log))?;
    set(http, "user", "Ann").await?;
    let seen = get(port(http, 1), "user", Consistency::Linearizable).await?;
    assert_eq!(seen.map(|seen| seen.value).as_deref(), Some("Ann"));

    let status = demo.terminate(STOP_MAX).await?;
    assert!(status.success(), "{status}: {}", tail(&log));
    for address in (0..3).flat_map(|i| [http, peer, resp, cluster].map(|first| port(first, i))) {
        assert!(TcpStream::connect(address).is_err(), "somebody still listens on {address}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path())?.filter_map(Result::ok).map(|e| e.path()).collect();
    assert_eq!(left, [log], "only the log is left");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn demo_names_a_taken_port() -> anyhow::Result<()> {
    let _turn = turn().await?;
    let [http, peer, resp, cluster] = four_runs()?;
    let taken = port(http, 1);
    let _held = TcpListener::bind(taken)?;
    let arguments = demo([http, peer, resp, cluster]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (code, _, stderr) = run(binary::quorate()?, &arguments).await?;
    assert_ne!(code, 0);
    assert!(stderr.contains(&taken.port().to_string()), "{stderr}");
    Ok(())
}
