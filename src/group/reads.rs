//! Shared read-index rounds (Raft dissertation, section 6.4): one confirmed leadership releases every read
//! that was waiting before the round began.
//!
//! A read never joins a round that is under way: its write may be newer than the round's index. The queue
//! shows this by construction, since a round takes what waits when it starts and nothing later.

use std::sync::Arc;
use std::time::Duration;

use openraft::errors::{LinearizableReadError, RaftError};
use openraft::raft::linearizable_read::LinearizerOption;
use raft_store::raft::TypeConfig;
use raft_store::{NodeId, mutant};
use tokio::sync::{mpsc, oneshot};

use super::Raft;
use super::lease::{Awake, read_age};
use super::promise::Demand;
use crate::limits::READS_QUEUED_MAX;

/// Why a round gave no read index; nothing was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadIndexError {
    /// This node does not lead the group.
    #[error("this node does not lead the group")]
    NotLeader(Option<NodeId>),
    /// It could not confirm its leadership with a quorum.
    #[error("no quorum confirmed the leader: {0}")]
    NoQuorum(String),
    /// Too many reads wait.
    #[error("too many reads are waiting")]
    QueueFull,
}

type Outcome = Result<u64, ReadIndexError>;

/// Whether a round may rely on the lease.
#[derive(Debug, Clone)]
pub(super) enum Confirm {
    /// Always ask a quorum.
    ReadIndex,
    /// Rely on the lease while it surely holds, else ask a quorum.
    Lease { lease: Duration, demand: Arc<Demand> },
}

/// The entrance to one group's read rounds.
#[derive(Debug, Clone)]
pub(crate) struct ReadRounds {
    queue: mpsc::Sender<oneshot::Sender<Outcome>>,
}

impl ReadRounds {
    pub(super) fn spawn(raft: Raft, confirm: Confirm) -> Self {
        let (queue, waiting) = mpsc::channel(READS_QUEUED_MAX);
        let awake = Arc::new(Awake::since_now());
        let round = move || {
            let (raft, confirm, awake) = (raft.clone(), confirm.clone(), awake.clone());
            async move { confirmed(&raft, &confirm, &awake).await }
        };
        tokio::spawn(run(waiting, round));
        Self { queue }
    }

    /// A log index such that whoever has applied it sees every write acknowledged before this call.
    pub(crate) async fn read_index(&self) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        self.queue.try_send(reply).map_err(|_| ReadIndexError::QueueFull)?;
        outcome.await.unwrap_or_else(|_| Err(ReadIndexError::NoQuorum("the node is stopping".into())))
    }
}

/// One round after the other, each for all that waits when it starts.
async fn run<F: Future<Output = Outcome>>(
    mut waiting: mpsc::Receiver<oneshot::Sender<Outcome>>,
    confirmed: impl Fn() -> F,
) {
    let mut round = Vec::new();
    while waiting.recv_many(&mut round, READS_QUEUED_MAX).await > 0 {
        let outcome = confirmed().await;
        mutant!(JoinRunningRound => while let Ok(late) = waiting.try_recv() { round.push(late) });
        round.drain(..).for_each(|reply| drop(reply.send(outcome.clone())));
    }
}

/// One round. `awake` counts from the last one that asked a quorum.
async fn confirmed(raft: &Raft, confirm: &Confirm, awake: &Awake) -> Outcome {
    #[cfg(feature = "mutants")]
    if let Some(index) = super::mutants::unconfirmed(raft, confirm) {
        return Ok(index);
    }
    if let Confirm::Lease { lease, demand } = confirm {
        let since = demand.want();
        // Only what was sent since then asked for the lease.
        let age = read_age(*lease).min(since.elapsed());
        let held = LinearizerOption::new(Some(age), false).with_wait_timeout(Duration::ZERO);
        // Both are looked at after the lease, so that what happened before or while it was looked at shows.
        if let Ok(index) = read_index(raft, held).await
            && awake.still()
            && demand.is_unbroken(since)
        {
            return Ok(index);
        }
    }
    let began = Awake::since_now();
    let index = read_index(raft, LinearizerOption::new(Some(Duration::ZERO), true)).await?;
    awake.renew(&began);
    Ok(index)
}

