//! One healthy cluster, spoiled in one way at a time.

use super::*;
use crate::views::{GroupSummary, HealthView, MemberSpec, ReplicaView};

fn node(id: u64) -> NodeView {
    let http = format!("127.0.0.1:707{}", id - 1);
    let peer = format!("127.0.0.1:717{}", id - 1);
    let member = MemberSpec { id, http, peer, zone: String::new(), resp: None, resp_cluster: None };
    NodeView {
        version: "0.1.0".into(),
        memory_bytes: 80,
        memory_bytes_max: 100,
        disk_bytes: 5 << 30,
        disk_free_bytes: Some(5 << 30),
        clock_ms: Some(1_000_000 + id),
        ..NodeView::unheard(member, "active")
    }
}

fn group(id: u32) -> GroupView {
    let replica = |node| ReplicaView { node, matched: Some(90), lag: 10, healthy: true };
    let slots = if id == 0 { 0 } else { u32::from(SLOTS) };
    let summary =
        GroupSummary { id, leader: Some(1), term: 1, voters: vec![1, 2, 3], learners: Vec::new(), slots };
    GroupView {
        summary,
        seen_by: 1,
        log_first: None,
        log_last: Some(100),
        committed: Some(100),
        applied: Some(100),
        snapshot: None,
        log_bytes: 0,
        replicas: (1..=3).map(replica).collect(),
        time_ms: 0,
        items: 0,
        bytes: 0,
        digest: None,
    }
}

fn healthy() -> (ClusterView, Vec<GroupView>) {
    let groups = vec![group(0), group(1)];
    let cluster = ClusterView {
        cluster_id: "c".into(),
        epoch: 1,
        nodes: (1..=3).map(node).collect(),
        groups: groups.iter().map(|group| group.summary.clone()).collect(),
        slots: Vec::new(),
        health: HealthView { nodes_up: 3, groups_ok: 2, slots_served: u32::from(SLOTS) },
    };
    (cluster, groups)
}

/// What is wrong with the healthy cluster after `spoil`: check and detail.
fn wrong(spoil: impl FnOnce(&mut ClusterView, &mut Vec<GroupView>)) -> Vec<(&'static str, String)> {
    let (mut cluster, mut groups) = healthy();
    spoil(&mut cluster, &mut groups);
    let findings = examine(&cluster, &groups).into_iter().filter(|finding| !finding.ok);
    findings
        .map(|finding| {
            assert!(!finding.todo.is_empty(), "{finding:?} does not say what to do");
            (finding.check, finding.detail)
        })
        .collect()
}

#[track_caller]
fn assert_only(found: &[(&'static str, String)], check: &str, detail: &str) {
    assert!(found.len() == 1 && found[0].0 == check && found[0].1.contains(detail), "{found:?}");
}

#[test]
fn a_healthy_cluster_has_a_good_word_for_every_check() {
    let (cluster, groups) = healthy();
    let findings = examine(&cluster, &groups);
    assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
    assert_eq!(findings.len(), 10);
}

#[test]
fn each_trouble_is_found_and_named() {
    assert_only(&wrong(|c, _| c.nodes[1].state = "down".into()), "members", "node 2 ");
    assert_only(&wrong(|_, g| g[1].summary.leader = None), "leaders", "group 1 ");
    assert_only(&wrong(|c, _| c.health.slots_served = 5), "leaders", "5 of 16384");
    assert_only(&wrong(|_, g| g[0].replicas[2].healthy = false), "quorum", "group 0: 2 of 3");
    assert_only(&wrong(|_, g| g[1].replicas[2].lag = LAG_MAX + 1), "lag", "node 3 is 10001 entries");
    assert_only(&wrong(|c, _| c.nodes[0].disk_full = Some("7 bytes".into())), "disk", "7 bytes");
    assert_only(&wrong(|c, _| c.nodes[0].disk_free_bytes = Some((5 << 30) - 1)), "disk", "node 1 ");
    assert_only(&wrong(|c, _| c.nodes[2].memory_bytes = 81), "memory", "node 3 ");
    assert_only(&wrong(|c, _| c.nodes[2].repairing = vec![4]), "repair", "[4]");
    assert_only(&wrong(|c, _| c.nodes[2].version = "0.2.0".into()), "versions", "0.1.0 and 0.2.0");
    assert_only(&wrong(|c, _| c.nodes[2].clock_ms = Some(1_001_002)), "clocks", "1001 ms ahead of node 1");
}

#[test]
fn a_certificate_that_expires_soon_is_named() {
    let days = 86_400_000;
    let with = |ms: u64| {
        wrong(|c, _| {
            c.nodes.iter_mut().for_each(|n| n.certificate_expires_ms = Some(n.clock_ms.unwrap() + ms))
        })
    };
    assert_eq!(with(14 * days), Vec::new());
    let found = with(14 * days - 1);
    assert_eq!(found.len(), 3);
    assert_eq!(found[1], ("tls", "the certificate of node 2 expires in 13 days".to_owned()));
    let past = wrong(|c, _| c.nodes[0].certificate_expires_ms = Some(5));
    assert_only(&past, "tls", "the certificate of node 1 has expired");
}

#[test]
fn a_node_that_is_down_is_asked_for_nothing_else() {
    let found = wrong(|c, _| {
        let member = |n: &NodeView| MemberSpec {
            id: n.id,
            http: n.http.clone(),
            peer: n.peer.clone(),
            zone: String::new(),
            resp: None,
            resp_cluster: None,
        };
        c.nodes[1] = NodeView::unheard(member(&c.nodes[1]), "down");
    });
    assert_only(&found, "members", "node 2 ");
}

#[test]
fn a_group_of_one_voter_is_as_it_was_meant() {
    let found = wrong(|_, g| {
        g[1].summary.voters = vec![1];
        g[1].replicas.truncate(1);
    });
    assert_eq!(found, Vec::new());
}

#[test]
fn without_a_leader_nobody_says_that_a_voter_may_be_lost() {
    let (cluster, mut groups) = healthy();
    groups[1].summary.leader = None;
    assert!(examine(&cluster, &groups).iter().all(|finding| finding.check != "quorum"));
}
