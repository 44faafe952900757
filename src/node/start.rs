//! Starting a node, and what makes it part of a cluster.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use anyhow::Context as _;
use parking_lot::Mutex;
use raft_store::blocking;
use raft_store::snapshot_store::SnapshotStore;
use raft_store::wal::{SharedLog, WalOptions};
use tokio::sync::{Notify, watch};

use super::disk::{DiskWatch, free_bytes};
use super::doc::META_GROUP;
use super::forward::Forwarder;
use super::host::Host;
use super::identity::{Identity, IdentityFile};
use super::lost::open_log;
use super::peer::{self, Probed};
use super::repair::Offered;
use super::services::PeerHandler;
use super::startup::{Phase, Progress};
use super::{Inner, Node};
use crate::clock::boot_ns;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::group::{GroupDeps, Pace, settings};
use crate::limits::{META_TIMEOUT, PROBE_TIMEOUT, pulse};
use crate::random;
use crate::tls::Security;
use crate::transport::{Net, Transport, TransportConfig};
use crate::views::{MemberSpec, NodeView};

/// What a node stands on.
pub(super) struct Ground {
    pub(super) identity: IdentityFile,
    pub(super) transport: Transport,
    pub(super) security: Security,
    pub(super) log: SharedLog,
    pub(super) snapshots: SnapshotStore,
    pub(super) disk: DiskWatch,
}

impl Node {
    /// Starts a node, telling `progress` how far it is.
    pub(super) async fn start_telling(
        config: Config,
        http: SocketAddr,
        security: Security,
        progress: Arc<Progress>,
    ) -> anyhow::Result<Self> {
        let identity = IdentityFile::open(&config.data_dir, config.id)?;
        let member = identity.identity.cluster.is_some();
        let net = security.peers().map_or(Net::Tcp, Net::Tls);
        let (node, listen, pulse) = (config.id, config.peer, pulse(config.heartbeat));
        let transport = Transport::bind(TransportConfig { node, listen, net, pulse })
            .await
            .with_context(|| format!("listening for peers on {listen}"))?;
        let (log, snapshots) = open_stores(&config, member, progress.clone()).await?;
        let disk = DiskWatch::new(&config, Arc::new(free_bytes));
        let ground = Ground { identity, transport, security, log, snapshots, disk };
        Self::start_on(config, http, ground, &progress).await
    }

    /// Starts a node on what it stands on.
    pub(super) async fn start_on(
        config: Config,
        http: SocketAddr,
        ground: Ground,
        progress: &Progress,
    ) -> anyhow::Result<Self> {
        let Ground { identity, transport, security, log, snapshots, disk } = ground;
        let raft = settings(config.heartbeat, config.election_min, config.election_max);
        let raft = Arc::new(raft.validate().context("Raft settings")?);
        let pace = Arc::new(Pace::new(config.snapshot_rate));
        let deps = GroupDeps {
            node: config.id,
            transport: transport.clone(),
            log,
            snapshots,
            raft,
            pace,
            appends: Arc::default(),
        };
        let me = MemberSpec {
            id: config.id,
            http: config.advertise_http.clone().unwrap_or_else(|| http.to_string()),
            peer: config.advertise_peer.clone().unwrap_or_else(|| transport.local_addr().to_string()),
            zone: config.zone.clone(),
            resp: told(&config.advertise_resp, config.resp),
            resp_cluster: told(&config.advertise_resp_cluster, config.resp_cluster),
        };
        let gate = Arc::new(super::tokens::gate(&config)?);
        let (belongs, slow) = (identity.identity.clone(), crate::trace::SlowLog::new(config.slow_log));
        let inner = Arc::new_cyclic(|itself| Inner {
            id: config.id,
            config,
            me,
            forwarder: Forwarder::new(transport.clone()),
            transport,
            host: Host::new(deps, belongs.floors.clone()),
            identity: Mutex::new(identity),
            doc: watch::Sender::new(None),
            leaders: super::leaders::Leaders::default(),
            changing: Arc::default(),
            lonely: Mutex::default(),
            shown: Default::default(),
            promise: Mutex::default(),
            founding: tokio::sync::Mutex::default(),
            operations_seen: Mutex::default(),
            gate,
            memory: AtomicU64::new(0),
            reads: super::metrics::Reads::default(),
            operations: super::metrics::Operations::default(),
            leaderships: super::metrics::Leaders::default(),
            slow,
            snapshots: super::snapshots::Snapshots::default(),
            disk,
            security,
            full_peers: super::room::FullPeers::default(),
            look_at_disk_soon: Notify::new(),
            offered: Offered::default(),
            distrusted: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            reconcile_soon: Notify::new(),
            failure: watch::Sender::new(None),
            exposed: Mutex::default(),
            tasks: Mutex::default(),
            itself: itself.clone(),
        });
        inner.clone().recover(belongs, progress).await?;
        inner.transport.serve(Arc::new(PeerHandler(Arc::downgrade(&inner))));
        inner.run();
        Ok(Self { inner })
    }
}

