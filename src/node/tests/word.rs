//! What a change of members rests on is the word of the leader, whoever is taken for it.

use raft_store::{GroupId, NodeId};

use super::super::doc::META_GROUP;
use super::super::peer::Ask;
use super::fakes::within;
use super::three::*;
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
