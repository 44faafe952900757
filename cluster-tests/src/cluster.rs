//! A cluster of real `quorate` processes on this machine, and what tests do to it.
//!
//! Guarantees that no process outlives it. One cluster runs at a time: the machine is small, and a test that
//! waits for an election must not wait for another test. When a test fails, the end of every node's log is
//! printed and the folder, with the data, is kept.

pub mod clocks;
mod kept;
mod launch;
mod options;
mod roster;
mod storage;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use hyper::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::client::Client;
use crate::disk::FaultDisk;
use crate::http::request;
use crate::netns::Network;
use crate::process::Process;
use crate::wait;
use crate::workload::Protocol;

use self::clocks::Clocks;
pub use self::options::{Options, Storage, Wires};

/// How long nodes may take to become ready.
pub const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a whole test may take: a hang is a failure too.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(120);

static TURN: Semaphore = Semaphore::const_new(1);

/// Waits until no other test runs processes.
pub async fn turn() -> anyhow::Result<SemaphorePermit<'static>> {
    Ok(TURN.acquire().await?)
}

#[derive(Debug)]
struct Member {
    http: SocketAddr,
    peer: SocketAddr,
    /// Where it speaks the Redis protocol, plain and cluster.
    resp: [SocketAddr; 2],
    // Before the disk: it must not be taken away under a running process.
    process: Option<Process>,
    disk: Option<FaultDisk>,
    /// What is wrong with the clocks of its next process.
    clocks: Clocks,
}

impl Member {
    fn speaks_at(&self, protocol: Protocol) -> SocketAddr {
        match protocol {
            Protocol::Http => self.http,
            Protocol::Resp => self.resp[0],
            Protocol::RespCluster => self.resp[1],
        }
    }
}

/// The cluster.
#[derive(Debug)]
pub struct Cluster {
    // Before the network and the folder: processes run in the one, disks are mounted in the other.
    members: BTreeMap<u64, Member>,
    network: Option<Network>,
    folder: Option<TempDir>,
    options: Options,
    founders: u64,
    /// The last id given out; none is used again.
    last_id: u64,
    _turn: SemaphorePermit<'static>,
}

/// Runs a test on a cluster of `nodes` nodes, numbered from 1. Shows and keeps what is needed when it fails.
pub async fn with_cluster(
    nodes: u64,
    options: Options,
    test: impl AsyncFnOnce(&mut Cluster) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let turn = turn().await?;
    let limit = options.limit.unwrap_or(TEST_TIMEOUT);
    let mut cluster = Cluster::prepare(nodes, options, turn)?;
    let whole = async {
        cluster.form().await?;
        test(&mut cluster).await
    };
    let result = timeout(limit, whole).await.unwrap_or_else(|_| Err(anyhow!("over {limit:?}")));
    if result.is_err() {
        cluster.show();
    }
    result
}

impl Cluster {
    fn prepare(nodes: u64, options: Options, turn: SemaphorePermit<'static>) -> anyhow::Result<Self> {
        let parent = options.keep.clone().unwrap_or_else(std::env::temp_dir);
        std::fs::create_dir_all(&parent).with_context(|| format!("create {}", parent.display()))?;
        let folder = Some(TempDir::with_prefix_in("quorate-test-", parent)?);
        let network = match options.wires {
            Wires::Loopback => None,
            Wires::Namespaces { seed } => Some(Network::new(seed)?),
        };
        let members = BTreeMap::new();
        let mut cluster =
            Self { members, network, folder, options, founders: nodes, last_id: 0, _turn: turn };
        for _ in 1..=nodes {
            cluster.enlist()?;
        }
        Ok(cluster)
    }

    async fn form(&mut self) -> anyhow::Result<()> {
        for id in self.ids() {
            self.start(id)?;
        }
        self.ready().await
    }

    /// Every node's id, running or not.
    pub fn ids(&self) -> Vec<u64> {
        self.members.keys().copied().collect()
    }

    /// The running nodes and their HTTP addresses.
    pub fn endpoints(&self) -> Vec<(u64, SocketAddr)> {
        self.speaking(Protocol::Http)
    }

    /// The running nodes and where they speak this protocol.
    pub fn speaking(&self, protocol: Protocol) -> Vec<(u64, SocketAddr)> {
        let running = self.members.iter().filter(|(_, member)| member.process.is_some());
        running.map(|(id, member)| (*id, member.speaks_at(protocol))).collect()
    }

    /// Every node, running or not, and where it speaks this protocol when it does.
    pub fn everyone(&self, protocol: Protocol) -> Vec<(u64, SocketAddr)> {
        self.members.iter().map(|(id, member)| (*id, member.speaks_at(protocol))).collect()
    }

    /// Whether a node's process runs, or did when last looked after.
    pub fn runs(&self, id: u64) -> bool {
        self.members.get(&id).is_some_and(|member| member.process.is_some())
    }

    /// The process id of a running node.
    pub fn pid(&mut self, id: u64) -> anyhow::Result<u32> {
        Ok(self.process(id)?.id())
    }

