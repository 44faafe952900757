//! Who left a group gives its space back, votes as if it had not, and begins anew when it is added again.

use std::collections::BTreeSet;

use raft_store::NodeId;
use raft_store::wal::EntryId;
use tokio::time::Instant;

use super::super::{Floor, wire};
use super::rig::*;
use super::steps::*;

const FOURTH: NodeId = 4;
const FIFTH: NodeId = 5;

/// Gives nodes a vote.
async fn promote(rig: &Rig, nodes: &[NodeId]) {
    // What the leader began with is committed by then: it makes one change at a time.
    rig.write(&VOTERS, set("key", "first")).await;
    for &node in nodes {
        let group = rig.at(rig.leader().await);
        soon(group.add_learner(node)).await.unwrap();
        soon(group.promote(node)).await.unwrap();
    }
}

/// Takes a snapshot at each node and lets go of the log behind it.
async fn purge(rig: &Rig, nodes: &[NodeId]) {
    rig.converged(nodes).await;
    for &node in nodes {
        let group = rig.at(node);
        soon(group.snapshot(Instant::now() + LONG)).await.unwrap();
        group.raft.trigger().purge_log(group.leadership.progress.index().unwrap()).await.unwrap();
        until("the log is purged", || group.view(false).log_first.is_none()).await;
    }
}

fn bounds(rig: &Rig, node: NodeId) -> (bool, bool) {
    let (purged, last) = rig.log(node).bounds(GROUP).unwrap();
    (purged.is_some(), last.is_some())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_voter_that_left_keeps_nothing_but_its_vote_and_comes_back_by_a_snapshot() {
    let mut rig = Rig::start(4, with_lease(400)).await;
    promote(&rig, &[FOURTH]).await;
    rig.write(&VOTERS, set("key", "old")).await;
    let all = rig.others(&[]);
    purge(&rig, &all).await;
    rig.write(&VOTERS, set("key", "behind the snapshot")).await;
    rig.converged(&all).await;
    soon(rig.at(rig.leader().await).remove_voter(FOURTH)).await.unwrap();
    let vote = rig.log(FOURTH).vote(GROUP).unwrap();

    let floor = rig.clear(FOURTH).await;
    assert_eq!(bounds(&rig, FOURTH), (false, false));
    assert!(rig.snapshots(FOURTH).current(GROUP).unwrap().is_none());
    assert_eq!((vote.is_some(), rig.log(FOURTH).vote(GROUP).unwrap()), (true, vote.clone()));

    rig.begin_anew(FOURTH, Some(floor)).await;
    assert_eq!(bounds(&rig, FOURTH), (false, false));
    assert!(rig.log(FOURTH).vote(GROUP).unwrap() >= vote, "a vote is not forgotten");
    promote(&rig, &[FOURTH]).await;
    rig.write(&VOTERS, set("key", "new")).await;
    rig.converged(&all).await;
    assert_eq!(value(&rig.at(FOURTH).look_up(&[key("key")])).as_deref(), Some("new"));
    assert!(rig.snapshots(FOURTH).current(GROUP).unwrap().is_some(), "its log alone cannot hold everything");
    // It is a whole voter again, that may lead.
    let leader = rig.at(rig.leader().await);
    soon(leader.transfer_to(FOURTH, Instant::now() + LONG)).await.unwrap();
    rig.restart(FOURTH).await;
}

/// Voters 4 and 5 leave one after the other while 3 is away, which still takes them for voters. Their logs would keep
/// them from electing it; so must what they remember of them.
async fn elected_by_those_who_left(remembered: impl Fn(Floor) -> Option<Floor>) -> bool {
    let mut rig = Rig::start(5, with_lease(400)).await;
    promote(&rig, &[FOURTH, FIFTH]).await;
    rig.write(&VOTERS, set("key", "old")).await;
    rig.converged(&rig.others(&[])).await;
    soon(rig.at(rig.leader().await).transfer_to(1, Instant::now() + LONG)).await.unwrap();
    rig.isolate(3);
    for gone in [FIFTH, FOURTH] {
        let leader = rig.leader_of(&[1, 2, FOURTH]).await;
        assert_eq!(leader, 1);
        soon(rig.at(leader).remove_voter(gone)).await.unwrap();
        rig.write(&[1], set("key", "acknowledged")).await;
    }
    assert_eq!(rig.at(1).voters(), BTreeSet::from(VOTERS));
    for gone in [FOURTH, FIFTH] {
        let floor = rig.clear(gone).await;
        rig.begin_anew(gone, remembered(floor)).await;
    }
    rig.isolate(1);
    rig.isolate(2);
    rig.join(3, FOURTH);
    rig.join(3, FIFTH);
    let ends = Instant::now() + 8 * rig.lease();
    while Instant::now() < ends && !rig.at(3).leads() {
        pass(POLL).await;
    }
    let elected = rig.at(3).leads();
    if !elected {
        rig.heal();
        assert_eq!(value(&rig.read(&VOTERS, "key").await).as_deref(), Some("acknowledged"));
    }
    elected
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_who_left_elect_nobody_who_missed_it() {
    assert!(!elected_by_those_who_left(Some).await);
}

/// Otherwise the test above would show nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_what_they_remember_they_would() {
    assert!(elected_by_those_who_left(|_| None).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_a_committed_removal_seen_by_a_confirmed_leader_counts() {
    let rig = Rig::start(4, with_lease(400)).await;
    promote(&rig, &[FOURTH]).await;
    let led_by = rig.leader_of(&VOTERS).await;
    let leader = rig.at(led_by);
    assert!(!soon(leader.excludes(FOURTH)).await.unwrap());
    assert!(soon(rig.at(rig.others(&[led_by])[0]).excludes(FIFTH)).await.is_err(), "a follower cannot tell");
    soon(leader.remove_voter(FOURTH)).await.unwrap();
    assert!(soon(leader.excludes(FOURTH)).await.unwrap());
    rig.isolate(led_by);
    let alone = tokio::time::timeout(rig.lease(), leader.excludes(FOURTH)).await;
    assert!(!matches!(alone, Ok(Ok(_))), "{alone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_not_back_where_it_was_does_not_stand() {
    let mut rig = Rig::three().await;
    rig.write(&VOTERS, set("key", 1)).await;
    rig.converged(&VOTERS).await;
    let leader = rig.leader().await;
    let [short, other] = rig.others(&[leader])[..] else { panic!("three nodes") };
    rig.at(short).shutdown().await;
    let far = Floor::from(EntryId { term: u64::MAX, node: 1, index: 1 });
    rig.begin_anew(short, Some(far)).await;
    rig.isolate(leader);
    // Nobody stands in its way.
    rig.isolate(other);
    rig.join(short, other);
    rig.gate(short).refuse(|_| true);
    pass(6 * rig.lease()).await;
    let stood = [wire::PRE_VOTE, wire::VOTE].map(|service| rig.gate(other).seen(service)).concat();
    assert!(stood.iter().all(|seen| seen.from != short), "{stood:?}");
}
