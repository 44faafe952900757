//! Encrypted from end to end, from the command line alone: certificates by `quorate tls`, nodes that show them to each
//! other, clients that believe them; and what holds without holds with them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, ensure};
use cluster_tests::cluster::{READY_TIMEOUT, turn};
use cluster_tests::process::{Launch, Process, run};
use cluster_tests::{binary, ports, wait};
use serde_json::Value;
use tempfile::TempDir;

const NODES: usize = 3;
/// Clients that write at the same time.
const WRITERS: usize = 4;
/// Exit codes of `quorate`.
const DONE: i32 = 0;
const NOT_FOUND: i32 = 3;

/// Three nodes, each a process with a certificate of its own.
struct Secured {
    // Before the folder: they run in it.
    running: Vec<Option<Process>>,
    http: Vec<SocketAddr>,
    launches: Vec<Launch>,
    folder: TempDir,
}

/// `quorate` as a client of these nodes.
#[derive(Clone)]
struct Cli {
    program: PathBuf,
    endpoints: String,
    ca: String,
}

impl Cli {
    /// Runs a command: exit code, and what it printed.
    async fn run(&self, arguments: &[&str]) -> anyhow::Result<(i32, String)> {
        let own = ["--endpoint", &self.endpoints, "--ca-file", &self.ca, "--timeout", "2s"];
        let (code, stdout, _) = run(self.program.clone(), &[&own, arguments].concat()).await?;
        Ok((code, stdout.trim_end().to_owned()))
    }
}

impl Secured {
    async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let certs = folder.path().join("certs");
        let (code, _, stderr) = run(binary::quorate()?, &["tls", "init", text(&certs)?]).await?;
        ensure!(code == DONE, "tls init: {stderr}");
        let mut secured = Self { running: Vec::new(), http: Vec::new(), launches: Vec::new(), folder };
        let peers: Vec<SocketAddr> = (0..NODES).map(|_| ports::free()).collect::<anyhow::Result<_>>()?;
        for id in 1..=NODES {
            secured.plan(id, &peers, &certs)?;
        }
        for at in 0..NODES {
            secured.running.push(None);
            secured.revive(at)?;
        }
        secured.ready().await?;
        Ok(secured)
    }

    fn plan(&mut self, id: usize, peers: &[SocketAddr], certs: &Path) -> anyhow::Result<()> {
        let http = ports::free()?;
        let seeds: Vec<String> = peers.iter().map(SocketAddr::to_string).collect();
        let pairs = [
            ("--id", id.to_string()),
            ("--data-dir", self.folder.path().join(format!("data-{id}")).display().to_string()),
            ("--http", http.to_string()),
            ("--peer", peers[id - 1].to_string()),
            ("--resp", ports::free()?.to_string()),
            ("--resp-cluster", "none".into()),
            ("--seeds", seeds.join(",")),
            ("--bootstrap-expect", NODES.to_string()),
            ("--log-segment", "4MiB".into()),
            ("--tls-cert", certs.join(format!("node-{id}.pem")).display().to_string()),
            ("--tls-key", certs.join(format!("node-{id}.key")).display().to_string()),
            ("--tls-ca", certs.join("ca.pem").display().to_string()),
        ];
        let flags = pairs.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]);
        let arguments = ["serve".to_owned()].into_iter().chain(flags).collect();
        self.launches.push(Launch { program: binary::quorate()?, arguments, ..Launch::default() });
        self.http.push(http);
        Ok(())
    }

    fn revive(&mut self, at: usize) -> anyhow::Result<()> {
        let log = self.folder.path().join(format!("node-{}.log", at + 1));
        self.running[at] = Some(Process::start(&self.launches[at], &log)?);
        Ok(())
    }

    fn kill(&mut self, at: usize) -> anyhow::Result<()> {
        self.running[at].take().context("it does not run")?.kill()
    }

    /// Waits until every node serves: what is not there is said to be missing.
    async fn ready(&self) -> anyhow::Result<()> {
        for at in 0..NODES {
            let cli = self.cli(&[at])?;
            wait::until("a node serves", READY_TIMEOUT, async || {
                let code = cli.run(&["get", "absent"]).await.ok()?.0;
                (code == NOT_FOUND).then_some(())
            })
            .await?;
        }
        Ok(())
    }

    fn cli(&self, nodes: &[usize]) -> anyhow::Result<Cli> {
        let endpoints: Vec<String> = nodes.iter().map(|at| format!("https://{}", self.http[*at])).collect();
        let ca = text(&self.folder.path().join("certs/ca.pem"))?.to_owned();
        Ok(Cli { program: binary::quorate()?, endpoints: endpoints.join(","), ca })
    }

    /// The place of the node that leads a group.
    async fn leader(&self, group: u64) -> anyhow::Result<usize> {
        let (_, status) = self.cli(&[0, 1, 2])?.run(&["--output", "json", "status"]).await?;
        let status: Value = serde_json::from_str(&status)?;
        let groups = status["groups"].as_array().context("no groups")?;
        let led = groups.iter().find(|g| g["id"] == group).and_then(|g| g["leader"].as_u64());
        Ok(led.context("no leader")? as usize - 1)
    }
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is no text")
}

/// Keys of which the write was acknowledged; each holds its own name.
type Acknowledged = Arc<Mutex<Vec<String>>>;

async fn write(cli: Cli, name: String, acknowledged: Acknowledged, stop: Arc<AtomicBool>) {
    for count in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let key = format!("{name}-{count}");
        if cli.run(&["set", &key, &key]).await.is_ok_and(|(code, _)| code == DONE) {
            acknowledged.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(key);
        }
    }
}

fn count(acknowledged: &Acknowledged) -> usize {
    acknowledged.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).len()
}

async fn grows_by(acknowledged: &Acknowledged, more: usize) -> anyhow::Result<()> {
    let enough = count(acknowledged) + more;
    let grown = async || (count(acknowledged) >= enough).then_some(());
    wait::until("writes are acknowledged", READY_TIMEOUT, grown).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_tls_everywhere_a_killed_leader_loses_nothing() -> anyhow::Result<()> {
    let _turn = turn().await?;
    let mut secured = Secured::start().await?;
    let (acknowledged, stop) = (Acknowledged::default(), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let cli = secured.cli(&[writer % NODES, (writer + 1) % NODES, (writer + 2) % NODES])?;
            Ok(tokio::spawn(write(cli, format!("w{writer}"), acknowledged.clone(), stop.clone())))
        })
        .collect::<anyhow::Result<_>>()?;
    grows_by(&acknowledged, 40).await?;
    let leader = secured.leader(1).await?;
    secured.kill(leader)?;
    grows_by(&acknowledged, 40).await?;
    secured.revive(leader)?;
    secured.ready().await?;
    grows_by(&acknowledged, 10).await?;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await?;
    }
    let keys = acknowledged.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
    for (at, key) in keys.iter().enumerate() {
        let read = secured.cli(&[at % NODES])?.run(&["--output", "raw", "get", key]).await?;
        ensure!(read == (DONE, key.clone()), "{key}: {read:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_would_be_open_to_others_is_refused() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let serve = ["serve", "--id", "1", "--http", "0.0.0.0:0", "--data-dir", text(folder.path())?];
    let (code, _, stderr) = run(binary::quorate()?, &serve).await?;
    ensure!(code == 2 && stderr.contains("--allow-insecure") && stderr.contains("--tls-cert"), "{stderr}");
    Ok(())
}
