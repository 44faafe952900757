//! Refuses configurations that cannot work, before anything is opened; pure.

use std::net::SocketAddr;

use raft_store::limits::{GROUPS_MAX, VALUE_BYTES_CEILING};

use super::Config;
use crate::limits::NODES_MAX;

/// Smallest segment of the log, in bytes.
pub const LOG_SEGMENT_MIN: u64 = 1 << 20;
/// Least bytes of snapshots sent in a second: below it a chunk takes too long.
pub const SNAPSHOT_RATE_MIN: u64 = 64 << 10;
/// Heartbeats that must fit into the shortest election timeout: two may be lost.
pub const HEARTBEATS_PER_ELECTION_MIN: u64 = 3;

/// Everything wrong with `config`, one sentence each, naming the flags; empty when it can run.
pub fn problems(config: &Config) -> Vec<String> {
    let mut found = Vec::new();
    identity(config, &mut found);
    forming(config, &mut found);
    sizes(config, &mut found);
    timing(config, &mut found);
    super::secure::problems(config, &mut found);
    found
}

/// Notes `message` unless `ok`.
fn need(found: &mut Vec<String>, ok: bool, message: impl Into<String>) {
    if !ok {
        found.push(message.into());
    }
}

fn identity(config: &Config, found: &mut Vec<String>) {
    need(found, config.id >= 1, "--id must be at least 1 and unique for ever: give each node its own");
    need(found, !config.data_dir.as_os_str().is_empty(), "--data-dir must name a folder");
    let listens = [
        ("--http", Some(config.http)),
        ("--peer", Some(config.peer)),
        ("--resp", config.resp),
        ("--resp-cluster", config.resp_cluster),
    ];
    for (at, (name, address)) in listens.iter().enumerate() {
        let same = |other: &&(&str, Option<SocketAddr>)| {
            address.is_some_and(|a| a.port() != 0 && other.1 == Some(a))
        };
        if let Some((other, _)) = listens[..at].iter().find(same) {
            found.push(format!("{other} and {name} must differ"));
        }
    }
    need(
        found,
        !config.auth || config.root_token_file.is_some(),
        "--auth yes needs --root-token-file: the token in it makes all others",
    );
    need(found, config.resp_connections >= 1, "--resp-connections must be at least 1");
}

fn forming(config: &Config, found: &mut Vec<String>) {
    let (expect, seeds) = (config.bootstrap_expect, config.seeds.len());
    need(
        found,
        expect <= 1 || seeds >= 1,
        format!("--bootstrap-expect {expect} needs --seeds: the peer addresses of its nodes"),
    );
    need(found, expect <= NODES_MAX, format!("--bootstrap-expect is at most {NODES_MAX}"));
    need(found, seeds <= NODES_MAX, format!("--seeds takes at most {NODES_MAX} addresses"));
    // The meta group is not counted by --groups.
    need(found, config.groups < GROUPS_MAX, format!("--groups is at most {}", GROUPS_MAX - 1));
    let replication = 1..=NODES_MAX;
    need(found, replication.contains(&config.replication), format!("--replication is from 1 to {NODES_MAX}"));
}

fn sizes(config: &Config, found: &mut Vec<String>) {
    need(found, config.memory_max >= 1, "--memory-max must be at least 1 byte");
    let value = 1..=VALUE_BYTES_CEILING;
    need(
        found,
        value.contains(&config.value_max),
        format!("--value-max is from 1 byte to {}MiB", VALUE_BYTES_CEILING >> 20),
    );
    need(
        found,
        config.log_segment >= LOG_SEGMENT_MIN,
        format!("--log-segment is at least {}MiB", LOG_SEGMENT_MIN >> 20),
    );
    need(found, config.snapshot_log >= 1, "--snapshot-log must be at least 1 byte");
    need(found, config.snapshot_rate >= SNAPSHOT_RATE_MIN, "--snapshot-rate is at least 64KiB");
    need(found, config.snapshot_interval >= 1, "--snapshot-interval must be at least 1s");
}

fn timing(config: &Config, found: &mut Vec<String>) {
    let (heartbeat, shortest, longest) = (config.heartbeat, config.election_min, config.election_max);
    need(found, heartbeat >= 1, "--heartbeat must be at least 1ms");
    need(
        found,
        heartbeat.saturating_mul(HEARTBEATS_PER_ELECTION_MIN) <= shortest,
        format!(
            "--election-min ({shortest}ms) must be at least {HEARTBEATS_PER_ELECTION_MIN} times --heartbeat ({heartbeat}ms)"
        ),
    );
    need(
        found,
        shortest < longest,
        format!("--election-min ({shortest}ms) must be below --election-max ({longest}ms)"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Config {
        Config { id: 1, ..Config::default() }
    }

    /// The only problem of a good configuration changed by `spoil`.
    fn problem(spoil: impl FnOnce(&mut Config)) -> String {
        let mut config = good();
        spoil(&mut config);
        let found = problems(&config);
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    }

    #[test]
    fn the_default_with_an_id_can_run() {
        assert_eq!(problems(&good()), Vec::<String>::new());
        assert_eq!(problems(&Config { bootstrap_expect: 1, ..good() }), Vec::<String>::new());
    }

    #[test]
    fn each_rule_refuses_with_the_flag_named() {
        assert!(problem(|c| c.id = 0).starts_with("--id"));
        assert!(problem(|c| c.peer = c.http).starts_with("--http and --peer"));
        assert_eq!(problem(|c| c.resp_cluster = c.resp), "--resp and --resp-cluster must differ");
        assert_eq!(problem(|c| c.resp_connections = 0), "--resp-connections must be at least 1");
        assert!(problem(|c| c.auth = true).starts_with("--auth yes needs --root-token-file"));
        assert!(problem(|c| c.bootstrap_expect = 3).starts_with("--bootstrap-expect 3 needs --seeds"));
        assert!(problem(|c| c.groups = 1025).starts_with("--groups"));
        assert!(problem(|c| c.replication = 0).starts_with("--replication"));
        assert!(problem(|c| c.memory_max = 0).starts_with("--memory-max"));
        assert!(problem(|c| c.value_max = 65 << 20).starts_with("--value-max"));
        assert!(problem(|c| c.log_segment = 1000).starts_with("--log-segment"));
        assert!(problem(|c| c.snapshot_log = 0).starts_with("--snapshot-log"));
        assert!(problem(|c| c.snapshot_interval = 0).starts_with("--snapshot-interval"));
        assert!(problem(|c| c.heartbeat = 0).starts_with("--heartbeat"));
        assert!(problem(|c| c.heartbeat = 84).starts_with("--election-min (250ms) must be at least 3 times"));
        assert!(problem(|c| c.election_max = 250).starts_with("--election-min (250ms) must be below"));
    }

    #[test]
    fn the_bounds_themselves_are_allowed() {
        let config =
            Config { groups: 1024, heartbeat: 50, election_min: 150, log_segment: 1 << 20, ..good() };
        assert_eq!(problems(&config), Vec::<String>::new());
    }
}
