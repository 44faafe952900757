//! A full disk: writes are refused and say so, reads go on, others take over, and it ends by itself. A failed one:
//! the node steps down, acknowledges nothing more and stops.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;

use super::super::{Consistency, Node};
use super::fakes::Alone;
use super::three::*;
use crate::error::{ErrorKind, Outcome};
use crate::views::MemberSpec;

/// What the system is made to say of the free bytes.
type Pretence = fn(&Path) -> io::Result<u64>;

const NOTHING_FREE: Pretence = |_| Ok(0);
const ROOM: Pretence = |_| Ok(1 << 40);
const ALL: [Consistency; 3] = [Consistency::Linearizable, Consistency::Lease, Consistency::Local];

async fn fill(node: &Node) {
    node.inner.disk.pretend(NOTHING_FREE);
    until("the node sees that its disk is full", || node.inner.disk.state().full.is_some()).await;
}

async fn empty(node: &Node) {
    node.inner.disk.pretend(ROOM);
    until("the node sees that it has space", || node.inner.disk.state().full.is_none()).await;
}

fn disk_check(node: &Node) -> (bool, String) {
    let ready = node.ready();
    let check = ready.checks.iter().find(|check| check.name == "disk").unwrap();
    (check.ok && ready.ready, check.detail.clone())
}

