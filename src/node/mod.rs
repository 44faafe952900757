//! Every group hosted here: routing, life cycle, membership. What the adapters call.
//!
//! Relies on [`crate::group`] for one group and on [`crate::transport`] for other nodes. Guarantees that a request
//! ends by its deadline, that it is sent on only while it is certain that it was not proposed, and that every
//! error says what became of it.

mod admin;
mod admission;
mod api;
mod asking;
mod chunks;
mod disk;
mod doc;
mod forward;
mod founding;
mod freshness;
mod host;
mod identity;
mod keyspace;
mod leaders;
pub mod lost;
mod meta;
mod metrics;
mod operations;
mod parts;
mod peer;
mod reconcile;
mod repair;
mod requests;
mod retire;
mod room;
mod route;
mod seek;
mod served;
mod services;
mod shown;
#[cfg(feature = "simulation")]
pub mod simulation;
mod snapshot_policy;
mod snapshots;
mod start;
mod startup;
mod status;
mod stop;
#[cfg(test)]
mod tests;
mod tokens;
mod topology;
mod traced;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use raft_store::{GroupId, NodeId};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::auth::Gate;
use crate::config::Config;
use crate::group::Group;
use crate::tls::Security;
use crate::trace::SlowLog;
use crate::transport::Transport;
use crate::views::MemberSpec;
use disk::DiskWatch;
use doc::{ClusterDoc, META_GROUP};
use host::Host;
use identity::IdentityFile;
use repair::Offered;

pub use keyspace::{Scan, ScanPage, Scope};
pub use served::Served;
pub use startup::Starting;
pub use stop::StopError;
pub use tokens::TokenRequest;
pub use topology::{SlotRange, Topology};
pub use types::{Consistency, GroupChange, Read, ReadOk, WriteOk};

/// One node; cheap to clone.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.inner.id)
    }
}

/// What every part of the node shares.
struct Inner {
    id: NodeId,
    config: Config,
    me: MemberSpec,
    transport: Transport,
    forwarder: forward::Forwarder,
    host: Host,
    identity: Mutex<IdentityFile>,
    /// The cluster's document as this node's replica of the meta group has it.
    doc: watch::Sender<Option<Arc<ClusterDoc>>>,
    /// Leaders last heard of, where this node's own replicas cannot tell.
    leaders: leaders::Leaders,
    /// How far local reads through this node have come.
    shown: shown::Shown,
    /// Groups whose members this node is changing now.
    changing: Arc<Mutex<BTreeSet<GroupId>>>,
    /// Since when replicas here have had no leader.
    lonely: Mutex<BTreeMap<GroupId, Instant>>,
    /// Whom this fresh node has promised to found a cluster with, and until when.
    promise: Mutex<Option<(NodeId, Instant)>>,
    /// Held while this node founds a cluster or enters a founded one.
    founding: tokio::sync::Mutex<()>,
    /// Running operations as they were last refreshed, and when this node saw that.
    operations_seen: Mutex<BTreeMap<String, (u64, Instant)>>,
    /// Who may do what, for the adapters.
    gate: Arc<Gate>,
    memory: AtomicU64,
    reads: metrics::Reads,
    operations: metrics::Operations,
    leaderships: metrics::Leaders,
    slow: SlowLog,
    snapshots: snapshots::Snapshots,
    disk: DiskWatch,
    /// Its certificates.
    security: Security,
    full_peers: room::FullPeers,
    /// Wakes who watches the disk: something just failed.
    look_at_disk_soon: Notify,
    /// Snapshots held ready for peers.
    offered: Offered,
    /// The log failed: what this node holds and what its disk holds may differ.
    distrusted: AtomicBool,
    /// It is about to stop.
    draining: AtomicBool,
    reconcile_soon: Notify,
    /// Why the node cannot go on, once it cannot.
    failure: watch::Sender<Option<String>>,
    /// Figures of the adapters.
    exposed: Mutex<Vec<Figures>>,
    tasks: Mutex<Vec<AbortHandle>>,
    itself: Weak<Inner>,
}

/// Figures as Prometheus text.
type Figures = Box<dyn Fn() -> String + Send + Sync>;

/// Held while a group's members change.
struct Changing {
    group: GroupId,
    all: Arc<Mutex<BTreeSet<GroupId>>>,
}

impl Drop for Changing {
    fn drop(&mut self) {
        self.all.lock().remove(&self.group);
    }
}

impl Inner {
    fn shared(&self) -> Arc<Self> {
        self.itself.upgrade().expect("whoever calls this holds the node")
    }

    fn store_id(&self) -> String {
        self.identity.lock().identity.store.clone()
    }

    fn cluster_id(&self) -> Option<String> {
        self.identity.lock().identity.cluster.as_ref().map(|cluster| cluster.cluster_id.clone())
    }

    /// The right to change a group's members; `None`: somebody has it.
    fn begin_change(&self, group: GroupId) -> Option<Changing> {
        let first = self.changing.lock().insert(group);
        first.then(|| Changing { group, all: self.changing.clone() })
    }

    /// Notes whether a replica has no leader; since when.
    fn lonely_since(&self, group: GroupId, lonely: bool) -> Option<Instant> {
        let mut all = self.lonely.lock();
        if lonely {
            return Some(*all.entry(group).or_insert_with(Instant::now));
        }
        all.remove(&group);
        None
    }

    fn memory_bytes(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    /// The groups open here that hold clients' keys.
    fn data_groups(&self) -> impl Iterator<Item = Arc<Group>> {
        self.host.all().into_iter().filter(|group| group.id() != META_GROUP)
    }

    fn measure_memory(&self) {
        let bytes = self.host.all().iter().map(|group| group.map().read().stats().bytes).sum();
        self.memory.store(bytes, Ordering::Relaxed);
    }

    fn fail(&self, why: String) {
        self.failure.send_if_modified(|failure| {
            let first = failure.is_none();
            failure.get_or_insert(why);
            first
        });
    }
}
