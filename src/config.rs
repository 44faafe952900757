//! What a node is told when it starts, and where that is read from: flags, environment, file, defaults.
//!
//! [`settings`] lists every setting once; [`load`] layers the sources; [`check`] refuses what cannot work.

pub mod check;
mod consistency;
pub mod load;
mod secure;
pub mod settings;
pub mod units;

use std::net::SocketAddr;
use std::path::PathBuf;

use raft_store::NodeId;
use serde::{Deserialize, Serialize};

pub use consistency::{Consistency, NoConsistency};
pub use secure::TlsFiles;

/// Everything a node needs to know. Every field is also a flag of `serve`, a key of its file and an
/// environment variable ([`settings`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Node id: unique for ever, from 1.
    pub id: NodeId,
    /// Folder of the log, the snapshots and the identity; locked while the node runs.
    pub data_dir: PathBuf,
    /// Where the HTTP API listens.
    pub http: SocketAddr,
    /// Where peers connect.
    pub peer: SocketAddr,
    /// Where the Redis protocol listens, any node answering for any key; `None`: it does not.
    pub resp: Option<SocketAddr>,
    /// Where the Redis protocol listens as a node of a Redis Cluster does; `None`: it does not.
    pub resp_cluster: Option<SocketAddr>,
    /// HTTP address told to others, if it differs from `http`.
    pub advertise_http: Option<String>,
    /// Peer address told to others, if it differs from `peer`.
    pub advertise_peer: Option<String>,
    /// Address of the Redis protocol told to others, if it differs from `resp`.
    pub advertise_resp: Option<String>,
    /// The same for `resp_cluster`.
    pub advertise_resp_cluster: Option<String>,
    /// How fresh reads of the Redis protocol are unless a connection asks for less.
    pub resp_consistency: Consistency,
    /// Connections of the Redis protocol served at once, on each of its two addresses.
    pub resp_connections: usize,
    /// Whether the Redis protocol's `DEBUG` is allowed: for tests only.
    pub resp_debug: bool,
    /// Certificate shown to clients, and to peers unless they have their own; `None`: plain text.
    pub tls_cert: Option<PathBuf>,
    /// Its private key.
    pub tls_key: Option<PathBuf>,
    /// Authorities of peers, and of clients that must show a certificate.
    pub tls_ca: Option<PathBuf>,
    /// Whether clients must show a certificate.
    pub tls_client_auth: bool,
    /// Certificate shown to peers, if it differs from `tls_cert`.
    pub peer_tls_cert: Option<PathBuf>,
    /// Its private key.
    pub peer_tls_key: Option<PathBuf>,
    /// Authorities of peers, if they differ from `tls_ca`.
    pub peer_tls_ca: Option<PathBuf>,
    /// Whether other machines may reach this node without encryption.
    pub allow_insecure: bool,
    /// Whether clients need a token for all but `/livez` and `/readyz`.
    pub auth: bool,
    /// File of the token that always has every scope; the same on every node.
    pub root_token_file: Option<PathBuf>,
    /// Whether `/metrics` needs no token although `auth` is on.
    pub metrics_open: bool,
    /// From how long on an operation is logged and kept as slow, ms; 0: none is.
    pub slow_log: u64,
    /// Whether a slow operation's key may be told.
    pub log_keys: bool,
    /// Failure zone, for people and placement.
    pub zone: String,
    /// Peer addresses of nodes to form the cluster with or to join.
    pub seeds: Vec<String>,
    /// Form a new cluster once this many fresh nodes found each other; 0: only join.
    pub bootstrap_expect: usize,
    /// Data groups of a new cluster; 0: one for each node of the first cluster.
    pub groups: u32,
    /// Voters of each group of a new cluster.
    pub replication: usize,
    /// Bytes the maps of this node may hold; past it writes answer `quota-exceeded`.
    pub memory_max: u64,
    /// Longest value accepted, in bytes.
    pub value_max: usize,
    /// Size of a segment of the log, in bytes.
    pub log_segment: u64,
    /// Bytes of log after which a group takes a snapshot.
    pub snapshot_log: u64,
    /// Seconds after which a group with new entries takes a snapshot.
    pub snapshot_interval: u64,
    /// Bytes of snapshots this node sends each second, over all followers.
    pub snapshot_rate: u64,
    /// Heartbeat interval, ms.
    pub heartbeat: u64,
    /// Shortest election timeout, ms; the lease is as long as the longest.
    pub election_min: u64,
    /// Longest election timeout, ms.
    pub election_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            id: 0,
            data_dir: PathBuf::from("quorate-data"),
            http: SocketAddr::from(([127, 0, 0, 1], 7070)),
            peer: SocketAddr::from(([127, 0, 0, 1], 7170)),
            resp: Some(SocketAddr::from(([127, 0, 0, 1], 7270))),
            resp_cluster: Some(SocketAddr::from(([127, 0, 0, 1], 7370))),
            advertise_http: None,
            advertise_peer: None,
            advertise_resp: None,
            advertise_resp_cluster: None,
            resp_consistency: Consistency::Linearizable,
            resp_connections: crate::limits::RESP_CONNECTIONS_DEFAULT,
            resp_debug: false,
            tls_cert: None,
            tls_key: None,
            tls_ca: None,
            tls_client_auth: false,
            peer_tls_cert: None,
            peer_tls_key: None,
            peer_tls_ca: None,
            allow_insecure: false,
            auth: false,
            root_token_file: None,
            metrics_open: false,
            slow_log: 100,
            log_keys: false,
            zone: String::new(),
            seeds: Vec::new(),
            bootstrap_expect: 0,
            groups: 0,
            replication: 3,
            memory_max: 4 << 30,
            value_max: raft_store::limits::VALUE_BYTES_MAX_DEFAULT,
            log_segment: 64 << 20,
            snapshot_log: 64 << 20,
            snapshot_interval: 600,
            snapshot_rate: 16 << 20,
            heartbeat: 50,
            election_min: 250,
            election_max: 500,
        }
    }
}
