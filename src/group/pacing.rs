//! When a follower is sent the next append, so that it hears what is committed together with the next entries.
//!
//! openraft makes a request whenever it is asked for one and there is news: entries, or only a new commit index. Each
//! entry would cost a follower two requests, the second one as dear as the first. Asked for the next one a little later, openraft
//! makes one request of both. Nothing is held back that was made, and entries are asked for at once; so all this changes is
//! how soon a follower applies what is committed, which no acknowledged write and no linearizable read waits for.

use futures_util::stream::{Stream, StreamExt as _, unfold};
use openraft::raft::AppendEntriesRequest;
use raft_store::raft::TypeConfig;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::limits::COMMIT_PAUSE;

type Request = AppendEntriesRequest<TypeConfig>;

/// Counts a request as under way until it is dropped.
#[derive(Debug)]
pub(super) struct UnderWay(watch::Sender<usize>);

impl UnderWay {
    fn of(all: &watch::Sender<usize>) -> Self {
        all.send_modify(|count| *count += 1);
        Self(all.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

struct Paced<S> {
    requests: S,
    appended: watch::Receiver<u64>,
    under_way: watch::Sender<usize>,
    /// The last index asked for.
    sent: u64,
}

/// The requests, each with what its answer drops. `appended` is the last index of the log the entries are from.
pub(super) fn paced<S>(requests: S, appended: watch::Receiver<u64>) -> impl Stream<Item = (Request, UnderWay)>
where
    S: Stream<Item = Request> + Unpin,
{
    let paced = Paced { requests, appended, under_way: watch::Sender::new(0), sent: 0 };
    unfold(paced, |mut paced| async move { paced.next().await.map(|next| (next, paced)) })
}

impl<S: Stream<Item = Request> + Unpin> Paced<S> {
    async fn next(&mut self) -> Option<(Request, UnderWay)> {
        self.worthwhile().await;
        let request = self.requests.next().await?;
        let last = request.entries.last().map(|entry| entry.log_id).or(request.prev_log_id);
        self.sent = last.map_or(0, |last| last.index);
        Some((request, UnderWay::of(&self.under_way)))
    }

    /// Waits until there are entries to send, or until nothing has been under way for a moment.
    async fn worthwhile(&mut self) {
        let mut under_way = self.under_way.subscribe();
        let quiet = async {
            // The sender is at hand, so this cannot fail.
            let _ = under_way.wait_for(|count| *count == 0).await;
            sleep(COMMIT_PAUSE).await;
        };
        let sent = self.sent;
        tokio::select! {
            biased;
            Ok(_) = self.appended.wait_for(|last| *last > sent) => {}
            () = quiet => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use futures_util::stream::BoxStream;
    use openraft::vote::RaftLeaderId as _;
    use raft_store::raft::{LeaderId, LogId, Payload, RaftEntry, Vote};
    use tokio::sync::mpsc;
    use tokio::time::{Instant, timeout};

    use super::*;

    fn at(index: u64) -> LogId {
        LogId { leader_id: LeaderId::new(1, 1), index }
    }

    /// The entries behind `prev` up to and with `last`.
    fn request(prev: u64, last: u64) -> Request {
        let entry = |index| RaftEntry { log_id: at(index), payload: Payload::Blank };
        Request {
            vote: Vote::new_committed(1, 1),
            prev_log_id: Some(at(prev)),
            entries: (prev + 1..=last).map(entry).collect(),
            leader_commit: None,
        }
    }

    /// A log, requests to be asked for, and what is asked for.
    fn of_log()
    -> (watch::Sender<u64>, mpsc::UnboundedSender<Request>, BoxStream<'static, (Request, UnderWay)>) {
        let (log, (make, made)) = (watch::Sender::new(0), mpsc::unbounded_channel());
        let requests = unfold(made, |mut made| async move { made.recv().await.map(|next| (next, made)) });
        let paced = paced(Box::pin(requests), log.subscribe()).boxed();
        (log, make, paced)
    }

    #[tokio::test(start_paused = true)]
    async fn entries_are_asked_for_at_once_whatever_is_under_way() {
        let (log, make, mut paced) = of_log();
        let began = Instant::now();
        let mut under_way = Vec::new();
        for index in 1..=5 {
            log.send_replace(index);
            make.send(request(index - 1, index)).unwrap();
            under_way.push(paced.next().await.unwrap());
        }
        assert_eq!((under_way.len(), began.elapsed()), (5, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn word_of_a_commit_waits_for_answers_and_a_moment_for_entries() {
        let (log, make, mut paced) = of_log();
        log.send_replace(1);
        make.send(request(0, 1)).unwrap();
        let (_, first) = paced.next().await.unwrap();
        make.send(request(1, 1)).unwrap();
        assert!(timeout(COMMIT_PAUSE * 100, paced.next()).await.is_err(), "the first has no answer");
        drop(first);
        let answered = Instant::now();
        assert!(paced.next().await.is_some());
        let waited = answered.elapsed();
        assert!((COMMIT_PAUSE..COMMIT_PAUSE * 2).contains(&waited), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn entries_end_the_wait() {
        let (log, make, mut paced) = of_log();
        log.send_replace(1);
        make.send(request(0, 1)).unwrap();
        drop(paced.next().await.unwrap());
        assert!(paced.next().now_or_never().is_none());
        log.send_replace(2);
        make.send(request(1, 2)).unwrap();
        let began = Instant::now();
        assert_eq!(paced.next().await.unwrap().0.entries.len(), 1);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_requests_is_the_end() {
        let (_log, make, mut paced) = of_log();
        drop(make);
        assert!(paced.next().await.is_none());
    }
}
