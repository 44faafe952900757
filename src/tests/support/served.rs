//! A node in a process of its own that asks for tokens: its log, its end by kill -9 and its next life, and the command line
//! that speaks to it.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use super::{Client, Reply, eventually};

/// A running node that is a cluster of its own; killed when this is dropped.
pub(crate) struct Served {
    pub(crate) resp: SocketAddr,
    http: SocketAddr,
    filter: &'static str,
    child: Child,
    dir: TempDir,
}

impl Served {
    /// Its root token.
    pub(crate) const ROOT: &str = "root-secret-0123456789-0123456789-0123456789";

    /// Starts a node that logs by this filter, and waits until it is ready.
    pub(crate) async fn start(filter: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::write(&root, Self::ROOT).unwrap();
        fs::set_permissions(&root, PermissionsExt::from_mode(0o600)).unwrap();
        let child = spawn(dir.path(), filter);
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut served = Self { resp: nowhere, http: nowhere, filter, child, dir };
        served.listens().await;
        served
    }

    /// Ends it by kill -9 and starts it again in its folder.
    pub(crate) async fn kill_and_start(&mut self) {
        self.end();
        self.child = spawn(self.dir.path(), self.filter);
        self.listens().await;
    }

    /// All it logged since it was started last.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.path().join("log")).unwrap()).into_owned()
    }

    /// Calls it with a token; `None`: without.
    pub(crate) async fn call(&self, token: Option<&str>, method: &str, path: &str, body: &str) -> Reply {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = bearer.iter().map(|b| ("authorization", b.as_str())).collect();
        Client::new(self.http).send(method, path, &headers, body.to_owned()).await
    }

    /// Runs the command line with the root token; it succeeds.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).env("QUORATE_TOKEN_FILE", self.root()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        output
    }

    /// Runs it without a token.
    pub(crate) fn stranger_cli(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quorate"));
        command.args(["--endpoint", &self.http.to_string()]).args(arguments);
        command
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until it is ready, and notes where it listens.
    async fn listens(&mut self) {
        self.http = self.address("serving", "http").await;
        self.resp = self.address("speaking the Redis protocol", "resp").await;
        let ready = async || (self.call(None, "GET", "/readyz", "").await.status == 200).then_some(());
        eventually("the node is ready", ready).await;
    }

    /// An address the log tells.
    async fn address(&self, message: &str, field: &str) -> SocketAddr {
        eventually("the node listens", async || {
            let log = self.log();
            let mut lines =
                log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            let line = lines.find(|line| line["fields"]["message"] == message)?;
            line["fields"][field].as_str()?.parse().ok()
        })
        .await
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}

fn spawn(dir: &Path, filter: &str) -> Child {
    let log = fs::File::create(dir.join("log")).unwrap();
    let any = "127.0.0.1:0";
    Command::new(env!("CARGO_BIN_EXE_quorate"))
        .args(["serve", "--id=1", "--bootstrap-expect=1", "--groups=1", "--log-format=json"])
        .args(["--resp-cluster=none", "--log-segment=4MiB", "--auth=yes", "--log", filter])
        .args(["--http", any, "--peer", any, "--resp", any])
        .args([Path::new("--root-token-file"), &dir.join("root")])
        .args([Path::new("--data-dir"), &dir.join("data")])
        .stderr(Stdio::from(log))
        .spawn()
        .unwrap()
}
