//! What a change of members rests on is the word of the leader, whoever is taken for it.

use raft_store::{GroupId, NodeId};

use super::super::Consistency;
use super::super::doc::META_GROUP;
use super::super::peer::{Ask, ReadKeys};
use super::fakes::within;
use super::three::*;
use crate::group::Batch;
use crate::views::{GroupView, OperationState};

/// A replica that does not lead knows of no healthy voter at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_is_taken_for_the_leader_sends_on_to_who_is() {
    let three = Three::start().await;
    let groups: Vec<GroupId> =
        three.at(1).inner.doc().unwrap().groups.keys().copied().chain([META_GROUP]).collect();
    for group in groups {
        let leader = three.leader(group).await;
        let others: Vec<NodeId> = (1..=3).filter(|node| *node != leader).collect();
        let [asks, wrong] = others[..] else { panic!("three nodes") };
        let inner = &three.at(asks).inner;
        inner.note_leader(group, Some(wrong));
        let view: GroupView = inner.ask_leader(group, &Ask::LedGroup { group }, within(LONG)).await.unwrap();
        assert_eq!((view.seen_by, view.replicas.len()), (leader, 3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_goes_though_others_are_taken_for_leaders() {
    let three = Three::start().await;
    let gone = three.leader(META_GROUP).await;
    let asks = (1..=3).find(|node| *node != gone).unwrap();
    let wrong = (1..=3).find(|node| *node != gone && *node != asks).unwrap();
    for group in three.at(asks).inner.doc().unwrap().groups.keys().copied() {
        three.at(asks).inner.note_leader(group, Some(wrong));
    }
    let begun = three.at(asks).remove_member(gone).await.unwrap();
    let ended = three.at(asks).await_operation(&begun.id, within(LONG)).await.unwrap();
    assert_eq!(ended.state, OperationState::Done, "{ended:?}");
}

/// Found by `resp::registers_are_linearizable_over_the_plain_port_while_nodes_die`: a follower that had been sent to
/// a leader which then died waited for that one, and never looked at whom its own replica followed meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_dead_and_was_taken_for_the_leader_keeps_nobody_waiting() {
    let mut three = Three::start().await;
    three.stop(3).await;
    let node = three.at(1);
    until("node 3 is missed", || node.inner.is_quiet(3)).await;
    let groups: Vec<GroupId> = node.inner.doc().unwrap().groups.keys().copied().collect();
    for group in groups {
        node.inner.note_leader(group, Some(3));
        let read =
            ReadKeys { group, consistency: Consistency::Linearizable, timeout_ms: 0, keys: Vec::new() };
        node.inner.read_group(read, within(LONG)).await.unwrap();
        node.inner.note_leader(group, Some(3));
        node.inner.write_group(group, Batch::new(&[set("a", "1")]), within(LONG)).await.unwrap();
        node.inner.note_leader(group, Some(3));
        let view: GroupView =
            node.inner.ask_leader(group, &Ask::LedGroup { group }, within(LONG)).await.unwrap();
        assert_ne!(view.seen_by, 3);
    }
}
