//! A node for a simulator: the real one, on a network and on stores that are given to it.
//!
//! A simulated node lives in a tokio runtime of its own, on the one thread of all nodes, with the clock paused, and is
//! driven only while its world is entered ([`raft_store::simulation::enter`]). Whoever asks the node something from outside,
//! even what waits for nothing ([`Node::ready`]), enters its world and its runtime too, since tokio's clock is the real one
//! elsewhere. To drop the runtime is to kill the node. What stays real is the small identity file in its data folder.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use raft_store::GroupId;
use raft_store::key::Key;
use raft_store::map::Lookup;
use raft_store::snapshot_store::SnapshotStore;
use raft_store::wal::{SharedLog, WalOptions};

use super::Node;
use super::disk::DiskWatch;
use super::identity::IdentityFile;
use super::start::{Ground, log_options};
use super::startup::Progress;
use crate::config::Config;
pub use crate::group::{GroupProbe, MembersProbe, Role, VoteProbe};
use crate::tls::Security;
use crate::transport::{Net, SimulatedNet, Transport, TransportConfig};

/// What a simulated node stands on.
pub struct Parts {
    /// Its way to the other nodes; it listens at the configured peer address.
    pub net: Arc<dyn SimulatedNet>,
    /// Its log, opened with [`wal_options`]. A node that has entered a cluster must get the log it had: an empty one
    /// has forgotten its votes, which the real start refuses.
    pub log: SharedLog,
    /// Its snapshots.
    pub snapshots: SnapshotStore,
    /// Bytes free on the disk under its data folder.
    pub free_bytes: Arc<dyn Fn() -> io::Result<u64> + Send + Sync>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("net", &self.net).finish_non_exhaustive()
    }
}

/// How the node's own start opens its log.
pub fn wal_options(config: &Config) -> WalOptions {
    log_options(config)
}

impl Node {
    /// [`Node::start`] on `parts`. Nothing listens at `http`, which is only told to the others.
    ///
    /// # Errors
    /// The data folder is another node's, its stores are damaged, or the peer address is taken.
    pub async fn start_simulated(config: Config, http: SocketAddr, parts: Parts) -> anyhow::Result<Self> {
        let identity = IdentityFile::open(&config.data_dir, config.id)?;
        let Parts { net, log, snapshots, free_bytes } = parts;
        let (node, listen, net) = (config.id, config.peer, Net::Simulated(net));
        let pulse = crate::limits::pulse(config.heartbeat);
        let transport = Transport::bind(TransportConfig { node, listen, net, pulse }).await?;
        let disk = DiskWatch::new(&config, Arc::new(move |_| free_bytes()));
        let security = Security::default();
        let ground = Ground { identity, transport, security, log, snapshots, disk };
        Self::start_on(config, http, ground, &Progress::new()).await
    }

    /// The groups of which replicas are open here, in order.
    pub fn open_groups(&self) -> Vec<GroupId> {
        self.inner.host.all().iter().map(|group| group.id()).collect()
    }

    /// This node's replica of a group; `None`: none is open here. `digest` asks for a checksum of its state too, which
    /// costs a pass over it.
    pub fn probe(&self, group: GroupId, digest: bool) -> Option<GroupProbe> {
        Some(self.inner.host.get(group)?.probe(digest))
    }

    /// Of `keys`, those this node's replica of a group looks up rather than says that their slots are not its own.
    pub fn looks_up(&self, group: GroupId, keys: &[Key]) -> Vec<Key> {
        let Some(replica) = self.inner.host.get(group) else { return Vec::new() };
        let found = keys.iter().map(|key| replica.look_up(std::slice::from_ref(key)).found);
        keys.iter()
            .zip(found)
            .filter(|(_, found)| *found != [Lookup::NotOwner])
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Why a group is kept closed until a peer gave it a snapshot, if it is.
    pub fn repair_of(&self, group: GroupId) -> Option<String> {
        self.inner.host.repair_of(group)
    }
}
