//! A node in a process of its own: its memory can be looked at, its log read, signals sent to it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{Client, eventually};

/// A running node; killed when this is dropped.
pub(crate) struct Process {
    pub(crate) http: SocketAddr,
    pub(crate) resp: SocketAddr,
    child: Child,
    log: Log,
    _dir: TempDir,
}

/// The lines of a log so far.
type Log = Arc<Mutex<Vec<Value>>>;

impl Process {
    /// Starts a node that is a cluster of its own, and waits until it listens.
    pub(crate) fn start() -> Self {
        Self::start_with::<&str>(&[])
    }

    /// The same, with more flags.
    pub(crate) fn start_with<S: AsRef<str>>(flags: &[S]) -> Self {
        let own = ["--id=1", "--bootstrap-expect=1", "--groups=1"].into_iter();
        Self::run(&own.chain(flags.iter().map(AsRef::as_ref)).collect::<Vec<_>>())
    }

    /// Starts another node of its cluster, and waits until it is ready.
    pub(crate) async fn join(&self, id: u64, flags: &[&str]) -> Self {
        let members = Client::new(self.http).get("/v1/cluster/members").await.json(200);
        let (id, seed) = (format!("--id={id}"), members["members"][0]["peer"].as_str().unwrap().to_owned());
        let joined = Self::run(&[&[id.as_str(), "--seeds", &seed], flags].concat());
        joined.ready().await;
        joined
    }

    fn run(flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let any = "127.0.0.1:0";
        let mut child = Command::new(env!("CARGO_BIN_EXE_quorate"))
            .args(["serve", "--log-format=json", "--resp-cluster=none", "--log-segment=4MiB", "--data-dir"])
            .arg(dir.path())
            .args(["--http", any, "--peer", any, "--resp", any])
            .args(flags)
            .env_remove("QUORATE_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Log::default();
        let (resp, http) = listens(child.stderr.take().unwrap(), log.clone());
        Self { http, resp, child, log, _dir: dir }
    }

    /// Waits until it says that it is ready; a client of it.
    pub(crate) async fn ready(&self) -> Client {
        let client = Client::new(self.http);
        eventually("the node is ready", async || (client.get("/readyz").await.status == 200).then_some(()))
            .await;
        client
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// What it has in memory, in bytes.
    pub(crate) fn resident_bytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
    }

    /// SIGTERM.
    pub(crate) fn ask_to_end(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits until it ends by itself.
    pub(crate) async fn exited(&mut self) -> ExitStatus {
        let child = Mutex::new(&mut self.child);
        eventually("the process ends", async || child.lock().unwrap().try_wait().unwrap()).await
    }

    /// Waits for a line of its log with this message; the line.
    pub(crate) async fn says(&self, message: &str) -> Value {
        let said = |line: &&Value| line["fields"]["message"].as_str().is_some_and(|m| m.contains(message));
        eventually(message, async || self.log.lock().unwrap().iter().find(said).cloned()).await
    }

    /// Every line of its log so far.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the Redis protocol and HTTP are spoken, as the log says. The log is kept.
fn listens(stderr: ChildStderr, log: Log) -> (SocketAddr, SocketAddr) {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            for name in ["resp", "http"] {
                let addr: Option<SocketAddr> =
                    line["fields"][name].as_str().and_then(|addr| addr.parse().ok());
                // Once both are known nobody listens any more.
                addr.map(|addr| sender.send((name, addr)));
            }
            log.lock().unwrap().push(line);
        }
    });
    let next = |wanted| receiver.iter().find_map(|(name, addr)| (name == wanted).then_some(addr)).unwrap();
    (next("resp"), next("http"))
}
