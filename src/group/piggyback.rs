//! Commit indexes travel with entries.
//!
//! openraft makes a request of its own whenever the commit index has moved, which wakes a follower as often as the
//! entries did; while writes go on, the next entries follow within the millisecond and say the same. So after a request
//! with few entries the next one is not asked for until there are entries for it, or [`COMMIT_HELD_MAX`] has passed. What
//! is not asked for is not made, so neither openraft's times nor its acknowledgements know of it.
//!
//! Relies on the log to say what was appended. Guarantees: entries wait for nothing; a commit index waits for
//! [`COMMIT_HELD_MAX`] at most, counted from the request before it.

use futures_util::{Stream, StreamExt as _, stream};
use openraft::raft::AppendEntriesRequest;
use raft_store::raft::{Payload, TypeConfig};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::limits::{COMMIT_HELD_BYTES_MAX, COMMIT_HELD_MAX};

type Request = AppendEntriesRequest<TypeConfig>;

/// The requests of `input`, each asked for when there are entries behind the one before it, or else later. `submitted`:
/// the index of the newest entry in the log.
pub(super) fn with_entries<S>(input: S, submitted: watch::Receiver<u64>) -> impl Stream<Item = Request> + Send
where
    S: Stream<Item = Request> + Send + Unpin,
{
    stream::unfold((input, submitted, None), |(mut input, mut submitted, before)| async move {
        // A heartbeat is a stream of one request, and reads wait for its end.
        let ended = input.size_hint() == (0, Some(0));
        if let Some((asked, last)) = before.filter(|_| !ended) {
            let entries = submitted.wait_for(|&newest| newest > last);
            // Neither time nor a log that is gone is a reason not to go on.
            let _ = timeout_at(asked + COMMIT_HELD_MAX, entries).await;
        }
        let request = input.next().await?;
        let last = request.entries.last().map(|entry| entry.log_id).or(request.prev_log_id);
        let before = is_brief(&request).then(|| (Instant::now(), last.map_or(0, |id| id.index)));
        Some((request, (input, submitted, before)))
    })
}

/// Whether what the request carries is soon applied. Else a follower had better do that before the next entries come, which
/// it could not acknowledge meanwhile.
fn is_brief(request: &Request) -> bool {
    let bytes = request.entries.iter().map(|entry| match &entry.payload {
        Payload::Normal(packed) => packed.as_bytes().len(),
        Payload::Blank | Payload::Membership(_) => 0,
    });
    bytes.sum::<usize>() <= COMMIT_HELD_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use openraft::vote::RaftLeaderId as _;
    use raft_store::command::{Command, Condition, Delete, Packer};
    use raft_store::key::Key;
    use raft_store::raft::{LeaderId, LogId, RaftEntry, Vote};

    use super::*;

    fn at(index: u64) -> LogId {
        LogId { leader_id: LeaderId::new(1, 1), index }
    }

    /// A request with the entries behind `prev` up to and with `last`, each of this payload.
    fn request(prev: u64, last: u64, payload: &Payload) -> Request {
        let entry = |index| RaftEntry { log_id: at(index), payload: payload.clone() };
        AppendEntriesRequest {
            vote: Vote::new_committed(1, 1),
            prev_log_id: Some(at(prev)),
            entries: (prev + 1..=last).map(entry).collect(),
            leader_commit: None,
        }
    }

    /// After how long each of the requests is made, when all are wanted at once. Each is given by the entry it goes on from
    /// and its last one; `newest` is the log's.
    async fn made(requests: &[(u64, u64)], payload: Payload, newest: u64) -> Vec<Duration> {
        let (_log, submitted) = watch::channel(newest);
        let requests: Vec<_> = requests.iter().map(|&(prev, last)| request(prev, last, &payload)).collect();
        // As openraft's: nobody knows how many there will be.
        let input = Box::pin(stream::iter(requests).filter(|_| std::future::ready(true)));
        let (began, mut made) = (Instant::now(), Vec::new());
        let mut requests = pin!(with_entries(input, submitted));
        while requests.next().await.is_some() {
            made.push(began.elapsed());
        }
        made
    }

    const NOW: Duration = Duration::ZERO;

    #[tokio::test(start_paused = true)]
    async fn entries_wait_for_nothing() {
        assert_eq!(made(&[(0, 1), (1, 3), (3, 4)], Payload::Blank, 4).await, [NOW; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_index_alone_waits_a_moment() {
        let expected = [NOW, COMMIT_HELD_MAX, 2 * COMMIT_HELD_MAX];
        assert_eq!(made(&[(0, 1), (1, 1), (1, 1)], Payload::Blank, 1).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn it_does_not_wait_behind_what_takes_long_to_apply() {
        let mut packer = Packer::new();
        let key = Key::new(0, &[b'k'; 500]).unwrap();
        let long = Command::Delete(Delete { key, condition: Condition::default() });
        while packer.len() * 500 <= COMMIT_HELD_BYTES_MAX {
            packer.push(&long);
        }
        let entry = Payload::Normal(packer.finish(0, 0));
        assert_eq!(made(&[(0, 1), (1, 1)], entry, 1).await, [NOW; 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn new_entries_end_the_wait() {
        let (log, submitted) = watch::channel(1);
        let input = stream::iter([request(0, 1, &Payload::Blank), request(1, 2, &Payload::Blank)]);
        let mut requests = pin!(with_entries(input, submitted));
        requests.next().await.unwrap();
        let began = Instant::now();
        let (next, ()) = tokio::join!(requests.next(), async {
            // Of the paused clock: nothing is slept, and the time that passes is exact.
            tokio::time::sleep(COMMIT_HELD_MAX / 5).await;
            log.send_replace(2);
        });
        assert_eq!((next.unwrap().entries.len(), began.elapsed()), (1, COMMIT_HELD_MAX / 5));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_heartbeat_is_not_waited_for() {
        let (_log, submitted) = watch::channel(1);
        let heartbeat = Box::pin(stream::once(async { request(1, 1, &Payload::Blank) }));
        let began = Instant::now();
        assert_eq!(with_entries(heartbeat, submitted).count().await, 1);
        assert_eq!(began.elapsed(), NOW);
    }
}
