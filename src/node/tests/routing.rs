//! From a request to an outcome: what may be tried again, what never, and what the client is told.

use std::time::Duration;

use bytes::Bytes;
use raft_store::command::{Command, Replies, Reply, Txn};
use raft_store::map::Lookup;

use super::super::Consistency;
use super::super::peer::{self, Declined, Forwarded, Looked, ReadKeys};
use super::fakes::*;
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::group::{Batch, Lookups};
use crate::limits::PROPOSAL_BYTES_MAX;

const SECOND: Duration = Duration::from_secs(1);

fn written(outcome: &Forwarded<Replies>) -> Option<Bytes> {
    Some(peer::put_forwarded(outcome, peer::put_written))
}

fn done() -> Replies {
    Replies { time_ms: 5, replies: vec![Reply::Done] }
}

async fn write(alone: &Alone) -> Result<Replies> {
    alone.inner().write_group(ELSEWHERE, Batch::new(&[append("key", "x")]), within(SECOND)).await
}

/// What a write ends as, and how often it was sent, when its leader answers it so.
async fn written_to_a_leader_that(
    reply: impl Fn() -> Option<Bytes> + Send + 'static,
) -> (Result<Replies>, usize) {
    let alone = Alone::start().await;
    let leader = Fake::start(2, peer::WRITE, move |_| reply()).await;
    alone.introduce(2, &leader.addr());
    (write(&alone).await, leader.calls())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_unknown_and_never_sent_again() {
    let (outcome, calls) = written_to_a_leader_that(|| None).await;
    assert_eq!((outcome.unwrap_err().outcome, calls), (Some(Outcome::Unknown), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_leader_does_not_know_is_never_sent_again() {
    let unknown = Error::unknown(ErrorKind::NoLeader, "its leadership was lost").group(ELSEWHERE);
    let told = unknown.clone();
    let (outcome, calls) =
        written_to_a_leader_that(move || written(&Err(Declined::Error(told.clone())))).await;
    assert_eq!((outcome, calls), (Err(unknown), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_answered_with_nonsense_is_unknown_and_never_sent_again() {
    let (outcome, calls) = written_to_a_leader_that(|| Some(Bytes::from_static(b"\x09"))).await;
    assert_eq!((outcome.unwrap_err().outcome, calls), (Some(Outcome::Unknown), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_refused_where_nobody_leads_goes_to_the_leader_named() {
    let alone = Alone::start().await;
    let former = Fake::start(2, peer::WRITE, |_| written(&Err(Declined::NotLeader(Some(3))))).await;
    let leader = Fake::start(3, peer::WRITE, |_| written(&Ok(done()))).await;
    alone.introduce(2, &former.addr());
    alone.introduce(3, &leader.addr());
    assert_eq!(write(&alone).await, Ok(done()));
    assert_eq!((former.calls(), leader.calls()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_reaches_nobody_is_not_applied() {
    let alone = Alone::start().await;
    alone.introduce(2, NOWHERE);
    let error = write(&alone).await.unwrap_err();
    assert_eq!((error.kind, error.outcome), (ErrorKind::NoLeader, Some(Outcome::NotApplied)));
    assert!(error.retry_after_ms.is_some());
}

/// A transaction is never divided, so it can be larger than any message.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_no_message_may_carry_is_too_large_and_sent_to_nobody() {
    let alone = Alone::start().await;
    let leader = Fake::start(2, peer::WRITE, |_| written(&Ok(done()))).await;
    alone.introduce(2, &leader.addr());
    let half = set("key", "v".repeat(PROPOSAL_BYTES_MAX / 2));
    let txn = Command::Txn(Txn { watched: vec![], commands: vec![half.clone(), half] });
    let error = alone.inner().write_group(ELSEWHERE, Batch::new(&[txn]), within(SECOND)).await.unwrap_err();
    assert_eq!((error.kind, error.outcome), (ErrorKind::TooLarge, Some(Outcome::NotApplied)));
    assert_eq!(leader.calls(), 0);
}

/// Two nodes that point at each other: the request ends by its deadline, and neither is asked in a tight loop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_that_go_in_a_circle_end_at_the_deadline() {
    let alone = Alone::start().await;
    let [one, other] = [(2, 3), (3, 2)].map(|(node, hint)| {
        Fake::start(node, peer::WRITE, move |_| written(&Err(Declined::NotLeader(Some(hint)))))
    });
    let (one, other) = (one.await, other.await);
    alone.introduce(2, &one.addr());
    alone.introduce(3, &other.addr());
    let ends = within(SECOND);
    let error = write(&alone).await.unwrap_err();
    // The last question may have had no answer by the deadline; then nobody knows.
    let expected = if error.kind == ErrorKind::Timeout { Outcome::Unknown } else { Outcome::NotApplied };
    assert_eq!(error.outcome, Some(expected), "{error:?}");
    assert!(tokio::time::Instant::now() < ends + SECOND);
    assert!((2..=110).contains(&(one.calls() + other.calls())), "{} + {}", one.calls(), other.calls());
}

/// A read changes nothing, so one that got no answer is asked again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_whose_answer_is_lost_is_asked_again() {
    let alone = Alone::start().await;
    let found = Looked {
        lookups: Lookups { time_ms: 9, found: vec![Lookup::Miss] },
        staleness_ms: None,
        bounded: true,
    };
    let answer = peer::put_forwarded(&Ok(found.clone()), peer::put_found);
    let leader = Fake::start(2, peer::READ, move |call| (call > 1).then(|| answer.clone())).await;
    alone.introduce(2, &leader.addr());
    // The first try forgets the leader; somebody has to name it again.
    let read = |timeout_ms| ReadKeys {
        group: ELSEWHERE,
        consistency: Consistency::Linearizable,
        timeout_ms,
        keys: vec![key("key")],
    };
    let asking = alone.inner().read_group(read(5000), within(5 * SECOND));
    let naming = async {
        loop {
            alone.introduce(2, &leader.addr());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let looked =
        tokio::select! { looked = asking => looked, () = naming => unreachable!("it names for ever") };
    assert_eq!((looked, leader.calls()), (Ok(found), 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_reaches_nobody_has_no_outcome_of_a_write() {
    let alone = Alone::start().await;
    alone.introduce(2, NOWHERE);
    let (consistency, keys) = (Consistency::Lease, vec![key("key")]);
    let read = ReadKeys { group: ELSEWHERE, consistency, timeout_ms: 300, keys };
    let error = alone.inner().read_group(read, within(SECOND / 3)).await.unwrap_err();
    assert_eq!((error.kind, error.outcome), (ErrorKind::NoLeader, None));
}
