//! What every part of one node's transport shares: who it is, its clock, its counters, and its end.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use raft_store::NodeId;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use super::net::Net;
use super::stats::Counters;
use super::tuning::Tuning;

/// Shared by all tasks of a transport.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) node: NodeId,
    pub(super) net: Net,
    pub(super) tuning: Tuning,
    pub(super) counters: Counters,
    /// How often every peer is sent something.
    pub(super) pulse: Duration,
    /// Counts changes of peers' states.
    health: watch::Sender<u64>,
    cluster: OnceLock<u128>,
    started: Instant,
    runtime: Handle,
    stop: watch::Sender<bool>,
}

impl Context {
    /// For a node whose tasks run on the current runtime.
    pub(super) fn new(node: NodeId, net: Net, pulse: Duration, tuning: Tuning) -> Self {
        Self {
            node,
            net,
            tuning,
            counters: Counters::default(),
            pulse,
            health: watch::Sender::new(0),
            cluster: OnceLock::new(),
            started: Instant::now(),
            runtime: Handle::current(),
            stop: watch::Sender::new(false),
        }
    }

    /// The node's cluster, 0 while it has none.
    pub(super) fn cluster(&self) -> u128 {
        self.cluster.get().copied().unwrap_or(0)
    }

    /// Sets the cluster if it is not set; says whether it is this one now. 0 is no cluster and sets nothing.
    pub(super) fn set_cluster(&self, cluster: u128) -> bool {
        cluster != 0 && *self.cluster.get_or_init(|| cluster) == cluster
    }

    /// Whether someone with that cluster id is of this node's cluster.
    pub(super) fn is_member(&self, cluster: u128) -> bool {
        cluster != 0 && cluster == self.cluster()
    }

    /// Runs a task until it or the transport ends.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut stop = self.stop.subscribe();
        self.runtime.spawn(async move {
            tokio::select! {
                biased;
                () = stopped(&mut stop) => {}
                () = task => {}
            }
        });
    }

    /// Tells that a peer's state changed.
    pub(super) fn health_changed(&self) {
        self.health.send_modify(|changes| *changes += 1);
    }

    /// Changes of peers' states, from now on.
    pub(super) fn watch_health(&self) -> watch::Receiver<u64> {
        self.health.subscribe()
    }

    /// Whether the transport was shut down.
    pub(super) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Tells every task to end.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until every task has ended.
    pub(super) async fn ended(&self) {
        self.stop.closed().await;
    }
}

/// Waits for the value `true`, or for the sender's end.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// When something was last heard; readable and writable from any task.
#[derive(Debug, Default)]
pub(super) struct Heard(AtomicU64);

impl Heard {
    /// Notes that something was heard just now.
    pub(super) fn now(&self, context: &Context) {
        // One more than the time, so that 0 means never.
        let at_ms = context.started.elapsed().as_millis() as u64 + 1;
        self.0.fetch_max(at_ms, Ordering::Relaxed);
    }

    /// How long ago that was, to the millisecond; `None`: never.
    pub(super) fn ago(&self, context: &Context) -> Option<Duration> {
        let at = Duration::from_millis(self.0.load(Ordering::Relaxed).checked_sub(1)?);
        Some(context.started.elapsed().saturating_sub(at))
    }
}