/// The address told to others of what listens at `bound`, if anything does.
fn told(advertised: &Option<String>, bound: Option<SocketAddr>) -> Option<String> {
    bound.map(|bound| advertised.clone().unwrap_or_else(|| bound.to_string()))
}

/// How the log is opened.
pub(super) fn log_options(config: &Config) -> WalOptions {
    WalOptions {
        segment_bytes: config.log_segment,
        salt: random::bits64(),
        clock: boot_ns,
        ..WalOptions::default()
    }
}

/// Opens log and snapshots. A node of a cluster has a log: if it is gone (its volume is not mounted, say), so are its
/// votes, and an empty one in its place would make it a voter that can vote twice.
async fn open_stores(
    config: &Config,
    member: bool,
    progress: Arc<Progress>,
) -> anyhow::Result<(SharedLog, SnapshotStore)> {
    let options = log_options(config);
    let (data_dir, snapshot_dir) = (config.data_dir.clone(), config.data_dir.join("snapshots"));
    let open = move || {
        progress.at(Phase::Log(0, 0));
        let read = |done, all| progress.at(Phase::Log(done, all));
        let log = open_log(&data_dir, member, |dir| SharedLog::open_with(dir, options, &read))?;
        progress.at(Phase::Snapshots);
        let (snapshots, damage) = SnapshotStore::open_or_set_aside(&snapshot_dir)?;
        if let Some(damage) = damage {
            let (error, kept) = (damage.error, damage.kept.display());
            tracing::error!(%error, %kept, "snapshot store damaged; what the log does not hold comes from peers");
        }
        anyhow::Ok((log, snapshots))
    };
    blocking::run(open).await?.with_context(|| format!("opening {}", config.data_dir.display()))
}

impl Inner {
    /// Opens every group this disk holds, before any peer is heard: a replica that is open grants no vote it has
    /// forgotten.
    async fn recover(self: Arc<Self>, identity: Identity, progress: &Progress) -> anyhow::Result<()> {
        let Some(cluster) = identity.cluster else { return Ok(()) };
        self.enter(cluster.clone())?;
        let deps = self.host.deps().clone();
        let mut groups = deps.log.groups();
        groups.extend(deps.snapshots.groups());
        groups.push(META_GROUP);
        groups.sort_unstable();
        groups.dedup();
        // Of groups this node left there is nothing to open; a leader that speaks to one again opens it.
        let left: Vec<_> =
            groups.iter().map(|&group| self.host.has_left(group)).collect::<anyhow::Result<_>>()?;
        let mut left = left.into_iter();
        groups.retain(|_| left.next() == Some(false));
        let all = groups.len();
        progress.at(Phase::Groups(0, all));
        self.host.open_all(groups, |opened| progress.at(Phase::Groups(opened, all))).await?;
        if let Some(founding) = cluster.founding {
            self.begin_founded(&founding).await?;
        }
        Ok(())
    }

    fn run(self: &Arc<Self>) {
        let mut tasks = self.tasks.lock();
        tasks.push(tokio::spawn(self.clone().follow_doc()).abort_handle());
        tasks.push(tokio::spawn(self.clone().reconcile()).abort_handle());
        tasks.push(tokio::spawn(self.clone().learn_leaders()).abort_handle());
        tasks.push(tokio::spawn(self.clone().watch_disk()).abort_handle());
        tasks.push(tokio::spawn(self.clone().watch_peer_disks()).abort_handle());
        tasks.push(tokio::spawn(self.clone().watch_itself()).abort_handle());
        tasks.push(tokio::spawn(self.clone().take_snapshots()).abort_handle());
        tasks.push(tokio::spawn(self.clone().repair_groups()).abort_handle());
        if self.gate.is_on() {
            tasks.push(tokio::spawn(self.clone().confirm_tokens()).abort_handle());
        }
        let inner = self.clone();
        tasks.push(tokio::spawn(async move { inner.come_in().await }).abort_handle());
    }