    /// HTTP address of a node.
    pub fn http(&self, id: u64) -> anyhow::Result<SocketAddr> {
        Ok(self.member(id)?.http)
    }

    /// Peer address of a node.
    pub fn peer(&self, id: u64) -> anyhow::Result<SocketAddr> {
        Ok(self.member(id)?.peer)
    }

    /// Starts a node that does not run; does not wait.
    pub fn start(&mut self, id: u64) -> anyhow::Result<()> {
        let launch = self.launch(id)?;
        let log = self.log(id);
        let member = self.member_mut(id)?;
        ensure!(member.process.is_none(), "node {id} runs already");
        member.process = Some(Process::start(&launch, &log)?);
        Ok(())
    }

    /// Starts a node that does not run and waits until it is ready.
    pub async fn restart(&mut self, id: u64) -> anyhow::Result<()> {
        self.start(id)?;
        self.node_ready(id).await
    }

    /// Waits until every running node is ready.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        for (id, _) in self.endpoints() {
            self.node_ready(id).await?;
        }
        Ok(())
    }

    async fn node_ready(&mut self, id: u64) -> anyhow::Result<()> {
        let http = self.http(id)?;
        let mut client = Client::default();
        let process = self.process(id)?;
        wait::until(&format!("node {id} is ready"), READY_TIMEOUT, async || {
            if let Ok(Some(status)) = process.try_exited() {
                return Some(Err(anyhow!("node {id} ended while starting: {status}")));
            }
            let answer = client.send(http, request(Method::GET, "/readyz", &Value::Null)).await;
            answer.is_ok_and(|answer| answer.status.is_success()).then_some(Ok(()))
        })
        .await?
    }

    /// kill -9.
    pub fn kill(&mut self, id: u64) -> anyhow::Result<()> {
        self.process(id)?.kill()?;
        self.member_mut(id)?.process = None;
        Ok(())
    }

    /// kill -9 of every running node at once: all are signalled before any is waited for.
    pub fn kill_all(&mut self) -> anyhow::Result<()> {
        let running: Vec<u64> = self.endpoints().into_iter().map(|(id, _)| id).collect();
        self.crash(&running, None)
    }

    /// SIGSTOP.
    pub fn pause(&mut self, id: u64) -> anyhow::Result<()> {
        self.process(id)?.pause()
    }

    /// SIGCONT.
    pub fn resume(&mut self, id: u64) -> anyhow::Result<()> {
        self.process(id)?.resume()
    }

    /// SIGTERM; does not wait.
    pub fn ask_to_end(&mut self, id: u64) -> anyhow::Result<()> {
        self.process(id)?.ask_to_end()
    }

    /// SIGTERM, and waits for a clean end.
    pub async fn terminate(&mut self, id: u64) -> anyhow::Result<()> {
        let status = self.process(id)?.terminate(READY_TIMEOUT).await?;
        self.member_mut(id)?.process = None;
        ensure!(status.success(), "node {id} after SIGTERM: {status}");
        Ok(())
    }

    /// Waits for a node to end by itself; its exit status and its whole log.
    pub async fn exited(&mut self, id: u64) -> anyhow::Result<(ExitStatus, String)> {
        let status = self.process(id)?.exited(READY_TIMEOUT).await?;
        self.member_mut(id)?.process = None;
        Ok((status, std::fs::read_to_string(self.log(id))?))
    }

    /// How a node ended by itself, if it has; it does not run then.
    pub fn try_exited(&mut self, id: u64) -> anyhow::Result<Option<ExitStatus>> {
        let member = self.member_mut(id)?;
        let Some(process) = &mut member.process else { return Ok(None) };
        let ended = process.try_exited()?;
        if ended.is_some() {
            member.process = None;
        }
        Ok(ended)
    }

    /// Deletes the data of a node that does not run.
    pub fn wipe(&mut self, id: u64) -> anyhow::Result<()> {
        ensure!(self.member(id)?.process.is_none(), "node {id} runs");
        std::fs::remove_dir_all(self.data(id)).with_context(|| format!("wipe node {id}"))
    }

    /// The folder of logs and data, for what a test wants to keep beside them.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().map_or(Path::new("."), TempDir::path)
    }

    /// The network of a cluster whose nodes have namespaces.
    pub fn network(&self) -> anyhow::Result<&Network> {
        self.network.as_ref().context("the nodes speak over the loopback device")
    }

    /// The file a node's log lines go to.
    pub fn log(&self, id: u64) -> PathBuf {
        self.folder().join(format!("node-{id}.log"))
    }

    fn member(&self, id: u64) -> anyhow::Result<&Member> {
        self.members.get(&id).with_context(|| format!("there is no node {id}"))
    }

    fn member_mut(&mut self, id: u64) -> anyhow::Result<&mut Member> {
        self.members.get_mut(&id).with_context(|| format!("there is no node {id}"))
    }

    fn process(&mut self, id: u64) -> anyhow::Result<&mut Process> {
        self.member_mut(id)?.process.as_mut().with_context(|| format!("node {id} does not run"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show();
        }
    }
}
