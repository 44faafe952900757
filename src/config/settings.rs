//! Every setting of `serve`, once: its name, its meaning and how its text is read.
//!
//! The name is the flag (`--data-dir`), the key of the file (`data-dir`) and, in capitals, the environment
//! variable (`QUORATE_DATA_DIR`), so the three cannot drift apart.

mod process;
mod read;
mod secure;

use super::consistency::NoConsistency;
use super::units::{duration_or, size};
pub use process::{LogFormat, Settings};
use read::{address, address_or_none, fits, host_port, list, number, put, text, whole_seconds, yes_no};

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name in kebab case.
    pub name: &'static str,
    /// What its value looks like.
    pub value: &'static str,
    /// Its default as a user would write it, if it has one.
    pub default: Option<&'static str>,
    /// One sentence for `--help`.
    pub help: &'static str,
    apply: fn(&mut Settings, &str) -> Result<(), String>,
}

impl Setting {
    /// The environment variable of the same name.
    pub fn env(&self) -> String {
        format!("QUORATE_{}", self.name.replace('-', "_").to_ascii_uppercase())
    }

    /// Reads `text` into `settings`.
    ///
    /// # Errors
    /// A sentence for the user when the text does not fit.
    pub fn apply(&self, settings: &mut Settings, text: &str) -> Result<(), String> {
        (self.apply)(settings, text.trim())
    }
}