async fn read_index(raft: &Raft, option: LinearizerOption) -> Outcome {
    match raft.get_read_linearizer(option).await {
        Ok(linearizer) => Ok(linearizer.read_log_id().index()),
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: RaftError<TypeConfig, LinearizableReadError<TypeConfig>>) -> ReadIndexError {
    match error {
        RaftError::APIError(LinearizableReadError::ForwardToLeader(forward)) => {
            ReadIndexError::NotLeader(forward.leader_id)
        }
        other => ReadIndexError::NoQuorum(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::poll;
    use parking_lot::Mutex;
    use tokio::task::yield_now;

    use super::*;

    /// Rounds that have begun, each to be ended by hand.
    type Begun = mpsc::UnboundedReceiver<oneshot::Sender<Outcome>>;

    fn by_hand(queued_max: usize) -> (ReadRounds, Begun) {
        let (queue, waiting) = mpsc::channel(queued_max);
        let (begin, begun) = mpsc::unbounded_channel();
        let begin = Arc::new(Mutex::new(begin));
        let round = move || {
            let (end, ended) = oneshot::channel();
            begin.lock().send(end).unwrap();
            async { ended.await.unwrap() }
        };
        tokio::spawn(run(waiting, round));
        (ReadRounds { queue }, begun)
    }

    async fn next(begun: &mut Begun) -> oneshot::Sender<Outcome> {
        let next = tokio::time::timeout(Duration::from_secs(8), begun.recv()).await;
        next.expect("no round begins, and reads wait").unwrap()
    }

    #[tokio::test]
    async fn a_read_never_joins_a_round_under_way() {
        let (rounds, mut begun) = by_hand(8);
        let mut early = Box::pin(rounds.read_index());
        assert!(poll!(&mut early).is_pending());
        let first = next(&mut begun).await;
        let mut late = Box::pin(rounds.read_index());
        assert!(poll!(&mut late).is_pending());
        first.send(Ok(1)).unwrap();
        assert_eq!(early.await, Ok(1));
        assert!(poll!(&mut late).is_pending(), "the first round answered a read that came after it began");
        let second = next(&mut begun).await;
        second.send(Ok(2)).unwrap();
        assert_eq!(late.await, Ok(2));
    }

    #[tokio::test]
    async fn one_round_serves_all_that_wait() {
        let (rounds, mut begun) = by_hand(8);
        let mut opener = Box::pin(rounds.read_index());
        assert!(poll!(&mut opener).is_pending());
        let first = next(&mut begun).await;
        let mut waiting: Vec<_> = (0..5).map(|_| Box::pin(rounds.read_index())).collect();
        for read in &mut waiting {
            assert!(poll!(read).is_pending());
        }
        first.send(Ok(1)).unwrap();
        next(&mut begun).await.send(Ok(7)).unwrap();
        assert_eq!(futures_util::future::join_all(waiting).await, vec![Ok(7); 5]);
        yield_now().await;
        assert!(begun.try_recv().is_err(), "nobody waits, and a round began");
    }

    #[tokio::test]
    async fn a_failed_round_fails_its_reads_and_no_others() {
        let (rounds, mut begun) = by_hand(8);
        let mut early = Box::pin(rounds.read_index());
        assert!(poll!(&mut early).is_pending());
        let first = next(&mut begun).await;
        let mut late = Box::pin(rounds.read_index());
        assert!(poll!(&mut late).is_pending());
        first.send(Err(ReadIndexError::NotLeader(Some(2)))).unwrap();
        assert_eq!(early.await, Err(ReadIndexError::NotLeader(Some(2))));
        next(&mut begun).await.send(Ok(3)).unwrap();
        assert_eq!(late.await, Ok(3));
    }

    #[tokio::test]
    async fn past_its_bound_the_queue_refuses() {
        let (rounds, mut begun) = by_hand(1);
        let mut under_way = Box::pin(rounds.read_index());
        assert!(poll!(&mut under_way).is_pending());
        let _first = next(&mut begun).await;
        let mut waits = Box::pin(rounds.read_index());
        assert!(poll!(&mut waits).is_pending());
        assert_eq!(rounds.read_index().await, Err(ReadIndexError::QueueFull));
    }
}
