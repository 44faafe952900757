//! The processes of a demo: started, reaped, stopped.
//!
//! None outlives the demo: [`Children::stop`] ends them in good order, dropping kills them, and each child
//! asks the kernel to be killed when the demo's main thread, which starts it, is gone (`--die-with-parent`).

use std::fs::OpenOptions;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use raft_store::NodeId;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::plan::{NodePlan, Plan};
use crate::cli::fail::Failure;

/// How long the nodes may take to stop before they are killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// Pause between two looks at nodes that are stopping.
const STOP_POLL: Duration = Duration::from_millis(20);

/// The end of a node's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Death {
    /// The node.
    pub(super) id: NodeId,
    /// How it ended.
    pub(super) status: ExitStatus,
}

impl Death {
    /// How it ended, in words.
    pub(super) fn how(&self) -> String {
        match (self.status.signal(), self.status.code()) {
            (Some(signal), _) => format!("signal {signal}"),
            (None, code) => format!("exit code {}", code.unwrap_or_default()),
        }
    }
}

/// The processes that run.
#[derive(Debug)]
pub(super) struct Children {
    running: Vec<(NodeId, Child)>,
}

impl Children {
    /// Starts every node of the plan; must be called on the main thread.
    pub(super) fn start(plan: &Plan) -> Result<Self, Failure> {
        let mut children = Self { running: Vec::new() };
        for node in &plan.nodes {
            children.running.push((node.id, spawn(plan, node)?));
        }
        Ok(children)
    }

    /// Process ids by node, of those that run.
    pub(super) fn pids(&self) -> Vec<(NodeId, u32)> {
        self.running.iter().map(|(id, child)| (*id, child.id())).collect()
    }

    /// Takes out the processes that have ended.
    pub(super) fn reap(&mut self) -> Vec<Death> {
        let mut deaths = Vec::new();
        self.running.retain_mut(|(id, child)| match child.try_wait() {
            Ok(Some(status)) => {
                deaths.push(Death { id: *id, status });
                false
            }
            Ok(None) | Err(_) => true,
        });
        deaths
    }

    /// Asks every node to stop, waits a bounded time, and kills what is left.
    pub(super) async fn stop(&mut self) {
        for (_, child) in &self.running {
            terminate(child);
        }
        let deadline = Instant::now() + STOP_TIMEOUT;
        while !self.running.is_empty() && Instant::now() < deadline {
            sleep(STOP_POLL).await;
            self.reap();
        }
        self.kill();
    }

    /// Kills and awaits whatever still runs. Errors mean that a process is gone already.
    pub(super) fn kill(&mut self) {
        for (_, mut child) in self.running.drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends SIGTERM. The child is not reaped yet, so its id is its own.
fn terminate(child: &Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::TERM);
    }
}

fn spawn(plan: &Plan, node: &NodePlan) -> Result<Child, Failure> {
    std::fs::create_dir_all(&node.folder)?;
    let log = OpenOptions::new().create(true).append(true).open(node.log())?;
    let child = Command::new(&plan.program)
        .args(plan.arguments(node))
        .args(["--die-with-parent".to_owned(), std::process::id().to_string()])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // A Ctrl-C at the terminal is for the demo, which then stops the nodes itself.
        .process_group(0)
        .spawn()?;
    Ok(child)
}
