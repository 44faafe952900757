//! One life of a node: its runtime, its open log, and the node itself once it has started.

use std::time::Duration;

use anyhow::Context as _;
use quorate::node::Node;
use quorate::node::simulation::{Parts, wal_options};
use raft_store::snapshot_store::SnapshotStore;
use raft_store::wal::{LogSteps, SharedLog};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::machine::Machine;

/// A process that was away for longer finds all its timers late at once, instead of one after the other in order.
const STOPPED_FOR: Duration = Duration::from_millis(20);

/// One life of a node.
pub(super) struct Process {
    node: Option<Node>,
    starting: oneshot::Receiver<anyhow::Result<Node>>,
    steps: LogSteps,
    log: SharedLog,
    failed: Option<String>,
    // Last, so that what is dropped before can still reach it.
    runtime: Runtime,
}

impl Process {
    /// Opens the log and begins to start the node. To be called in the machine's world.
    pub(super) fn start(machine: &Machine) -> anyhow::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        runtime.block_on(async { machine.clock.start(Instant::now()) });
        let config = machine.config.clone();
        let (log, steps) =
            SharedLog::open_stepped(machine.log_disk(), wal_options(&config)).context("opening the log")?;
        let snapshots = SnapshotStore::open_simulated(&machine.snapshots).context("opening the snapshots")?;
        let parts =
            Parts { net: machine.net(), log: log.clone(), snapshots, free_bytes: machine.free_bytes() };
        let (tell, starting) = oneshot::channel();
        let http = config.http;
        runtime.spawn(async move {
            // Nobody listens any more if the process was killed meanwhile.
            let _ = tell.send(Node::start_simulated(config, http, parts).await);
        });
        Ok(Self { node: None, starting, steps, log, failed: None, runtime })
    }

    /// The node, once it has started.
    pub(super) fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }

    /// Its log.
    pub(super) fn log(&self) -> &SharedLog {
        &self.log
    }

    /// Lets the process run until its clock shows `until`.
    pub(super) fn run_until(&mut self, until: Instant) {
        self.runtime.block_on(async {
            let left = until.saturating_duration_since(Instant::now());
            if left > STOPPED_FOR {
                tokio::time::advance(left).await;
            }
            tokio::time::sleep_until(until).await;
        });
        if self.node.is_none()
            && let Ok(started) = self.starting.try_recv()
        {
            match started {
                Ok(node) => self.node = Some(node),
                Err(error) => self.failed = Some(format!("not started: {error:#}")),
            }
        }
    }

    /// Why the process has ended by itself, if it has.
    pub(super) fn ended(&self) -> Option<String> {
        self.failed.clone().or_else(|| self.node.as_ref()?.failure())
    }

    /// The sync under way is done.
    pub(super) fn step(&mut self) {
        let _inside = self.runtime.enter();
        self.steps.step();
    }

    /// Whether the log has nothing to write.
    pub(super) fn is_idle(&self) -> bool {
        self.steps.is_idle()
    }

    /// Does what an idle log does now and then.
    pub(super) fn rest(&mut self) {
        let _inside = self.runtime.enter();
        self.steps.seal();
        self.steps.retry();
    }

    /// Lets work run beside the node.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }
}
