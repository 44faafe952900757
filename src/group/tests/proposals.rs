//! What becomes of proposals where nobody leads, or nobody leads any more: a refusal is final.

use std::sync::Arc;
use std::time::Duration;

use openraft::errors::ClientWriteError;
use openraft::impls::OneshotResponder;
use openraft::raft::ClientWriteResult;
use parking_lot::Mutex;
use raft_store::NodeId;
use raft_store::command::{PackedEntry, Packer};
use raft_store::raft::{LeaderId, TypeConfig};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::{Group, ProposeError};
use super::rig::*;
use super::steps::*;

/// Proposals by the key each of them writes, and how they ended.
type Outcomes = Arc<Mutex<Vec<(String, Result<(), ProposeError>)>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_proposal_at_a_follower_reaches_no_log() {
    let rig = Rig::three().await;
    let leader = rig.leader().await;
    rig.write(&VOTERS, set("before", 1)).await;
    for follower in rig.others(&[leader]) {
        let refused = soon(propose(&rig.at(follower), set("refused", follower))).await;
        assert!(matches!(refused, Err(ProposeError::NotLeader(_))), "{refused:?}");
    }
    rig.write(&VOTERS, set("behind", 1)).await;
    rig.converged(&VOTERS).await;
    assert_eq!(rig.held_by("behind").len(), 3, "the log is searched in vain");
    rig.assert_nowhere("refused");
}

/// What the batcher relies on: openraft says `ForwardToLeader` only of what it did not append.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn openraft_appends_nothing_that_it_forwards() {
    let rig = Rig::three().await;
    let old = rig.leader().await;
    let heir = rig.others(&[old])[0];
    let outdated = rig.at(old).leadership.current().unwrap();
    rig.at(old).transfer_to(heir, Instant::now() + LONG).await.unwrap();
    rig.at(heir).transfer_to(old, Instant::now() + LONG).await.unwrap();
    until("the old leader leads again", || rig.at(old).leads()).await;
    for (node, name) in [(old, "outdated-leadership"), (heir, "at-a-follower")] {
        let refused = written_as(&rig.at(node), outdated, name).await;
        let forwarded = matches!(refused, Ok(Err(ClientWriteError::ForwardToLeader(_))));
        assert!(forwarded, "{name}: {refused:?}");
    }
    rig.write(&VOTERS, set("behind", 1)).await;
    rig.converged(&VOTERS).await;
    ["outdated-leadership", "at-a-follower"].into_iter().for_each(|name| rig.assert_nowhere(name));
}

async fn written_as(
    group: &Group,
    leader: LeaderId,
    name: &str,
) -> Result<ClientWriteResult<TypeConfig>, oneshot::error::RecvError> {
    let (responder, outcome) = OneshotResponder::<TypeConfig, ClientWriteResult<TypeConfig>>::new_pair();
    group.raft.write(entry(name)).with_leader(leader).responder(responder).await.unwrap();
    soon(outcome).await
}

fn entry(name: &str) -> PackedEntry {
    let mut packer = Packer::new();
    packer.push(&set(name, 1));
    packer.finish(1, 1)
}

/// A leader that is cut off appends what it is given and cannot know what becomes of it; what it refuses once
/// it knows that it does not lead, it did not append.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cut_off_leader_calls_unknown_whatever_it_appended() {
    let rig = Rig::three().await;
    let cut_off = rig.leader().await;
    rig.write(&VOTERS, set("before", 1)).await;
    rig.isolate(cut_off);
    let mut proposals = Vec::new();
    let others = rig.others(&[cut_off]);
    // They keep coming while the others elect: some before, some after the old leader notices.
    for number in 0.. {
        let (group, name) = (rig.at(cut_off), format!("lost-{number:04}"));
        proposals
            .push((name.clone(), tokio::spawn(async move { soon(propose(&group, set(&name, 1))).await })));
        pass(Duration::from_millis(5)).await;
        if others.iter().any(|&node| rig.at(node).leads()) {
            break;
        }
    }
    rig.write(&others, set("meanwhile", 1)).await;
    rig.heal();
    let mut unknown = 0;
    let mut refused = Vec::new();
    for (name, proposal) in proposals {
        match proposal.await.unwrap() {
            Err(ProposeError::NotLeader(_)) => refused.push(name),
            Err(ProposeError::Unknown(_)) => unknown += 1,
            other => panic!("{name}: nobody could acknowledge or refuse this: {other:?}"),
        }
    }
    rig.write(&VOTERS, set("behind", 1)).await;
    rig.converged(&VOTERS).await;
    assert!(unknown > 0, "nothing was on its way when the leader was cut off");
    for name in refused {
        rig.assert_nowhere(&name);
    }
}

/// Leadership moves again and again under proposals at every node: an acknowledged one is there, a refused one
/// is not, and none is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_leadership_moves_every_outcome_is_true() {
    const ROUNDS: usize = 8;
    let rig = Arc::new(Rig::three().await);
    let outcomes = Outcomes::default();
    let proposers: Vec<_> = VOTERS
        .into_iter()
        .map(|node| tokio::spawn(keep_proposing(rig.clone(), node, outcomes.clone())))
        .collect();
    for _ in 0..ROUNDS {
        let leader = rig.leader().await;
        let heir = VOTERS[(leader as usize) % VOTERS.len()];
        // It may fail: a leader that was deposed in between is none to hand over.
        let _ = rig.at(leader).transfer_to(heir, Instant::now() + rig.lease()).await;
    }
    proposers.iter().for_each(|proposer| proposer.abort());
    rig.write(&VOTERS, set("behind", 1)).await;
    rig.converged(&VOTERS).await;
    let outcomes = std::mem::take(&mut *outcomes.lock());
    assert!(outcomes.iter().any(|(_, outcome)| outcome.is_ok()), "nothing was written meanwhile");
    for (name, outcome) in outcomes {
        let lookups = rig.read(&VOTERS, &name).await;
        match outcome {
            Ok(()) => assert_eq!(value(&lookups).as_deref(), Some("x"), "{name}: acknowledged"),
            Err(ProposeError::NotLeader(_)) => rig.assert_nowhere(&name),
            Err(_) => assert_ne!(value(&lookups).as_deref(), Some("xx"), "{name}: applied twice"),
        }
    }
}

async fn keep_proposing(rig: Arc<Rig>, node: NodeId, outcomes: Outcomes) {
    for number in 0.. {
        let name = format!("moving-{node}-{number:04}");
        let outcome = propose(&rig.at(node), append(&name, "x")).await.map(drop);
        outcomes.lock().push((name, outcome));
        pass(Duration::from_millis(5)).await;
    }
}
