//! openraft's settings; what is left at its default was looked at (ARCHITECTURE.md, "openraft").

use crate::limits::SNAPSHOT_INSTALL_TIMEOUT;

/// The settings every group of a node runs with. All times in ms; the lease is as long as `election_max`.
pub(crate) fn settings(heartbeat: u64, election_min: u64, election_max: u64) -> openraft::Config {
    openraft::Config {
        cluster_name: "quorate".to_owned(),
        heartbeat_interval: heartbeat,
        election_timeout_min: election_min,
        election_timeout_max: election_max,
        // A state machine in memory and no saved commit index: a restored leader could serve old state.
        enable_leader_restore: Some(false),
        enable_pre_vote: Some(true),
        // Snapshots and purges are triggered by bytes and time (`node::snapshots`).
        snapshot_policy: openraft::SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: u64::MAX,
        purge_batch_size: 1,
        install_snapshot_timeout: SNAPSHOT_INSTALL_TIMEOUT.as_millis() as u64,
        ..openraft::Config::default()
    }
}