/// Every setting, in the order of `--help`.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "id",
        value: "N",
        default: None,
        help: "Id of this node: unique for ever, from 1",
        apply: |s, t| put(&mut s.node.id, number(t)),
    },
    Setting {
        name: "data-dir",
        value: "DIR",
        default: Some("quorate-data"),
        help: "Folder of the log, the snapshots and the identity",
        apply: |s, t| put(&mut s.node.data_dir, text(t).map(Into::into)),
    },
    Setting {
        name: "http",
        value: "IP:PORT",
        default: Some("127.0.0.1:7070"),
        help: "Where the HTTP API listens",
        apply: |s, t| put(&mut s.node.http, address(t)),
    },
    Setting {
        name: "peer",
        value: "IP:PORT",
        default: Some("127.0.0.1:7170"),
        help: "Where peers connect",
        apply: |s, t| put(&mut s.node.peer, address(t)),
    },
    Setting {
        name: "resp",
        value: "IP:PORT|none",
        default: Some("127.0.0.1:7270"),
        help: "Where the Redis protocol listens; any node answers for any key",
        apply: |s, t| put(&mut s.node.resp, address_or_none(t)),
    },
    Setting {
        name: "resp-cluster",
        value: "IP:PORT|none",
        default: Some("127.0.0.1:7370"),
        help: "Where the Redis protocol listens for clients of Redis Cluster",
        apply: |s, t| put(&mut s.node.resp_cluster, address_or_none(t)),
    },
    Setting {
        name: "advertise-http",
        value: "HOST:PORT",
        default: None,
        help: "HTTP address told to others, if it differs from --http",
        apply: |s, t| put(&mut s.node.advertise_http, host_port(t).map(Some)),
    },
    Setting {
        name: "advertise-peer",
        value: "HOST:PORT",
        default: None,
        help: "Peer address told to others, if it differs from --peer",
        apply: |s, t| put(&mut s.node.advertise_peer, host_port(t).map(Some)),
    },
    Setting {
        name: "advertise-resp",
        value: "HOST:PORT",
        default: None,
        help: "Address of the Redis protocol told to others, if it differs from --resp",
        apply: |s, t| put(&mut s.node.advertise_resp, host_port(t).map(Some)),
    },
    Setting {
        name: "advertise-resp-cluster",
        value: "HOST:PORT",
        default: None,
        help: "Address told to clients of Redis Cluster, if it differs from --resp-cluster",
        apply: |s, t| put(&mut s.node.advertise_resp_cluster, host_port(t).map(Some)),
    },
    Setting {
        name: "resp-consistency",
        value: "linearizable|lease|local",
        default: Some("linearizable"),
        help: "How fresh reads of the Redis protocol are unless a connection asks for less",
        apply: |s, t| put(&mut s.node.resp_consistency, t.parse().map_err(|e: NoConsistency| e.to_string())),
    },
    Setting {
        name: "resp-connections",
        value: "N",
        default: Some("10000"),
        help: "Connections of the Redis protocol served at once, on each of its two addresses",
        apply: |s, t| put(&mut s.node.resp_connections, number(t)),
    },
    Setting {
        name: "resp-debug",
        value: "yes|no",
        default: Some("no"),
        help: "Whether clients of the Redis protocol may use DEBUG, which is for tests",
        apply: |s, t| put(&mut s.node.resp_debug, yes_no(t)),
    },
    secure::TLS_CERT,
    secure::TLS_KEY,
    secure::TLS_CA,
    secure::TLS_CLIENT_AUTH,
    secure::PEER_TLS_CERT,
    secure::PEER_TLS_KEY,
    secure::PEER_TLS_CA,
    secure::ALLOW_INSECURE,
    secure::AUTH,
    secure::ROOT_TOKEN_FILE,
    secure::METRICS_OPEN,
    Setting {
        name: "zone",
        value: "NAME",
        default: None,
        help: "Failure zone, for people and placement",
        apply: |s, t| put(&mut s.node.zone, Ok(t.to_owned())),
    },
    Setting {
        name: "seeds",
        value: "HOST:PORT,…",
        default: None,
        help: "Peer addresses of nodes to form the cluster with or to join",
        apply: |s, t| put(&mut s.node.seeds, list(t)),
    },
    Setting {
        name: "bootstrap-expect",
        value: "N",
        default: Some("0"),
        help: "Form a new cluster once this many fresh nodes found each other; 0: only join",
        apply: |s, t| put(&mut s.node.bootstrap_expect, number(t)),
    },
    Setting {
        name: "groups",
        value: "N",
        default: Some("0"),
        help: "Data groups of a new cluster; 0: one for each of its first nodes",
        apply: |s, t| put(&mut s.node.groups, number(t)),
    },
    Setting {
        name: "replication",
        value: "N",
        default: Some("3"),
        help: "Voters of each group of a new cluster",
        apply: |s, t| put(&mut s.node.replication, number(t)),
    },
    Setting {
        name: "memory-max",
        value: "SIZE",
        default: Some("4GiB"),
        help: "Bytes the maps of this node may hold; past it writes are refused",
        apply: |s, t| put(&mut s.node.memory_max, size(t)),
    },
    Setting {
        name: "value-max",
        value: "SIZE",
        default: Some("1MiB"),
        help: "Longest value accepted",
        apply: |s, t| put(&mut s.node.value_max, size(t).and_then(fits)),
    },
    Setting {
        name: "log-segment",
        value: "SIZE",
        default: Some("64MiB"),
        help: "Size of a segment of the log",
        apply: |s, t| put(&mut s.node.log_segment, size(t)),
    },
    Setting {
        name: "snapshot-log",
        value: "SIZE",
        default: Some("64MiB"),
        help: "Log after which a group takes a snapshot",
        apply: |s, t| put(&mut s.node.snapshot_log, size(t)),
    },
    Setting {
        name: "snapshot-interval",
        value: "TIME",
        default: Some("10m"),
        help: "Time after which a group with new entries takes a snapshot; a bare number is seconds",
        apply: |s, t| put(&mut s.node.snapshot_interval, whole_seconds(t)),
    },
    Setting {
        name: "snapshot-rate",
        value: "SIZE",
        default: Some("16MiB"),
        help: "Most bytes of snapshots sent to other nodes in one second",
        apply: |s, t| put(&mut s.node.snapshot_rate, size(t)),
    },
    Setting {
        name: "heartbeat",
        value: "TIME",
        default: Some("50ms"),
        help: "Heartbeat interval; a bare number is milliseconds",
        apply: |s, t| put(&mut s.node.heartbeat, duration_or(t, Some(1))),
    },
    Setting {
        name: "election-min",
        value: "TIME",
        default: Some("250ms"),
        help: "Shortest election timeout; a bare number is milliseconds",
        apply: |s, t| put(&mut s.node.election_min, duration_or(t, Some(1))),
    },
    Setting {
        name: "election-max",
        value: "TIME",
        default: Some("500ms"),
        help: "Longest election timeout, and the length of the lease; a bare number is milliseconds",
        apply: |s, t| put(&mut s.node.election_max, duration_or(t, Some(1))),
    },
    process::LOG,
    process::LOG_FORMAT,
    process::SLOW_LOG,
    process::LOG_KEYS,
    process::THREADS,
    process::DRAIN_TIMEOUT,
    process::OTLP_ENDPOINT,
];

#[cfg(test)]
mod tests;
