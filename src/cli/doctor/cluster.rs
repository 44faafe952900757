//! What a cluster tells about itself, judged. Pure.

use std::collections::BTreeSet;

use raft_store::slot::SLOTS;

use super::{Finding, all_or};
use crate::cli::table::human;
use crate::views::{ClusterView, GroupView, NodeView};

/// Entries a replica may be behind its leader before it counts as one that does not keep up.
const LAG_MAX: u64 = 10_000;
/// Free space below which a disk counts as nearly full, in bytes.
const DISK_FREE_MIN: u64 = 1 << 30;
/// Used part of the memory bound, in percent, past which it counts as nearly full.
const MEMORY_USED_MAX: u64 = 80;
/// How far the nodes' clocks may be apart, ms. What the answers take on their way counts in, so it is generous.
const CLOCKS_APART_MAX_MS: u64 = 1_000;

/// Days a certificate should still hold.
const CERTIFICATE_DAYS_MIN: i64 = 14;
const DAY_MS: i64 = 86_400_000;

/// Every check of a cluster.
pub(super) fn examine(cluster: &ClusterView, groups: &[GroupView]) -> Vec<Finding> {
    let nodes = &cluster.nodes;
    let checks = [
        members(nodes),
        leaders(cluster, groups),
        quorum(groups),
        lag(groups),
        disk(nodes),
        memory(nodes),
        repair(nodes),
        versions(nodes),
        clocks(nodes),
        certificates(nodes),
    ];
    checks.into_iter().flatten().collect()
}

fn answers(node: &&NodeView) -> bool {
    node.state != "down"
}

fn members(nodes: &[NodeView]) -> Vec<Finding> {
    let down = nodes.iter().filter(|node| !answers(node)).map(|node| {
        let todo = format!(
            "start it; when its machine is gone: quorate member remove {}, then add a node under a new id",
            node.id
        );
        Finding::wrong("members", format!("node {} ({}) does not answer", node.id, node.http), todo)
    });
    all_or(down.collect(), "members", format!("all {} nodes answer", nodes.len()))
}

fn leaders(cluster: &ClusterView, groups: &[GroupView]) -> Vec<Finding> {
    let without = groups.iter().filter(|group| group.summary.leader.is_none()).map(|group| {
        let voters = &group.summary.voters;
        let most = voters.len() / 2 + 1;
        let todo =
            format!("{most} of the nodes {voters:?} must run and reach each other: quorate status --watch");
        Finding::wrong("leaders", format!("group {} has no leader", group.summary.id), todo)
    });
    let mut wrong: Vec<Finding> = without.collect();
    let served = cluster.health.slots_served;
    if wrong.is_empty() && served != u32::from(SLOTS) {
        let detail = format!("{served} of {SLOTS} slots are served");
        wrong.push(Finding::wrong("leaders", detail, "look again soon; if it stays: quorate group list"));
    }
    all_or(wrong, "leaders", format!("all {} groups have one", groups.len()))
}

/// Groups that stop with the next loss. Those of one voter are meant to be so.
fn quorum(groups: &[GroupView]) -> Vec<Finding> {
    let close = groups.iter().filter(|group| group.summary.leader.is_some()).filter_map(|group| {
        let voters = &group.summary.voters;
        let healthy = |node: &u64| group.replicas.iter().any(|r| r.node == *node && r.healthy);
        let well = voters.iter().filter(|node| healthy(node)).count();
        let missing: Vec<&u64> = voters.iter().filter(|node| !healthy(node)).collect();
        let one_loss = voters.len() > 1 && well <= voters.len() / 2 + 1 && !missing.is_empty();
        one_loss.then(|| {
            let detail = format!(
                "group {}: {well} of {} voters answer; one more loss stops it",
                group.summary.id,
                voters.len()
            );
            Finding::wrong(
                "quorum",
                detail,
                format!("bring back the nodes {missing:?} before anything else is stopped"),
            )
        })
    });
    let wrong: Vec<Finding> = close.collect();
    // Who votes where nobody leads is not known; that nobody does has been said.
    if wrong.is_empty() && groups.iter().any(|group| group.summary.leader.is_none()) {
        return wrong;
    }
    all_or(wrong, "quorum", "every group can lose a voter, or has what it was given")
}

fn lag(groups: &[GroupView]) -> Vec<Finding> {
    let behind = groups.iter().flat_map(|group| {
        group.replicas.iter().filter(|replica| replica.lag > LAG_MAX).map(|replica| {
            let detail = format!("node {} is {} entries behind in group {}", replica.node, replica.lag, group.summary.id);
            let todo = "wait if it started just now; else look at its disk and network (quorate doctor --data-dir there)";
            Finding::wrong("lag", detail, todo)
        })
    });
    all_or(behind.collect(), "lag", format!("no leader sees a replica more than {LAG_MAX} entries behind"))
}