    /// A fresh node looks for its cluster; a founder that stopped half-way completes the founding.
    async fn come_in(self: Arc<Self>) {
        let belongs = self.identity.lock().identity.cluster.clone();
        let came = match belongs {
            Some(cluster) => {
                cluster.founding.iter().for_each(|founding| self.tell_founders(founding));
                Ok(())
            }
            None if self.config.seeds.is_empty() && self.config.bootstrap_expect != 1 => Ok(()),
            None => self.clone().find_cluster().await,
        };
        if let Err(error) = came {
            self.fail(format!("{error:#}"));
        }
    }

    /// Forms a cluster on request; `false`: this node is in one already.
    pub(super) async fn init(self: &Arc<Self>, peers: Vec<String>) -> Result<bool> {
        if self.cluster_id().is_some() {
            return Ok(false);
        }
        let mut nodes = BTreeMap::from([(self.id, self.applicant())]);
        for addr in peers.iter().filter(|addr| **addr != self.me.peer) {
            let question = peer::json(&self.applicant());
            let answer = self.transport.call_addr(addr, peer::PROBE, question, PROBE_TIMEOUT).await;
            let answer = answer.map_err(|e| conflict(format!("{addr} does not answer: {e}")))?;
            match peer::from_json(&answer) {
                Ok(Probed::Fresh(other)) => drop(nodes.insert(other.spec.id, other)),
                Ok(_) => return Err(conflict(format!("the node at {addr} belongs to a cluster"))),
                Err(error) => return Err(conflict(format!("{addr}: {error}"))),
            }
        }
        if nodes.len() != peers.iter().filter(|addr| **addr != self.me.peer).count() + 1 {
            return Err(conflict("two of the nodes have the same id".to_owned()));
        }
        match self.found(nodes.into_values().collect()).await {
            Ok(true) => self.await_first_doc().await.map(|()| true),
            Ok(false) => Err(conflict("some nodes are being taken into another cluster".to_owned())),
            Err(error) => Err(Error::unknown(ErrorKind::Internal, format!("{error:#}"))),
        }
    }

    async fn await_first_doc(&self) -> Result<()> {
        let mut doc = self.doc.subscribe();
        let first = tokio::time::timeout(META_TIMEOUT, doc.wait_for(Option::is_some)).await;
        first.map(drop).map_err(|_| Error::unknown(ErrorKind::Timeout, "the cluster is still being formed"))
    }

    /// Admits a node before it starts.
    pub(super) async fn add_member(self: &Arc<Self>, spec: MemberSpec) -> Result<NodeView> {
        let spec_ok =
            spec.id > 0 && is_host_port(&spec.http) && is_host_port(&spec.peer) && spec.http != spec.peer;
        if !spec_ok {
            let detail = "a member has an id from 1 on, and two addresses like host:port that differ";
            return Err(Error::not_applied(ErrorKind::InvalidValue, detail));
        }
        self.change_doc(|doc| {
            let taken = doc.nodes.iter().find(|(id, member)| {
                let same =
                    [&member.http, &member.peer].into_iter().any(|a| *a == spec.http || *a == spec.peer);
                **id == spec.id || same
            });
            if let Some((id, _)) = taken {
                return Err(conflict(format!(
                    "node {id} is a member already, or has one of these addresses"
                )));
            }
            doc.admit(&spec, None).map_err(|refusal| conflict(refusal.to_string()))?;
            Ok(super::meta::Change::Write(()))
        })
        .await?;
        Ok(NodeView::unheard(spec, "admitted"))
    }

    /// Whether a group exists.
    pub(super) fn check_group(&self, group: raft_store::GroupId) -> Result<()> {
        let known = group == META_GROUP || self.member_doc()?.groups.contains_key(&group);
        if known { Ok(()) } else { Err(super::admin::unknown_group(group)) }
    }
}

fn is_host_port(address: &str) -> bool {
    address
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0))
}

fn conflict(detail: String) -> Error {
    Error::not_applied(ErrorKind::Conflict, detail)
}
