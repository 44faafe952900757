//! A node in a process of its own, whose memory can be looked at.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

/// A running node; killed when this is dropped.
pub(crate) struct Process {
    pub(crate) resp: SocketAddr,
    child: Child,
    _dir: TempDir,
}

impl Process {
    /// Starts a node that is a cluster of its own, and waits until it listens.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(arguments: &[String]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let any = "127.0.0.1:0";
        let mut child = Command::new(env!("CARGO_BIN_EXE_quorate"))
            .args(["serve", "--id=1", "--bootstrap-expect=1", "--groups=1", "--log-format=json"])
            .args(["--log=info", "--resp-cluster=none", "--log-segment=4MiB", "--data-dir"])
            .arg(dir.path())
            .args(["--http", any, "--peer", any, "--resp", any])
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let resp = listens(child.stderr.take().unwrap());
        Self { resp, child, _dir: dir }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// What it has in memory, in bytes.
    pub(crate) fn resident_bytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the Redis protocol is spoken, as the log says. The rest of the log is read and thrown away.
fn listens(log: ChildStderr) -> SocketAddr {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            let addr = line["fields"]["resp"].as_str().and_then(|addr| addr.parse().ok());
            addr.map(|addr| sender.send(addr));
        }
    });
    receiver.recv().unwrap()
}
