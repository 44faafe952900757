//! The answers to a stream of appends, as openraft is to hear them: in order, up to the first after which the
//! requests behind it no longer fit, and each only when it proves no more than it says.
//!
//! openraft counts a leader's lease, and confirms its reads, from when the newest request was sent that an
//! acknowledged entry covers (`InflightAppendQueue::drain_acked`). A request without entries, which carries a new
//! commit index, ends at the same entry as the one before it. So the answer to the first would vouch for the second
//! too, however much later that was sent: a leader that was stopped through an election, goes on, sends such a request
//! and then finds old answers waiting, would serve what is long out of date. Hence an acknowledgement is passed
//! on only with the answer to the last request that ends at its entry.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{Stream, StreamExt as _, future};
use openraft::raft::{AppendEntriesRequest, AppendEntriesResponse, StreamAppendError, StreamAppendResult};
use raft_store::codec::DecodeError;
use raft_store::raft::{LogId, TypeConfig};

use super::network::{Rpc, malformed};

/// What openraft takes its acknowledgements from.
pub(super) type AppendStream<'s> =
    Pin<Box<dyn Stream<Item = Rpc<StreamAppendResult<TypeConfig>>> + Send + 's>>;

/// Which entries a request covers.
#[derive(Debug)]
pub(super) struct Place {
    prev: Option<LogId>,
    last: Option<LogId>,
    /// Whether a later request was made that ends at `last` too.
    repeated: Arc<AtomicBool>,
}

/// The newest request of a stream.
#[derive(Debug, Default)]
pub(super) struct Asked {
    last: Option<LogId>,
    repeated: Arc<AtomicBool>,
}

impl Asked {
    /// The place of the next request. To be called in the order in which openraft makes them, as it makes them.
    pub(super) fn place(&mut self, request: &AppendEntriesRequest<TypeConfig>) -> Place {
        let prev = request.prev_log_id;
        let last = request.entries.last().map(|entry| entry.log_id).or(prev);
        if last == self.last {
            self.repeated.store(true, Ordering::Release);
        }
        *self = Self { last, repeated: Arc::default() };
        Place { prev, last, repeated: self.repeated.clone() }
    }
}

type Answered = Rpc<(AppendEntriesResponse<TypeConfig>, Place)>;

/// What to tell openraft of the answers, which come in the order of their requests.
pub(super) fn told<'s>(answers: impl Stream<Item = Answered> + Send + 's) -> AppendStream<'s> {
    let results = answers.scan(false, |ended, answer| {
        let item = (!*ended).then(|| {
            let (result, last_one) = result_of(answer);
            *ended = last_one;
            result
        });
        future::ready(item)
    });
    Box::pin(results.filter_map(future::ready))
}

/// The result to pass on, if any, and whether the requests behind it no longer fit.
fn result_of(answer: Answered) -> (Option<Rpc<StreamAppendResult<TypeConfig>>>, bool) {
    let (response, Place { prev, last, repeated }) = match answer {
        Ok(answered) => answered,
        Err(error) => return (Some(Err(error)), true),
    };
    let failure = match response {
        AppendEntriesResponse::Success => return (acknowledged(last, &repeated), false),
        AppendEntriesResponse::PartialSuccess(id) if id == last => {
            return (acknowledged(last, &repeated), false);
        }
        AppendEntriesResponse::PartialSuccess(id) => return (Some(Ok(Ok(id))), true),
        AppendEntriesResponse::HigherVote(vote) => Ok(Err(StreamAppendError::HigherVote(vote))),
        AppendEntriesResponse::Conflict => match prev {
            Some(prev) => Ok(Err(StreamAppendError::Conflict(prev))),
            None => Err(malformed(DecodeError::Invalid("conflict at the start of the log"))),
        },
    };
    (Some(failure), true)
}

fn acknowledged(last: Option<LogId>, repeated: &AtomicBool) -> Option<Rpc<StreamAppendResult<TypeConfig>>> {
    (!repeated.load(Ordering::Acquire)).then_some(Ok(Ok(last)))
}

#[cfg(test)]
mod tests {
    use openraft::vote::RaftLeaderId as _;
    use raft_store::raft::{LeaderId, Payload, RaftEntry, Vote};

    use super::*;

    fn at(index: u64) -> LogId {
        LogId { leader_id: LeaderId::new(1, 1), index }
    }

    /// A request with the entries behind `prev` up to and with `last`.
    fn request(prev: u64, last: u64) -> AppendEntriesRequest<TypeConfig> {
        let entry = |index| RaftEntry { log_id: at(index), payload: Payload::Blank };
        AppendEntriesRequest {
            vote: Vote::new_committed(1, 1),
            prev_log_id: Some(at(prev)),
            entries: (prev + 1..=last).map(entry).collect(),
            leader_commit: None,
        }
    }

    /// What openraft hears if the requests are made one after the other, each answer coming in after as many of them
    /// as stand with it.
    async fn heard(requests: &[(u64, u64)], answered_after: &[usize]) -> Vec<u64> {
        let mut asked = Asked::default();
        let mut places = Vec::new();
        let mut heard = Vec::new();
        let mut made = requests.iter();
        for (answer, after) in answered_after.iter().enumerate() {
            while places.len() + answer < *after {
                let (prev, last) = made.next().unwrap();
                places.push(asked.place(&request(*prev, *last)));
            }
            let answered = Ok((AppendEntriesResponse::Success, places.remove(0)));
            let mut told = told(futures_util::stream::iter([answered]));
            if let Some(result) = told.next().await {
                heard.push(result.unwrap().unwrap().unwrap().index);
            }
        }
        heard
    }

    #[tokio::test]
    async fn an_acknowledgement_waits_for_the_last_request_that_ends_at_its_entry() {
        assert_eq!(heard(&[(1, 2), (2, 2)], &[2, 2]).await, [2], "one answer cannot vouch for two requests");
        assert_eq!(heard(&[(1, 2), (2, 2), (2, 2), (2, 5)], &[4, 4, 4, 4]).await, [2, 5]);
    }

    #[tokio::test]
    async fn an_acknowledgement_that_can_vouch_for_its_own_request_only_is_told_at_once() {
        assert_eq!(heard(&[(1, 2), (2, 2)], &[1, 2]).await, [2, 2]);
        assert_eq!(heard(&[(1, 2), (2, 3), (3, 4)], &[3, 3, 3]).await, [2, 3, 4]);
    }

    #[tokio::test]
    async fn nothing_is_told_behind_a_failure() {
        let (first, second) = (at(2), at(4));
        let mut asked = Asked::default();
        let places = [asked.place(&request(1, 2)), asked.place(&request(2, 4)), asked.place(&request(4, 5))];
        let responses = [
            AppendEntriesResponse::Success,
            AppendEntriesResponse::PartialSuccess(Some(at(3))),
            AppendEntriesResponse::Success,
        ];
        let answers = responses.into_iter().zip(places).map(Ok);
        let heard: Vec<_> =
            told(futures_util::stream::iter(answers)).map(|one| one.unwrap().unwrap()).collect().await;
        assert_eq!(heard, [Some(first), Some(at(3))]);
        assert!(heard.last() < Some(&Some(second)));
    }
}
