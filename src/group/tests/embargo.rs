//! A voter that restarted has forgotten what it promised: for one lease it grants no vote and stands for none.

use std::time::Duration;

use openraft::raft::{VoteRequest, VoteResponse};
use raft_store::NodeId;
use raft_store::raft::{TypeConfig, Vote, messages};
use tokio::time::Instant;

use super::super::{settings, wire};
use super::rig::*;
use super::steps::*;
use crate::transport::{Lane, Service};

/// A candidate's question: `term` newer than any, a log as long as anyone's.
fn candidacy(rig: &Rig, candidate: NodeId, terms_ahead: u64) -> VoteRequest<TypeConfig> {
    let metrics = rig.others(&[]).into_iter().map(|node| rig.at(node).metrics());
    let newest = metrics.max_by_key(|metrics| metrics.current_term).unwrap();
    let last = rig.others(&[]).into_iter().filter_map(|node| rig.at(node).metrics().last_applied).max();
    VoteRequest::new(Vote::new(newest.current_term + terms_ahead, candidate), last)
}

async fn ask(
    rig: &Rig,
    voter: NodeId,
    service: Service,
    request: &VoteRequest<TypeConfig>,
) -> VoteResponse<TypeConfig> {
    let candidate = request.vote.leader_id.node_id;
    let body = wire::body(GROUP, |out| messages::put_vote_request(out, request));
    let answer = rig.transport(candidate).call(voter, Lane::Control, service, body, LONG).await.unwrap();
    wire::decode(answer, messages::vote_response).unwrap()
}

/// A follower that restarts with nobody but the last node in reach, which asks for its vote.
async fn restarted_alone() -> (Rig, NodeId, NodeId, Instant) {
    let mut rig = Rig::start(3, with_lease(800)).await;
    let leader = rig.leader().await;
    rig.write(&VOTERS, set("key", 1)).await;
    rig.converged(&VOTERS).await;
    let [voter, candidate] = rig.others(&[leader])[..] else { panic!("three nodes") };
    rig.cut(leader, voter);
    let opens = rig.restart(voter).await;
    (rig, voter, candidate, opens)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restarted_voter_grants_no_vote_for_one_lease() {
    for service in [wire::VOTE, wire::PRE_VOTE] {
        let (rig, voter, candidate, opens) = restarted_alone().await;
        let refused = ask(&rig, voter, service, &candidacy(&rig, candidate, 1)).await;
        assert!(!refused.vote_granted, "{refused:?}");
        let granted = soon(async {
            while !ask(&rig, voter, service, &candidacy(&rig, candidate, 1)).await.vote_granted {
                pass(Duration::from_millis(5)).await;
            }
            Instant::now()
        });
        let after = granted.await - opens;
        assert!(after >= rig.lease(), "service {service} granted {after:?} after the start");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_vote_for_a_leadership_transfer_is_granted_at_once() {
    let (rig, voter, candidate, opens) = restarted_alone().await;
    let request = VoteRequest { leadership_transfer: true, ..candidacy(&rig, candidate, 1) };
    let response = ask(&rig, voter, wire::VOTE, &request).await;
    let after = opens.elapsed();
    assert!(response.vote_granted, "{response:?}");
    assert!(after < rig.lease(), "too slow to tell: {after:?}");
}

/// Its election timeout is a tenth of the lease at the least, so without an embargo it would stand early.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restarted_voter_stands_for_no_election_for_one_lease() {
    let mut rig = Rig::start(3, settings(20, 60, 600)).await;
    let leader = rig.leader().await;
    rig.write(&VOTERS, set("key", 1)).await;
    let voter = rig.others(&[leader])[0];
    // It can ask, and nobody speaks to it.
    rig.gate(voter).refuse(|_| true);
    let opens = rig.restart(voter).await;
    let witness = rig.gate(leader);
    let candidacies = || {
        let mut seen = [witness.seen(wire::PRE_VOTE), witness.seen(wire::VOTE)].concat();
        seen.retain(|seen| seen.from == voter && seen.at > opens);
        seen
    };
    until("it stands in the end", || !candidacies().is_empty()).await;
    let first = candidacies().iter().map(|seen| seen.at).min().unwrap();
    assert!(first >= opens + rig.lease(), "it stood {:?} after the start", first - opens);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restarted_voter_remembers_its_vote() {
    let mut rig = Rig::three().await;
    let leader = rig.leader().await;
    let [voter, rival] = rig.others(&[leader])[..] else { panic!("three nodes") };
    rig.write(&VOTERS, set("key", 1)).await;
    rig.converged(&VOTERS).await;
    rig.cut(leader, voter);
    let later = candidacy(&rig, rival, 5);
    soon(async {
        while !ask(&rig, voter, wire::VOTE, &later).await.vote_granted {
            pass(Duration::from_millis(5)).await;
        }
    })
    .await;
    rig.cut(voter, rival);
    let voted = rig.at(voter).metrics().vote;
    let opens = rig.restart(voter).await;
    until("it knows its vote again", || rig.at(voter).metrics().vote >= voted).await;
    tokio::time::sleep_until(opens + rig.lease()).await;
    rig.join(voter, rival);
    let older = Vote::new(later.vote.leader_id.term - 1, rival);
    let other = VoteRequest::new(older, later.last_log_id);
    let answered = ask(&rig, voter, wire::VOTE, &other).await;
    assert!(!answered.vote_granted, "it voted in a term behind its own: {answered:?}");
}
