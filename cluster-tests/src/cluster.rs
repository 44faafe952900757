//! A cluster of real `quorate` processes on this machine, and what tests do to it.
//!
//! Guarantees that no process outlives it. One cluster runs at a time: the machine is small, and a test that
//! waits for an election must not wait for another test. When a test fails, the end of every node's log is
//! printed and the folder, with the data, is kept.

mod kept;
mod options;
mod storage;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
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
use crate::process::Process;
use crate::{binary, ports, wait};

pub use self::options::{Options, Storage};

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
    // Before the disk: it must not be taken away under a running process.
    process: Option<Process>,
    disk: Option<FaultDisk>,
}

/// The cluster.
#[derive(Debug)]
pub struct Cluster {
    // Before the folder: disks are mounted in it.
    members: BTreeMap<u64, Member>,
    folder: Option<TempDir>,
    options: Options,
    founders: u64,
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
        let mut cluster = Self { members: BTreeMap::new(), folder, options, founders: nodes, _turn: turn };
        for id in 1..=nodes {
            cluster.enlist(id)?;
        }
        Ok(cluster)
    }

    fn enlist(&mut self, id: u64) -> anyhow::Result<()> {
        let disk = self.make_disk(id)?;
        let member = Member { http: ports::free()?, peer: ports::free()?, process: None, disk };
        self.members.insert(id, member);
        Ok(())
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
        self.members.iter().filter(|(_, m)| m.process.is_some()).map(|(id, m)| (*id, m.http)).collect()
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
        let arguments = self.arguments(id)?;
        let log = self.log(id);
        let member = self.member_mut(id)?;
        ensure!(member.process.is_none(), "node {id} runs already");
        member.process = Some(Process::start(&binary::quorate()?, &arguments, &log)?);
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

    /// SIGTERM, and waits for a clean end.
    pub async fn terminate(&mut self, id: u64) -> anyhow::Result<()> {
        let status = self.process(id)?.terminate(READY_TIMEOUT).await?;
        self.member_mut(id)?.process = None;
        ensure!(status.success(), "node {id} after SIGTERM: {status}");
        Ok(())
    }

    /// Waits for a node to end by itself; its exit status and its whole log.
    pub async fn exited(&mut self, id: u64) -> anyhow::Result<(std::process::ExitStatus, String)> {
        let status = self.process(id)?.exited(READY_TIMEOUT).await?;
        self.member_mut(id)?.process = None;
        Ok((status, std::fs::read_to_string(self.log(id))?))
    }

    /// Deletes the data of a node that does not run.
    pub fn wipe(&mut self, id: u64) -> anyhow::Result<()> {
        ensure!(self.member(id)?.process.is_none(), "node {id} runs");
        std::fs::remove_dir_all(self.data(id)).with_context(|| format!("wipe node {id}"))
    }

    /// Starts one more node under the next id, which joins through the founders; waits until it is ready.
    pub async fn add_node(&mut self) -> anyhow::Result<u64> {
        let id = self.members.keys().max().copied().unwrap_or(0) + 1;
        self.enlist(id)?;
        self.restart(id).await?;
        Ok(id)
    }

    /// The folder of logs and data, for what a test wants to keep beside them.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().map_or(Path::new("."), TempDir::path)
    }

    fn arguments(&self, id: u64) -> anyhow::Result<Vec<String>> {
        let member = self.member(id)?;
        let founders = self.members.iter().filter(|(id, _)| **id <= self.founders);
        let seeds: Vec<String> = founders.map(|(_, member)| member.peer.to_string()).collect();
        let pairs = [
            ("--id", id.to_string()),
            ("--data-dir", self.data(id).display().to_string()),
            ("--http", member.http.to_string()),
            ("--peer", member.peer.to_string()),
            ("--seeds", seeds.join(",")),
        ];
        let mut arguments = vec!["serve".to_owned()];
        arguments.extend(pairs.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
        if id <= self.founders {
            arguments.extend(["--bootstrap-expect".to_owned(), self.founders.to_string()]);
        }
        arguments.extend(self.options.arguments());
        Ok(arguments)
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
