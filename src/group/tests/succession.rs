//! A leader that seems gone: who stands in its place, and when. A cable that is cut here refuses connections, as a process
//! that is gone does, while the leader lives: the evidence is false.

use std::time::Duration;

use openraft::raft::VoteRequest;
use raft_store::NodeId;
use raft_store::raft::{Vote, messages};
use tokio::time::Instant;

use super::super::wire;
use super::rig::*;
use super::steps::*;
use crate::transport::{Lane, Service};

/// Far longer than an election on evidence takes, and than any of these tests may.
const LONG_LEASE: u64 = 10_000;
/// Time for what should not happen to happen.
const WHILE: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn voters_that_see_the_leader_gone_wait_for_no_lease_that_nobody_wants() {
    let rig = Rig::start(3, with_lease(LONG_LEASE)).await;
    let old = rig.leader().await;
    rig.write(&VOTERS, set("key", "old")).await;
    let others = rig.others(&[old]);
    rig.isolate(old);
    let cut = Instant::now();
    rig.leader_of(&others).await;
    assert!(cut.elapsed() < rig.lease() / 2, "it took {:?}", cut.elapsed());
    rig.write(&others, set("key", "new")).await;
    let by_lease = tokio::time::timeout(WHILE, rig.at(old).read(&[key("key")], true)).await;
    assert!(!matches!(by_lease, Ok(Ok(_))), "a deposed leader answered: {by_lease:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lease_that_was_promised_is_kept_though_the_leader_seems_gone() {
    let rig = Rig::start(3, with_lease(1500)).await;
    let old = rig.leader().await;
    rig.write(&VOTERS, set("key", "old")).await;
    let asked = Instant::now();
    read(&rig.at(old), "key", true).await.unwrap();
    rig.isolate(old);
    rig.leader_of(&rig.others(&[old])).await;
    let elected = asked.elapsed();
    assert!(elected >= rig.lease(), "elected {elected:?} after a lease was asked for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_voter_that_sees_the_leader_gone_deposes_nobody() {
    let rig = Rig::start(3, with_lease(LONG_LEASE)).await;
    let leader = rig.leader().await;
    rig.write(&VOTERS, set("key", 1)).await;
    let term = rig.at(leader).metrics().current_term;
    let [one, other] = rig.others(&[leader])[..] else { panic!("three nodes") };
    rig.cut(leader, one);
    let gone = || rig.transport(one).health(leader).is_some_and(|health| health.is_gone());
    until("one of them sees it gone", gone).await;
    pass(WHILE).await;
    let terms = [leader, one, other].map(|node| rig.at(node).metrics().current_term);
    assert_eq!(terms, [term; 3]);
}

/// Has a voter grant its vote to `candidate` in `term`, as for a hand-over, which no lease prevents.
async fn grant(rig: &Rig, voter: NodeId, candidate: NodeId, term: u64) {
    let mut request = VoteRequest::new(Vote::new(term, candidate), rig.at(voter).metrics().last_applied);
    request.leadership_transfer = true;
    let body = wire::body(GROUP, |out| messages::put_vote_request(out, &request));
    let service: Service = wire::VOTE;
    let answer = rig.transport(candidate).call(voter, Lane::Control, service, body, LONG).await.unwrap();
    assert!(wire::decode(answer, messages::vote_response).unwrap().vote_granted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_voter_that_has_voted_meanwhile_does_not_stand_a_term_further() {
    let rig = Rig::start(3, with_lease(LONG_LEASE)).await;
    let leader = rig.leader().await;
    rig.write(&VOTERS, set("key", 1)).await;
    rig.converged(&VOTERS).await;
    let [voter, candidate] = rig.others(&[leader])[..] else { panic!("three nodes") };
    rig.cut(leader, voter);
    let group = rig.at(voter);
    let succession = &group.inbound.succession;
    until("it sees the leader gone", || succession.vacancy().is_some()).await;
    let asked = succession.vacancy().unwrap();
    let term = asked.vote.leader_id.term + 1;
    grant(&rig, voter, candidate, term).await;
    succession.ask_to_stand(asked.vote).await.unwrap();
    let vote = group.raft.with_raft_state(|state| *state.vote_ref()).await.unwrap();
    assert_eq!(vote, Vote::new(term, candidate));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn voters_try_again_after_a_candidacy_that_failed() {
    let rig = Rig::start(3, with_lease(LONG_LEASE)).await;
    let old = rig.leader().await;
    rig.write(&VOTERS, set("key", 1)).await;
    rig.converged(&VOTERS).await;
    let voters = rig.others(&[old]);
    let follows = |voter: &NodeId| rig.at(*voter).inbound.succession.seen().vacancy().is_some();
    assert!(voters.iter().all(follows), "they follow their leader");
    let term = rig.at(old).metrics().current_term + 1;
    for voter in &voters {
        grant(&rig, *voter, voters[0], term).await;
    }
    rig.isolate(old);
    let cut = Instant::now();
    rig.leader_of(&voters).await;
    assert!(cut.elapsed() < rig.lease() / 4, "it took {:?}", cut.elapsed());
    rig.write(&voters, set("key", "new")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_stands_by_itself_overrides_no_lease() {
    let rig = Rig::start(3, with_lease(LONG_LEASE)).await;
    let leader = rig.leader().await;
    rig.write(&VOTERS, set("key", 1)).await;
    rig.converged(&VOTERS).await;
    let [one, other] = rig.others(&[leader])[..] else { panic!("three nodes") };
    rig.cut(leader, one);
    let group = rig.at(one);
    let succession = &group.inbound.succession;
    until("it sees the leader gone", || succession.vacancy().is_some()).await;
    read(&rig.at(leader), "key", true).await.unwrap();
    let before = rig.at(other).metrics().vote;
    succession.stand(succession.vacancy().unwrap()).await;
    assert_eq!(rig.at(one).metrics().vote, Vote::new(before.leader_id.term + 1, one));
    pass(WHILE).await;
    assert_eq!(rig.at(other).metrics().vote, before, "a lease was promised");
}