fn disk(nodes: &[NodeView]) -> Vec<Finding> {
    let short =
        nodes.iter().filter(answers).filter_map(|node| match (&node.disk_full, node.disk_free_bytes) {
            (Some(why), _) => {
                let todo = "free space or enlarge the disk; writes resume by themselves";
                Some(Finding::wrong("disk", format!("node {} refuses writes: {why}", node.id), todo))
            }
            // A snapshot's successor is written beside it, so what is stored has to fit once more.
            (None, Some(free)) if free < DISK_FREE_MIN.max(node.disk_bytes) => {
                let detail =
                    format!("node {} has {} free and uses {}", node.id, human(free), human(node.disk_bytes));
                Some(Finding::wrong(
                    "disk",
                    detail,
                    "enlarge the disk, or move groups to other nodes, before it is full",
                ))
            }
            _ => None,
        });
    all_or(short.collect(), "disk", "every node has room")
}

fn memory(nodes: &[NodeView]) -> Vec<Finding> {
    let full = nodes.iter().filter(answers).filter_map(|node| {
        let (used, most) = (u128::from(node.memory_bytes), u128::from(node.memory_bytes_max));
        (used * 100 > most * u128::from(MEMORY_USED_MAX)).then(|| {
            let detail = format!(
                "node {} holds {} of {}",
                node.id,
                human(node.memory_bytes),
                human(node.memory_bytes_max)
            );
            let todo = "raise --memory-max, shorten times to live, or add a node and move groups; \
                        past the bound writes are refused";
            Finding::wrong("memory", detail, todo)
        })
    });
    all_or(full.collect(), "memory", format!("no node holds more than {MEMORY_USED_MAX} % of its bound"))
}

fn repair(nodes: &[NodeView]) -> Vec<Finding> {
    let hurt = nodes.iter().filter(|node| !node.repairing.is_empty()).map(|node| {
        let detail = format!(
            "node {} waits for snapshots of the groups {:?}: its own were damaged",
            node.id, node.repairing
        );
        Finding::wrong(
            "repair",
            detail,
            "it mends itself once a healthy replica runs; check the disk, it lost data",
        )
    });
    all_or(hurt.collect(), "repair", "nothing to repair")
}

fn versions(nodes: &[NodeView]) -> Vec<Finding> {
    let all: BTreeSet<&str> = nodes.iter().filter(answers).map(|node| node.version.as_str()).collect();
    let named = all.into_iter().collect::<Vec<_>>();
    let wrong = if named.len() > 1 {
        let detail = format!("the nodes run {}", named.join(" and "));
        vec![Finding::wrong(
            "versions",
            detail,
            "finish the upgrade: one node after the other, each ready before the next",
        )]
    } else {
        Vec::new()
    };
    all_or(wrong, "versions", format!("all nodes run {}", named.join(", ")))
}

fn clocks(nodes: &[NodeView]) -> Vec<Finding> {
    let told = nodes.iter().filter(answers).filter_map(|node| Some((node.clock_ms?, node.id)));
    let told: Vec<(u64, u64)> = told.collect();
    let (Some(first), Some(last)) = (told.iter().min(), told.iter().max()) else {
        return vec![Finding::well("clocks", "no node tells its clock")];
    };
    let apart = last.0 - first.0;
    let wrong = if apart > CLOCKS_APART_MAX_MS {
        let detail = format!("the clock of node {} is {apart} ms ahead of node {}'s", last.1, first.1);
        vec![Finding::wrong("clocks", detail, "have every node keep time by NTP (chronyc tracking shows it)")]
    } else {
        Vec::new()
    };
    all_or(wrong, "clocks", format!("at most {apart} ms apart"))
}

/// Judged by each node's own clock, which told the time in the same answer.
fn certificates(nodes: &[NodeView]) -> Vec<Finding> {
    let all: Vec<(u64, i64)> = nodes
        .iter()
        .filter(answers)
        .filter_map(|node| {
            let (at_ms, now_ms) = (node.certificate_expires_ms?, node.clock_ms?);
            Some((node.id, (at_ms as i64).saturating_sub(now_ms as i64) / DAY_MS))
        })
        .collect();
    let soon = all.iter().filter(|(_, days)| *days < CERTIFICATE_DAYS_MIN).map(|(node, days)| {
        let detail = match days {
            ..=0 => format!("the certificate of node {node} has expired, or does within a day"),
            days => format!("the certificate of node {node} expires in {days} days"),
        };
        let todo = "put a new one in its place, the node takes it up by itself; for those of quorate tls init: \
                    quorate tls renew DIR NAME";
        Finding::wrong("tls", detail, todo)
    });
    let well = match all.iter().map(|(_, days)| days).min() {
        Some(days) => format!("no certificate expires within {days} days"),
        None => "no node has a certificate".to_owned(),
    };
    all_or(soon.collect(), "tls", well)
}

#[cfg(test)]
mod tests;
