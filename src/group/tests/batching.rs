//! The batcher: one entry for all that waits, in order, and refusals that are true.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use raft_store::limits::PACKED_COMMANDS_MAX;
use tokio::task::JoinHandle;

use super::super::{Batch, Group, ProposeError};
use super::rig::*;
use super::steps::*;
use crate::limits::{PROPOSALS_IN_FLIGHT_MAX, PROPOSALS_QUEUED_MAX};

/// A leader whose entries in flight stay there, so that everything else waits.
struct Busy {
    rig: Rig,
    leader: Arc<Group>,
    paused: Paused,
    in_flight: Vec<JoinHandle<bool>>,
}

impl Busy {
    async fn start() -> Self {
        let rig = Rig::three().await;
        rig.write(&VOTERS, set("before", 1)).await;
        rig.converged(&VOTERS).await;
        let leader = rig.at(rig.leader().await);
        let paused = Paused::at(&leader);
        let mut in_flight = Vec::new();
        for number in 1..=PROPOSALS_IN_FLIGHT_MAX as u64 {
            let (group, before) = (leader.clone(), leader.metrics().last_log_index.unwrap());
            let name = format!("in-flight-{number}");
            in_flight.push(tokio::spawn(async move { propose(&group, set(&name, 1)).await.is_ok() }));
            until("it is in the log", || leader.metrics().last_log_index > Some(before)).await;
        }
        Self { rig, leader, paused, in_flight }
    }

    fn last_index(&self) -> u64 {
        self.leader.metrics().last_log_index.unwrap()
    }

    async fn resume(self) -> (Rig, Arc<Group>) {
        drop(self.paused);
        for proposal in self.in_flight {
            assert!(soon(proposal).await.unwrap());
        }
        (self.rig, self.leader)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_waits_travels_in_one_entry_in_order() {
    const WAITING: usize = 200;
    let busy = Busy::start().await;
    let (group, before) = (busy.leader.clone(), busy.last_index());
    let expected: String = (0..WAITING).map(|number| format!("{number};")).collect();
    let waiting = tokio::spawn(async move {
        join_all((0..WAITING).map(|number| propose(&group, append("order", &format!("{number};")))))
            .await
            .into_iter()
            .map(|reply| format!("{reply:?}"))
            .collect::<Vec<_>>()
    });
    until("all wait", || busy.leader.proposals_queued() == WAITING).await;
    assert_eq!(busy.last_index(), before, "an entry too many is in flight");
    let (rig, leader) = busy.resume().await;
    let replies = soon(waiting).await.unwrap();
    assert!(leader.metrics().last_log_index <= Some(before + 1), "{:?}", leader.metrics().last_log_index);
    let lookups = rig.read(&VOTERS, "order").await;
    assert_eq!(value(&lookups).as_deref(), Some(expected.as_str()));
    // Each waiter got the reply to its own command: the length of the value by then.
    let mut len = 0;
    for (number, reply) in replies.iter().enumerate() {
        len += format!("{number};").len();
        assert!(reply.contains(&format!("len: {len} ")), "reply {number} should tell {len}: {reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_queue_refuses_what_then_never_happens() {
    let busy = Busy::start().await;
    let full: Vec<_> = (0..PROPOSALS_QUEUED_MAX / PACKED_COMMANDS_MAX)
        .map(|_| {
            let group = busy.leader.clone();
            let batch = Batch::new(&vec![append("full", "x"); PACKED_COMMANDS_MAX]);
            tokio::spawn(async move { group.propose(batch).await.is_ok() })
        })
        .collect();
    until("the queue is full", || busy.leader.proposals_queued() == PROPOSALS_QUEUED_MAX).await;
    let refused = propose(&busy.leader, set("one-too-many", 1)).await;
    assert_eq!(refused, Err(ProposeError::QueueFull));
    assert_eq!(busy.leader.proposals_queued(), PROPOSALS_QUEUED_MAX);
    let (rig, leader) = busy.resume().await;
    for batch in full {
        assert!(soon(batch).await.unwrap());
    }
    assert_eq!(leader.proposals_queued(), 0);
    rig.write(&VOTERS, set("one-more", 1)).await;
    rig.converged(&VOTERS).await;
    rig.assert_nowhere("one-too-many");
    let lookups = rig.read(&VOTERS, "full").await;
    assert_eq!(value(&lookups).map(|value| value.len()), Some(PROPOSALS_QUEUED_MAX));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_malformed_batch_is_refused_without_harm_to_others() {
    let busy = Busy::start().await;
    let before = busy.last_index();
    let malformed = Batch::received(Bytes::from_static(b"\xffnonsense"), 1);
    let batches = [Batch::new(&[set("first", 1)]), malformed, Batch::new(&[set("last", 1)])];
    let group = busy.leader.clone();
    let waiting = tokio::spawn(async move { join_all(batches.map(|batch| group.propose(batch))).await });
    until("all wait", || busy.leader.proposals_queued() == 3).await;
    let (rig, leader) = busy.resume().await;
    let outcomes = soon(waiting).await.unwrap();
    assert!(matches!(&outcomes[..], [Ok(_), Err(ProposeError::Malformed(_)), Ok(_)]), "{outcomes:?}");
    assert!(leader.metrics().last_log_index <= Some(before + 1));
    for name in ["first", "last"] {
        assert_eq!(value(&rig.read(&VOTERS, name).await).as_deref(), Some("1"));
    }
}
