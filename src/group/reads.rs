//! Shared read-index rounds (Raft dissertation, section 6.4): one confirmed leadership releases every read
//! that was waiting before the round began.
//!
//! A read never joins a round that is under way: its write may be newer than the round's index. The queue
//! shows this by construction, since a round takes what waits when it starts and nothing later.

use std::time::Duration;

use openraft::errors::{LinearizableReadError, RaftError};
use openraft::raft::linearizable_read::LinearizerOption;
use raft_store::NodeId;
use raft_store::raft::TypeConfig;
use tokio::sync::{mpsc, oneshot};

use super::Raft;
use super::lease::{Awake, read_age};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirm {
    /// Always ask a quorum.
    ReadIndex,
    /// Rely on the lease while it surely holds, else ask a quorum.
    Lease(Duration),
}

/// The entrance to one group's read rounds.
#[derive(Debug, Clone)]
pub(crate) struct ReadRounds {
    queue: mpsc::Sender<oneshot::Sender<Outcome>>,
}

impl ReadRounds {
    pub(crate) fn spawn(raft: Raft, confirm: Confirm) -> Self {
        let (queue, waiting) = mpsc::channel(READS_QUEUED_MAX);
        tokio::spawn(run(raft, confirm, waiting));
        Self { queue }
    }

    /// A log index such that whoever has applied it sees every write acknowledged before this call.
    pub(crate) async fn read_index(&self) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        self.queue.try_send(reply).map_err(|_| ReadIndexError::QueueFull)?;
        outcome.await.unwrap_or_else(|_| Err(ReadIndexError::NoQuorum("the node is stopping".into())))
    }
}

async fn run(raft: Raft, confirm: Confirm, mut waiting: mpsc::Receiver<oneshot::Sender<Outcome>>) {
    let mut round = Vec::new();
    let mut awake = Awake::now();
    while waiting.recv_many(&mut round, READS_QUEUED_MAX).await > 0 {
        let outcome = confirmed(&raft, confirm, &mut awake).await;
        round.drain(..).for_each(|reply| drop(reply.send(outcome.clone())));
    }
}

/// One round. `awake` is as of the last round that asked a quorum.
async fn confirmed(raft: &Raft, confirm: Confirm, awake: &mut Awake) -> Outcome {
    if let Confirm::Lease(lease) = confirm {
        let held = LinearizerOption::new(Some(read_age(lease)), false).with_wait_timeout(Duration::ZERO);
        // Looked at after the lease, so that a suspend before or while it was looked at shows.
        if let Ok(index) = read_index(raft, held).await
            && awake.still()
        {
            return Ok(index);
        }
    }
    let began = Awake::now();
    let index = read_index(raft, LinearizerOption::new(Some(Duration::ZERO), true)).await?;
    *awake = began;
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
