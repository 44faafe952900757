//! Members come and go: with a quorum at every step, and whoever left serves nothing.

use std::collections::BTreeSet;

use raft_store::NodeId;
use tokio::time::Instant;

use super::super::{ChangeError, ProposeError, wire};
use super::rig::*;
use super::steps::*;
use crate::limits::{CAUGHT_UP_LAG, VOTER_ACKED_WITHIN};

/// Long enough for a heartbeat to be answered many times over.
const WHILE: std::time::Duration = std::time::Duration::from_millis(500);
/// A fourth node, without a part in anything yet.
const FOURTH: NodeId = 4;

async fn leader(rig: &Rig) -> std::sync::Arc<super::super::Group> {
    rig.at(rig.leader_of(&VOTERS).await)
}

async fn assert_serves_nothing(rig: &Rig, node: NodeId) {
    let group = rig.at(node);
    for lease in [true, false] {
        let unanswered = read(&group, "key", lease).await;
        assert!(unanswered.is_err(), "lease {lease}: {unanswered:?}");
    }
    let refused = soon(propose(&group, set("refused", 1))).await;
    assert!(matches!(refused, Err(ProposeError::NotLeader(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_learner_becomes_a_voter_and_leaves_again() {
    let rig = Rig::start(4, with_lease(800)).await;
    rig.write(&VOTERS, set("key", "old")).await;
    let fourth = rig.at(FOURTH);
    let group = leader(&rig).await;
    soon(group.add_learner(FOURTH)).await.unwrap();
    until("it holds what the voters do", || value(&fourth.look_up(&[key("key")])).as_deref() == Some("old"))
        .await;
    assert_eq!((group.summary().learners, group.voters()), (vec![FOURTH], BTreeSet::from(VOTERS)));
    assert_serves_nothing(&rig, FOURTH).await;

    soon(group.promote(FOURTH)).await.unwrap();
    assert_eq!(group.voters(), BTreeSet::from([1, 2, 3, FOURTH]));
    soon(group.remove_voter(FOURTH)).await.unwrap();
    assert_eq!((group.summary().learners, group.voters()), (vec![], BTreeSet::from(VOTERS)));

    rig.write(&VOTERS, set("key", "new")).await;
    assert_serves_nothing(&rig, FOURTH).await;
    // Time for it to stand for election, if it did.
    pass(rig.lease() * 2).await;
    assert_serves_nothing(&rig, FOURTH).await;
    let candidacies = VOTERS.map(|voter| rig.gate(voter).seen(wire::VOTE)).concat();
    assert!(candidacies.iter().all(|seen| seen.from != FOURTH), "it disturbed those it left");
    assert_eq!(value(&rig.read(&VOTERS, "key").await).as_deref(), Some("new"));
}

/// By its length alone a short log would take a node that never answered for one that is close.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_never_answered_has_not_caught_up_with_a_short_log() {
    let rig = Rig::start(4, with_lease(800)).await;
    rig.write(&VOTERS, set("key", "old")).await;
    rig.isolate(FOURTH);
    let group = leader(&rig).await;
    let early = tokio::time::timeout(WHILE, group.add_learner(FOURTH)).await;
    assert!(early.is_err(), "{early:?}");
    rig.heal();
    soon(group.add_learner(FOURTH)).await.unwrap();
}

/// A voter with an empty log would count for the majority and could not help to make one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_learner_has_not_caught_up_before_its_log_has() {
    let rig = Rig::start(4, with_lease(800)).await;
    rig.isolate(FOURTH);
    for number in 0..=CAUGHT_UP_LAG {
        rig.write(&VOTERS, set("key", number)).await;
    }
    let group = leader(&rig).await;
    let early = tokio::time::timeout(rig.lease(), group.add_learner(FOURTH)).await;
    assert!(early.is_err(), "it cannot have got anything: {early:?}");
    rig.heal();
    let wanted = group.metrics().last_log_index;
    soon(leader(&rig).await.add_learner(FOURTH)).await.unwrap();
    let received = rig.at(FOURTH).metrics().last_log_index;
    assert!(received.map(|index| index + CAUGHT_UP_LAG) >= wanted, "{received:?} of {wanted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_learner_does_not_count_for_a_majority() {
    let rig = Rig::start(4, with_lease(800)).await;
    rig.write(&VOTERS, set("key", 1)).await;
    let group = leader(&rig).await;
    soon(group.add_learner(FOURTH)).await.unwrap();
    let led_by = group.view(false).seen_by;
    rig.others(&[led_by, FOURTH]).into_iter().for_each(|voter| rig.isolate(voter));
    rig.join(led_by, FOURTH);
    let unanswered = read(&group, "key", false).await;
    assert!(unanswered.is_err(), "one voter and a learner are no majority: {unanswered:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_that_would_lose_the_quorum_is_refused_before_it_is_proposed() {
    let rig = Rig::three().await;
    let led_by = rig.leader().await;
    let [lost, healthy] = rig.others(&[led_by])[..] else { panic!("three nodes") };
    let group = rig.at(led_by);
    let healthy_voters = || group.healthy_voters(&group.metrics(), VOTER_ACKED_WITHIN);
    until("all voters are heard", || healthy_voters() == VOTERS.into()).await;
    rig.isolate(lost);
    until("the lost voter is missed", || healthy_voters() == [led_by, healthy].into()).await;
    let before = group.metrics().last_log_index;
    let refused = soon(group.remove_voter(healthy)).await;
    assert!(matches!(refused, Err(ChangeError::WouldLoseQuorum(_))), "{refused:?}");
    assert_eq!((group.metrics().last_log_index, group.voters()), (before, BTreeSet::from(VOTERS)));
    soon(group.remove_voter(lost)).await.unwrap();
    assert_eq!(group.voters(), BTreeSet::from([led_by, healthy]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_leader_that_was_removed_serves_nothing() {
    let rig = Rig::three().await;
    rig.write(&VOTERS, set("key", "old")).await;
    let old = rig.leader().await;
    let others = rig.others(&[old]);
    soon(rig.at(old).remove_voter(old)).await.unwrap();
    rig.write(&others, set("key", "new")).await;
    assert_serves_nothing(&rig, old).await;
    assert_eq!(value(&rig.read(&others, "key").await).as_deref(), Some("new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_the_leader_changes_members_and_only_those_there_are() {
    let rig = Rig::start(4, with_lease(800)).await;
    rig.write(&VOTERS, set("key", 1)).await;
    let led_by = rig.leader().await;
    let follower = rig.at(rig.others(&[led_by, FOURTH])[0]);
    for refused in [soon(follower.add_learner(FOURTH)).await, soon(follower.remove_voter(led_by)).await] {
        assert!(matches!(refused, Err(ChangeError::NotLeader(_))), "{refused:?}");
    }
    let group = rig.at(led_by);
    let ends = Instant::now() + LONG;
    for refused in [
        soon(group.remove_voter(FOURTH)).await,
        soon(group.remove_learner(led_by)).await,
        soon(group.promote(FOURTH)).await,
        soon(group.transfer_to(FOURTH, ends)).await,
    ] {
        assert!(matches!(refused, Err(ChangeError::NotAMember(_))), "{refused:?}");
    }
    assert_eq!(group.voters(), BTreeSet::from(VOTERS));
}
