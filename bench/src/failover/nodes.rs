//! Three nodes of Quorate on this machine, as processes that can be stopped, killed and started again.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::network::Network;
use crate::driver::http::Head;
use crate::driver::target::Endpoint;
use crate::store::process::scratch;

/// How many there are.
pub(super) const NODES: u64 = 3;
/// The data group whose leader is struck; the only one.
const GROUP: u64 = 1;
/// Nodes that are not ready after so long are an error.
const READY_MAX: Duration = Duration::from_secs(60);
/// How often they are asked.
const ASK_INTERVAL: Duration = Duration::from_millis(20);
/// An answer for which nobody waits longer.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// The nodes; ended when dropped.
pub(super) struct Nodes {
    program: PathBuf,
    folder: TempDir,
    /// Ports of each: HTTP, peers, Redis, Redis Cluster.
    ports: Vec<[u16; 4]>,
    speaks_resp: bool,
    children: Vec<Child>,
    /// After the children, so that it goes after them.
    network: Option<Network>,
}

impl Nodes {
    /// Starts them on free ports: on a network of their own, if there is one, else on loopback.
    pub(super) fn start(
        program: &Path,
        dir: Option<&PathBuf>,
        network: Option<Network>,
    ) -> anyhow::Result<Self> {
        let help = Command::new(program).args(["serve", "--help"]).output();
        let help = help.with_context(|| format!("start {}", program.display()))?;
        let speaks_resp = String::from_utf8_lossy(&help.stdout).contains("--resp-cluster");
        let mut nodes = Self {
            program: program.into(),
            folder: scratch(dir)?,
            ports: free_ports()?,
            speaks_resp,
            children: Vec::new(),
            network,
        };
        for node in 0..NODES as usize {
            let child = nodes.spawn(node)?;
            nodes.children.push(child);
        }
        Ok(nodes)
    }

    /// Addresses by HTTP, and by Redis's protocol where the program speaks it.
    pub(super) fn endpoints(&self) -> anyhow::Result<(Vec<Endpoint>, Option<Vec<Endpoint>>)> {
        let of = |which: usize| (0..self.ports.len()).map(|node| self.endpoint(node, which)).collect();
        Ok((of(0)?, self.speaks_resp.then(|| of(2)).transpose()?))
    }

    /// Waits until every node says it is ready, and all name the same leader: that node.
    pub(super) async fn await_ready(&mut self) -> anyhow::Result<usize> {
        let deadline = Instant::now() + READY_MAX;
        while Instant::now() < deadline {
            if let Some(leader) = self.leader().await {
                return Ok(leader);
            }
            for child in &mut self.children {
                if let Some(status) = child.try_wait()? {
                    bail!("a node ended with {status}; its words are in {}", self.folder.path().display());
                }
            }
            sleep(ASK_INTERVAL).await;
        }
        bail!("the nodes are not ready after {READY_MAX:?}")
    }

    async fn leader(&self) -> Option<usize> {
        let mut leaders = Vec::new();
        for node in 0..self.ports.len() {
            self.get(node, "/readyz").await.ok()?;
            let group = self.get(node, &format!("/v1/cluster/groups/{GROUP}")).await.ok()?;
            let group: serde_json::Value = serde_json::from_slice(&group).ok()?;
            leaders.push(group["leader"].as_u64()?);
        }
        let first = leaders.first().copied()?;
        leaders.iter().all(|leader| *leader == first).then(|| first as usize - 1)
    }

    async fn get(&self, node: usize, path: &str) -> anyhow::Result<Vec<u8>> {
        let exchange = async {
            let mut stream = self.endpoint(node, 0)?.connect().await?;
            let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            let head = Head::read(&answer)?.context("half an answer")?;
            ensure!(head.status == 200, "{path}: {}", head.status);
            Ok(answer.split_off(head.bytes))
        };
        timeout(ANSWER_MAX, exchange).await.context("no answer")?
    }

    /// Sends a signal to a node.
    pub(super) fn signal(&self, node: usize, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.children[node].id().cast_signed()).context("a process id")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Cuts a node off from the others and from the clients, or joins it to them again.
    pub(super) fn cut(&self, node: usize, cut: bool) -> anyhow::Result<()> {
        self.network.as_ref().context("the nodes have no network of their own")?.cut(node, cut)
    }

    /// Starts a node again that ended or is about to.
    pub(super) async fn restart(&mut self, node: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_MAX;
        while self.children[node].try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "a node that was told to end runs after {READY_MAX:?}");
            sleep(ASK_INTERVAL).await;
        }
        self.children[node] = self.spawn(node)?;
        Ok(())
    }

    fn command(&self, node: usize) -> Command {
        let Some(network) = &self.network else { return Command::new(&self.program) };
        let mut command = network.command(node);
        command.arg(&self.program);
        command
    }

    fn address(&self, node: usize, which: usize) -> String {
        let host = self.network.as_ref().map_or("127.0.0.1".into(), |network| network.host(node));
        format!("{host}:{}", self.ports[node][which])
    }

    fn endpoint(&self, node: usize, which: usize) -> anyhow::Result<Endpoint> {
        self.address(node, which).parse().map_err(anyhow::Error::msg)
    }

    fn spawn(&self, node: usize) -> anyhow::Result<Child> {
        let [http, peer, resp, cluster] = [0, 1, 2, 3].map(|which| self.address(node, which));
        let seeds: Vec<String> = (0..self.ports.len()).map(|node| self.address(node, 1)).collect();
        let folder = self.folder.path();
        let log =
            File::options().create(true).append(true).open(folder.join(format!("node-{}.log", node + 1)))?;
        let mut command = self.command(node);
        command.args(["serve", "--groups", "1", "--bootstrap-expect", "3", "--id", &(node + 1).to_string()]);
        command.args(["--http", &http, "--peer", &peer, "--seeds", &seeds.join(",")]);
        command.arg("--data-dir").arg(folder.join(format!("node-{}", node + 1)));
        if self.network.is_some() {
            // Its addresses are no loopback ones, and nothing but this bench reaches them.
            command.arg("--allow-insecure=yes");
        }
        if self.speaks_resp {
            command.args(["--resp", &resp, "--resp-cluster", &cluster]);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.spawn().with_context(|| format!("start {}", self.program.display()))
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for child in &mut self.children {
            // One that has ended cannot be killed, and need not be.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Ports nobody listens on now.
fn free_ports() -> anyhow::Result<Vec<[u16; 4]>> {
    let mut held = Vec::new();
    let mut free = || {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        // Held until all are found, so that none comes twice.
        held.push(listener);
        std::io::Result::Ok(port)
    };
    (0..NODES).map(|_| Ok([free()?, free()?, free()?, free()?])).collect()
}
