//! How a cluster is started.

use std::path::PathBuf;
use std::time::Duration;

/// What nodes store their data on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// A folder of this machine.
    #[default]
    Plain,
    /// A [`crate::disk::FaultDisk`] for each node, under everything it stores.
    Faulty {
        /// Decides what is random about the disks.
        seed: u64,
    },
}

/// What nodes speak to each other over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wires {
    /// The loopback device of this machine.
    #[default]
    Loopback,
    /// A [`crate::netns::Network`]: every node in a namespace of its own.
    Namespaces {
        /// Decides what is random about the network.
        seed: u64,
    },
}

/// How a cluster is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Data groups; `None`: one for each node.
    pub groups: Option<u32>,
    /// Bytes of log after which a group takes a snapshot.
    pub snapshot_log: Option<u64>,
    /// Bytes of a log segment.
    pub log_segment: Option<u64>,
    /// Bytes of snapshots a node sends in a second.
    pub snapshot_rate: Option<u64>,
    /// What nodes store their data on.
    pub storage: Storage,
    /// What nodes speak over.
    pub wires: Wires,
    /// Whether the nodes' wall clocks can be stepped ([`super::clocks::fake_time`]).
    pub fake_wall: bool,
    /// How long the whole test may take; `None`: [`super::TEST_TIMEOUT`].
    pub limit: Option<Duration>,
    /// Where the folder of logs and data is made; `None`: among the temporary files.
    pub keep: Option<PathBuf>,
}

impl Options {
    /// These options as flags of `quorate serve`.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> {
        let groups = self.groups.map(u64::from);
        let sizes = [
            ("--groups", groups),
            ("--snapshot-log", self.snapshot_log),
            ("--log-segment", self.log_segment),
            ("--snapshot-rate", self.snapshot_rate),
        ];
        sizes.into_iter().filter_map(|(flag, value)| Some([flag.to_owned(), value?.to_string()])).flatten()
    }
}