async fn assert_refused(node: &Node, command: raft_store::command::Command) {
    let refused = write(node, command).await.unwrap_err();
    assert_eq!(
        (refused.kind, refused.outcome),
        (ErrorKind::DiskFull, Some(Outcome::NotApplied)),
        "{refused}"
    );
    assert!(refused.detail.contains("node ") && refused.detail.contains("free space in"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_and_serves_reads_until_there_is_space_again() {
    let alone = Alone::start().await;
    let node = &alone.node;
    write(node, set("key", "old")).await.unwrap();
    fill(node).await;
    for command in [set("key", "new"), delete("key"), super::fakes::append("key", "more")] {
        assert_refused(node, command).await;
    }
    for consistency in ALL {
        assert_eq!(
            read(node, "key", consistency).await.unwrap(),
            Some(Bytes::from("old")),
            "{consistency:?}"
        );
    }
    let (ok, detail) = disk_check(node);
    assert!(!ok && detail.contains("full"), "{detail}");
    assert!(node.metrics().contains("\nquorate_disk_full 1\n"), "{}", node.metrics());
    assert!(node.members().await.unwrap()[0].disk_full.is_some());
    // The cluster's own document is written all the same.
    let member = MemberSpec {
        id: 9,
        http: "h:1".into(),
        peer: "p:1".into(),
        zone: String::new(),
        resp: None,
        resp_cluster: None,
    };
    node.add_member(member).await.unwrap();
    empty(node).await;
    write(node, set("key", "new")).await.unwrap();
    assert!(disk_check(node).0, "{:?}", disk_check(node));
    assert!(node.metrics().contains("\nquorate_disk_full 0\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_at_the_brink_does_not_flap() {
    let alone = Alone::start().await;
    let brink: Pretence = |_| Ok((1 << 20) * 5 / 2);
    alone.inner().disk.pretend(brink);
    let look = || {
        let deps = alone.inner().host.deps();
        alone.inner().disk.look(&deps.log, &deps.snapshots);
        alone.inner().disk.state().full.is_some()
    };
    assert!(!look(), "two segments are the reserve, and more is free");
    fill(&alone.node).await;
    alone.inner().disk.pretend(brink);
    assert!(look(), "it ends at three segments");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn leaderships_leave_a_full_disk_and_writes_go_on() {
    let three = Three::start().await;
    let group = three.at(1).group_of(&super::fakes::key("key")).unwrap();
    let full = three.leader(group).await;
    fill(three.at(full)).await;
    let leads = || three.at(full).inner.host.all().iter().any(|replica| replica.leads());
    until("it leads nothing any more", || !leads()).await;
    three.leader(group).await;
    write(three.at(full), set("key", "new")).await.unwrap();
    for consistency in ALL {
        let found = read(three.at(full), "key", consistency).await;
        assert!(found.is_ok(), "{consistency:?}: {found:?}");
    }
    let ends = tokio::time::Instant::now() + Duration::from_secs(5);
    let back = three.at(full).transfer_leader(group, full, ends).await.unwrap_err();
    assert_eq!((back.kind, back.outcome), (ErrorKind::DiskFull, Some(Outcome::NotApplied)), "{back}");
}

/// What a former leader thinks of its disk and its log does not matter to a group that another node leads.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_former_leader_sends_requests_on_to_the_new_one() {
    let three = Three::start().await;
    let group = three.at(1).group_of(&super::fakes::key("key")).unwrap();
    let former = three.leader(group).await;
    fill(three.at(former)).await;
    until("another leads", || {
        let leads = |node| three.at(node).inner.host.get(group).is_some_and(|group| group.leads());
        (1..=3).any(|node| node != former && leads(node)) && !leads(former)
    })
    .await;
    let leader = three.leader(group).await;
    let asking = (1..=3).find(|&node| node != former && node != leader).unwrap();
    three.at(asking).inner.note_leader(group, Some(former));
    write(three.at(asking), set("key", "new")).await.unwrap();
    three.at(former).inner.distrusted.store(true, std::sync::atomic::Ordering::Release);
    for consistency in ALL {
        three.at(asking).inner.note_leader(group, Some(former));
        assert_eq!(read(three.at(asking), "key", consistency).await.unwrap(), Some("new".into()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_snapshots_take_is_told_as_last_measured() {
    let alone = Alone::start().await;
    let told = || {
        alone.inner().snapshots.measured(1 << 40);
        alone.inner().own_view().disk_bytes > 1 << 40
    };
    // It may be measured in between.
    until("it tells what was measured", told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn where_every_disk_is_full_nobody_hands_over_and_nothing_is_written() {
    let three = Three::start().await;
    let group = three.at(1).group_of(&super::fakes::key("key")).unwrap();
    write(three.at(1), set("key", "old")).await.unwrap();
    let led_by = three.leader(group).await;
    for node in (1..=3).filter(|&node| node != led_by).chain([led_by]) {
        fill(three.at(node)).await;
    }
    for node in 1..=3 {
        assert_refused(three.at(node), set("key", "new")).await;
        assert_eq!(read(three.at(node), "key", Consistency::Linearizable).await.unwrap(), Some("old".into()));
    }
    assert_eq!(three.leader(group).await, led_by);
    for node in 1..=3 {
        empty(three.at(node)).await;
    }
    written_in_the_end(three.at(1)).await;
}

/// Writes until it works: word of the voters' disks takes a moment.
async fn written_in_the_end(node: &Node) {
    let ends = tokio::time::Instant::now() + LONG;
    while let Err(error) = write(node, set("key", "new")).await {
        assert_eq!((error.kind, error.outcome), (ErrorKind::DiskFull, Some(Outcome::NotApplied)), "{error}");
        assert!(tokio::time::Instant::now() < ends, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A leader with room would only use up the others' reserve; one without has nowhere to go.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn where_most_disks_are_full_nothing_is_written_and_reads_go_on() {
    let three = Three::start().await;
    let group = three.at(1).group_of(&super::fakes::key("key")).unwrap();
    write(three.at(1), set("key", "old")).await.unwrap();
    let leader = three.leader(group).await;
    let [one, other] = [1, 2].map(|step| (leader - 1 + step) % 3 + 1);
    let inner = &three.at(leader).inner;
    let replica = inner.host.get(group).unwrap();
    fill(three.at(one)).await;
    until("its leader knows", || !inner.others_have_room(&replica)).await;
    fill(three.at(leader)).await;
    inner.flee_full_disk().await;
    assert!(replica.leads(), "the one with room could not write either");
    nothing_is_written(&three).await;
    fill(three.at(other)).await;
    empty(three.at(leader)).await;
    until("it knows of both", || inner.check_voters_room(&replica).is_err()).await;
    nothing_is_written(&three).await;
    empty(three.at(one)).await;
    written_in_the_end(three.at(1)).await;
}

async fn nothing_is_written(three: &Three) {
    for node in 1..=3 {
        assert_refused(three.at(node), set("key", "new")).await;
        for consistency in ALL {
            assert_eq!(read(three.at(node), "key", consistency).await.unwrap(), Some("old".into()));
        }
    }
}

/// The log cannot get its next segment: its folder is gone. Whatever was acknowledged is with the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_failed_log_ends_the_node_and_loses_nothing() {
    let three = Three::start().await;
    let group = three.at(1).group_of(&super::fakes::key("key")).unwrap();
    let failing = three.leader(group).await;
    std::fs::remove_dir_all(three.dir(failing).join("log")).unwrap();
    let mut acknowledged = None;
    for round in 0u32.. {
        let mut value = round.to_be_bytes().to_vec();
        value.resize(100 << 10, 7);
        match write(three.at(failing), set("key", value.clone())).await {
            Ok(_) => acknowledged = Some(value),
            Err(error) if three.at(failing).failure().is_some() => {
                assert!(error.kind != ErrorKind::DiskFull, "{error}");
                break;
            }
            Err(_) => {}
        }
        assert!(round < 1000, "the log never fails");
    }
    let why = three.at(failing).failed().await;
    assert!(why.contains("log cannot be written"), "{why}");
    until("it leads nothing any more", || three.at(failing).inner.host.all().is_empty()).await;
    let heir = three.leader(group).await;
    assert_ne!(heir, failing);
    let found = read(three.at(heir), "key", Consistency::Linearizable).await.unwrap().unwrap();
    let round = |value: &[u8]| u32::from_be_bytes(value[..4].try_into().unwrap());
    assert!(
        acknowledged.is_some_and(|value| round(&found) >= round(&value)),
        "an acknowledged write is gone"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lost_trust_in_its_log_serves_nothing() {
    let alone = Alone::start().await;
    write(&alone.node, set("key", "old")).await.unwrap();
    alone.inner().distrusted.store(true, std::sync::atomic::Ordering::Release);
    let refused = write(&alone.node, set("key", "new")).await.unwrap_err();
    assert_eq!((refused.kind, refused.outcome), (ErrorKind::NotReady, Some(Outcome::NotApplied)));
    for consistency in ALL {
        let refused = read(&alone.node, "key", consistency).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::NotReady, "{consistency:?}");
    }
}
