//! Writes for another node's group that travel in one message, and what each of them is told.

use std::time::Duration;

use bytes::Bytes;
use raft_store::command::{Rejection, Replies, Reply};

use super::super::peer::{self, Declined, Forwarded};
use super::fakes::*;
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::group::Batch;

const SECOND: Duration = Duration::from_secs(1);
const REFUSED: Reply = Reply::Rejected(Rejection::NotOwner);

fn replied(replies: &[Reply]) -> Replies {
    Replies { time_ms: 5, replies: replies.to_vec() }
}

fn written(outcome: &Forwarded<Replies>) -> Option<Bytes> {
    Some(peer::put_forwarded(outcome, peer::put_written))
}

/// What two writes that begin together end as, and how many messages went out, when the leader answers the nth so.
async fn two_at_once(
    reply: impl FnMut(usize) -> Option<Bytes> + Send + 'static,
) -> ([Result<Replies>; 2], usize) {
    let alone = Alone::start().await;
    let leader = Fake::start(2, peer::WRITE, reply).await;
    alone.introduce(2, &leader.addr());
    let write = |key| alone.inner().write_group(ELSEWHERE, Batch::new(&[append(key, "x")]), within(SECOND));
    let (one, other) = tokio::join!(write("one"), write("other"));
    ([one, other], leader.calls())
}

#[tokio::test]
async fn writes_that_gather_travel_together_and_each_gets_its_own_reply() {
    let (told, calls) = two_at_once(|_| written(&Ok(replied(&[Reply::Done, REFUSED])))).await;
    assert_eq!(told, [Ok(replied(&[Reply::Done])), Ok(replied(&[REFUSED]))]);
    assert_eq!(calls, 1);
}

/// A full node takes what frees memory and refuses what grows: the one must not go down with the other.
#[tokio::test]
async fn what_was_refused_together_is_asked_for_alone() {
    let full = Error::not_applied(ErrorKind::QuotaExceeded, "full").group(ELSEWHERE);
    let told = full.clone();
    let (outcomes, calls) = two_at_once(move |call| match call {
        3 => written(&Ok(replied(&[Reply::Done]))),
        _ => written(&Err(Declined::Error(told.clone()))),
    })
    .await;
    assert_eq!(outcomes, [Err(full), Ok(replied(&[Reply::Done]))]);
    assert_eq!(calls, 3);
}

#[tokio::test]
async fn all_of_a_message_whose_answer_is_lost_or_nonsense_are_unknown_and_never_sent_again() {
    let lost: [fn(usize) -> Option<Bytes>; 3] =
        [|_| None, |_| Some(Bytes::from_static(b"\x09")), |_| written(&Ok(replied(&[Reply::Done])))];
    for reply in lost {
        let (outcomes, calls) = two_at_once(reply).await;
        assert_eq!(outcomes.map(|told| told.unwrap_err().outcome), [Some(Outcome::Unknown); 2]);
        assert_eq!(calls, 1);
    }
}

#[tokio::test]
async fn what_may_have_been_proposed_is_not_asked_for_again() {
    let unknown = Error::unknown(ErrorKind::NoLeader, "its leadership was lost").group(ELSEWHERE);
    let told = unknown.clone();
    let (outcomes, calls) = two_at_once(move |_| written(&Err(Declined::Error(told.clone())))).await;
    assert_eq!((outcomes, calls), ([Err(unknown.clone()), Err(unknown)], 1));
}
