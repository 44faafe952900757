//! A node that is starting: how far it is, for people and load balancers, before there is a node to ask.
//!
//! The HTTP listener is bound before the stores are opened, so it gets a [`Starting`]; once the node is there, so is
//! [`Starting::node`]. Progress goes to the log too: at the end of every phase with its duration, and every
//! [`START_REPORT_INTERVAL`] in between.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Node;
use crate::config::Config;
use crate::limits::START_REPORT_INTERVAL;
use crate::tls::Security;
use crate::views::{ReadyCheck, ReadyView};

/// What a starting node does, and how much of it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before anything else.
    Begin,
    /// The log is read: bytes of how many.
    Log(u64, u64),
    /// The snapshot store is opened.
    Snapshots,
    /// Groups load their snapshots: groups of how many.
    Groups(usize, usize),
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin => write!(f, "beginning"),
            Self::Log(done, all) => write!(f, "log: {} of {} MiB", done >> 20, all.div_ceil(1 << 20)),
            Self::Snapshots => write!(f, "snapshots: opening the store"),
            Self::Groups(done, all) => write!(f, "groups: {done} of {all} loaded"),
        }
    }
}

/// Where a starting node is. Its parts write it, the HTTP API reads it.
#[derive(Debug)]
pub(super) struct Progress {
    state: Mutex<(Phase, Instant)>,
}

impl Progress {
    /// At the very beginning.
    pub(super) fn new() -> Self {
        Self { state: Mutex::new((Phase::Begin, Instant::now())) }
    }

    /// Notes how far it is; the first word of another phase ends the one before.
    pub(super) fn at(&self, phase: Phase) {
        let mut state = self.state.lock();
        if std::mem::discriminant(&state.0) != std::mem::discriminant(&phase) {
            report_end(state.0, state.1.elapsed());
            state.1 = Instant::now();
        }
        state.0 = phase;
    }

    fn end(&self) {
        let (phase, since) = *self.state.lock();
        report_end(phase, since.elapsed());
    }

    fn phase(&self) -> Phase {
        self.state.lock().0
    }

    async fn report(&self) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(START_REPORT_INTERVAL).await;
            tracing::info!(at = %self.phase(), "starting");
        }
    }
}

fn report_end(phase: Phase, took: Duration) {
    if phase != Phase::Begin {
        tracing::info!(took_ms = took.as_millis() as u64, "start: {phase}");
    }
}

/// A node from the moment its process begins. Clones share it.
#[derive(Debug, Clone)]
pub struct Starting {
    progress: Arc<Progress>,
    node: Arc<OnceLock<Node>>,
    security: Option<Security>,
}

impl Default for Starting {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Node> for Starting {
    fn from(node: Node) -> Self {
        Self { node: Arc::new(OnceLock::from(node)), ..Self::new() }
    }
}

impl Starting {
    /// Nothing has begun yet.
    pub fn new() -> Self {
        Self { progress: Arc::new(Progress::new()), node: Arc::default(), security: None }
    }

    /// The same, of a node whose listeners have these certificates already. Otherwise it reads those its configuration
    /// names when it starts.
    pub fn secured(security: Security) -> Self {
        Self { security: Some(security), ..Self::new() }
    }

    /// Starts the node as [`Node::start`] does; from then on [`Self::node`] is it.
    ///
    /// # Errors
    /// Why the node cannot start: see [`Node::start`].
    pub async fn start(&self, config: Config, http: SocketAddr) -> anyhow::Result<Node> {
        let security = match &self.security {
            Some(security) => security.clone(),
            None => Security::load(&config)?,
        };
        let node = tokio::select! {
            node = Node::start_telling(config, http, security, self.progress.clone()) => node?,
            never = self.progress.report() => match never {},
        };
        self.progress.end();
        Ok(self.node.get_or_init(|| node).clone())
    }

    /// The node, once it has started.
    pub fn node(&self) -> Option<&Node> {
        self.node.get()
    }

    /// Whether the node can serve: before it has started it cannot, and the one check `start` says how far it is.
    pub fn ready(&self) -> ReadyView {
        if let Some(node) = self.node() {
            return node.ready();
        }
        let detail = self.progress.phase().to_string();
        ReadyView { ready: false, checks: vec![ReadyCheck { name: "start".into(), ok: false, detail }] }
    }
}

impl Node {
    /// Opens the data folder, binds the peer listener, recovers every group, and then forms, joins or rejoins its
    /// cluster in the background. `http` is the address its HTTP listener is bound to.
    ///
    /// # Errors
    /// The folder is another node's, in use or damaged, or the peer address cannot be bound.
    pub async fn start(config: Config, http: SocketAddr) -> anyhow::Result<Self> {
        Starting::new().start(config, http).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reads_as_a_person_would_say_it() {
        assert_eq!(Phase::Log(120 << 20, 512 << 20).to_string(), "log: 120 of 512 MiB");
        assert_eq!(Phase::Groups(3, 8).to_string(), "groups: 3 of 8 loaded");
    }

    #[tokio::test]
    async fn a_starting_node_is_not_ready_and_says_how_far_it_is() {
        let starting = Starting::new();
        starting.progress.at(Phase::Groups(3, 8));
        let view = starting.ready();
        assert!(!view.ready && starting.node().is_none());
        let shown = view.checks.iter().map(|check| (check.name.as_str(), check.ok, check.detail.as_str()));
        assert_eq!(shown.collect::<Vec<_>>(), [("start", false, "groups: 3 of 8 loaded")]);
    }
}
