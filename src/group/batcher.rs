//! Packs the commands that wait into one Raft entry at a time (natural batching: no timer).
//!
//! While an entry is on its way the next ones gather, and so does what comes within a few turns of the scheduler; a
//! bounded number of entries is in flight. A proposal
//! either was never appended ([`ProposeError::NotLeader`], [`ProposeError::QueueFull`]) or its fate is
//! unknown; nothing here proposes twice.

use std::borrow::Borrow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use openraft::errors::ClientWriteError;
use openraft::impls::OneshotResponder;
use openraft::raft::ClientWriteResult;
use parking_lot::Mutex;
use raft_store::NodeId;
use raft_store::codec::DecodeError;
use raft_store::command::{Command, PackedEntry, Packer, Replies, encode_commands};
use raft_store::raft::{LeaderId, TypeConfig};
use raft_store::wal::Numbers;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::Instant;
use tracing::Span;

use super::leadership::{Leadership, NotLeader};
use crate::clock::wall_ms;
use crate::limits::*;
use crate::trace::{self, Noted, TARGET};

/// Why a proposal has no replies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProposeError {
    /// It was never appended: this node does not lead. Safe to propose elsewhere.
    #[error("this node does not lead the group")]
    NotLeader(Option<NodeId>),
    /// It was never appended: too much waits already.
    #[error("too many writes are waiting")]
    QueueFull,
    /// It was never appended: no message between nodes could carry it.
    #[error("the write is too large")]
    TooLarge,
    /// It was never appended: a peer sent commands that do not decode.
    #[error("malformed commands: {0}")]
    Malformed(DecodeError),
    /// It may have been appended, and may be applied.
    #[error("{0}")]
    Unknown(String),
}

/// Commands of one group, encoded as they will stand in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) commands: Bytes,
    pub(crate) count: u32,
    /// Whether this program encoded them: what comes from elsewhere is checked before it is proposed.
    encoded_here: bool,
}

impl Batch {
    /// No commands: proposing them moves group time.
    pub(crate) fn tick() -> Self {
        Self { commands: Bytes::new(), count: 0, encoded_here: true }
    }

    /// What another node sent.
    pub(crate) fn received(commands: Bytes, count: u32) -> Self {
        Self { commands, count, encoded_here: false }
    }

    /// Several as one, in their order.
    pub(crate) fn joined<'a>(batches: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let commands: Vec<&[u8]> = batches.clone().map(|batch| &batch.commands[..]).collect();
        Self {
            commands: Bytes::from(commands.concat()),
            count: batches.clone().map(|batch| batch.count).sum(),
            encoded_here: batches.clone().all(|batch| batch.encoded_here),
        }
    }

    pub(crate) fn new<C: Borrow<Command>>(commands: &[C]) -> Self {
        let encoded = encode_commands(commands.iter().map(Borrow::borrow));
        Self { commands: encoded, count: commands.len() as u32, encoded_here: true }
    }

    fn put(&self, packer: &mut Packer) -> Result<(), DecodeError> {
        if !self.encoded_here {
            return packer.push_received(&self.commands, self.count);
        }
        packer.push_encoded(&self.commands, self.count);
        Ok(())
    }
}

pub(super) type Outcome = Result<Replies, ProposeError>;

struct Proposal {
    batch: Batch,
    /// When it began to wait.
    since: Instant,
    /// Of the request it is for, if that is traced.
    span: Span,
    reply: oneshot::Sender<Answered>,
}

/// An outcome, and how long its proposal waited to be packed into an entry.
type Answered = (Outcome, Duration);

/// The entrance to one group's batcher.
#[derive(Debug, Clone)]
pub(crate) struct Batcher {
    queue: mpsc::Sender<Proposal>,
    queued: Arc<Queued>,
}

/// What waits in the queue.
#[derive(Debug, Default)]
struct Queued {
    commands: AtomicUsize,
    bytes: AtomicUsize,
    /// Commands of each entry that left it.
    sizes: Mutex<Numbers>,
}

impl Batcher {
    pub(crate) fn spawn(leadership: Leadership) -> Self {
        let (queue, proposals) = mpsc::channel(PROPOSALS_QUEUED_MAX);
        let queued = Arc::new(Queued::default());
        let worker = Worker {
            leadership,
            proposals,
            queued: queued.clone(),
            in_flight: Arc::new(Semaphore::new(PROPOSALS_IN_FLIGHT_MAX)),
            #[cfg(feature = "mutants")]
            ahead: super::mutants::Ahead::default(),
        };
        tokio::spawn(worker.run());
        Self { queue, queued }
    }

    /// Proposes a batch: its commands are applied in order within one entry, with nothing between them.
    pub(crate) async fn propose(&self, batch: Batch) -> Outcome {
        let (count, bytes) = (batch.count as usize, batch.commands.len());
        if bytes > PROPOSAL_BYTES_MAX {
            return Err(ProposeError::TooLarge);
        }
        if !self.queued.add(count, bytes) {
            return Err(ProposeError::QueueFull);
        }
        let (reply, answered) = oneshot::channel();
        let since = Instant::now();
        let span = if trace::enabled() { Span::current() } else { Span::none() };
        if self.queue.try_send(Proposal { batch, since, span, reply }).is_err() {
            self.queued.remove(count, bytes);
            return Err(ProposeError::QueueFull);
        }
        let (outcome, queued) = answered
            .await
            .unwrap_or_else(|_| (Err(ProposeError::Unknown("the node is stopping".into())), Duration::ZERO));
        trace::note(|Noted { times, .. }| {
            times.queued = times.queued.max(queued);
            times.applied = times.applied.max(since.elapsed().saturating_sub(queued));
        });
        outcome
    }

    /// Numbers of commands in the entries this replica proposed, ticks left out.
    pub(crate) fn sizes(&self) -> Numbers {
        *self.queued.sizes.lock()
    }

    /// Commands waiting, for metrics.
    pub(crate) fn queued(&self) -> usize {
        self.queued.commands.load(Ordering::Relaxed)
    }
}

impl Queued {
    fn add(&self, commands: usize, bytes: usize) -> bool {
        let before = self.commands.fetch_add(commands, Ordering::Relaxed);
        let bytes_before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits =
            before + commands <= PROPOSALS_QUEUED_MAX && bytes_before + bytes <= PROPOSAL_BYTES_QUEUED_MAX;
        if !fits {
            self.remove(commands, bytes);
        }
        fits
    }

    fn remove(&self, commands: usize, bytes: usize) {
        self.commands.fetch_sub(commands, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

struct Worker {
    leadership: Leadership,
    proposals: mpsc::Receiver<Proposal>,
    queued: Arc<Queued>,
    in_flight: Arc<Semaphore>,
    #[cfg(feature = "mutants")]
    ahead: super::mutants::Ahead,
}

/// Who waits for the replies to so many commands of an entry.
pub(super) struct Waiter {
    count: usize,
    queued: Duration,
    span: Span,
    reply: oneshot::Sender<Answered>,
}

pub(super) type Waiters = Vec<Waiter>;

impl Worker {
    async fn run(mut self) {
        while let Some(first) = self.proposals.recv().await {
            let Ok(permit) = self.in_flight.clone().acquire_owned().await else { return };
            self.gather().await;
            match self.leadership.established().await {
                Ok(leader) => self.propose(leader, first, permit).await,
                Err(NotLeader(hint)) => self.refuse(first, &ProposeError::NotLeader(hint)),
            }
        }
    }

    /// Lets whoever proposes in this turn of the scheduler come along: one poll of the sockets wakes many. While more and
    /// more do, the node is busy, and a larger entry saves it more than the turns cost.
    async fn gather(&self) {
        for _ in 0..GATHERING_TURNS_MAX {
            let before = self.proposals.len();
            yield_now().await;
            if self.proposals.len() == before {
                return;
            }
        }
    }

    fn refuse(&mut self, first: Proposal, error: &ProposeError) {
        let mut next = Some(first);
        while let Some(proposal) = next.take().or_else(|| self.proposals.try_recv().ok()) {
            self.note_taken(&proposal);
            let _ = proposal.reply.send((Err(error.clone()), proposal.since.elapsed()));
        }
    }

    fn note_taken(&self, proposal: &Proposal) {
        self.queued.remove(proposal.batch.count as usize, proposal.batch.commands.len());
    }

    /// Counts an entry by its commands, and tells the requests that are traced what they share it with.
    fn account(&self, waiters: &Waiters) {
        let commands: usize = waiters.iter().map(|waiter| waiter.count).sum();
        if commands > 0 {
            self.queued.sizes.lock().record(commands as u64);
        }
        for Waiter { queued, span, .. } in waiters.iter().filter(|waiter| !waiter.span.is_none()) {
            let queued_us = queued.as_micros() as u64;
            span.in_scope(|| tracing::debug!(target: TARGET, entry_commands = commands, queued_us, "batch"));
        }
    }

    async fn propose(&mut self, leader: LeaderId, first: Proposal, permit: OwnedSemaphorePermit) {
        let (entry, waiters) = self.pack(first);
        #[cfg(feature = "mutants")]
        let waiters = self.ahead.answer(leader, &self.leadership.map, &entry, waiters);
        let (responder, outcome) = OneshotResponder::<TypeConfig, ClientWriteResult<TypeConfig>>::new_pair();
        let sent = self.leadership.raft.write(entry).with_leader(leader).responder(responder).await;
        tokio::spawn(async move {
            let outcome = match sent {
                Ok(()) => outcome_of(outcome.await.ok()),
                Err(fatal) => Err(ProposeError::Unknown(fatal.to_string())),
            };
            drop(permit);
            hand_out(outcome, waiters);
        });
    }

    /// Packs `first` and what else waits, as far as one entry goes.
    fn pack(&mut self, first: Proposal) -> (PackedEntry, Waiters) {
        let mut packer = Packer::new();
        let mut waiters = Waiters::new();
        let (now, mut next) = (Instant::now(), Some(first));
        while let Some(proposal) = next.take().or_else(|| self.proposals.try_recv().ok()) {
            self.note_taken(&proposal);
            let Proposal { batch, since, span, reply } = proposal;
            let queued = now.saturating_duration_since(since);
            match batch.put(&mut packer) {
                Ok(()) => waiters.push(Waiter { count: batch.count as usize, queued, span, reply }),
                Err(error) => drop(reply.send((Err(ProposeError::Malformed(error)), queued))),
            }
            if packer.is_full() {
                break;
            }
        }
        self.account(&waiters);
        (packer.finish(self.leadership.applied.clock.now_ms(), wall_ms()), waiters)
    }
}

fn outcome_of(result: Option<ClientWriteResult<TypeConfig>>) -> Outcome {
    match result {
        Some(Ok(response)) => Ok(response.data),
        Some(Err(ClientWriteError::ForwardToLeader(forward))) => {
            Err(ProposeError::NotLeader(forward.leader_id))
        }
        Some(Err(error)) => Err(ProposeError::Unknown(error.to_string())),
        None => Err(ProposeError::Unknown("the group stopped before the write was applied".into())),
    }
}

pub(super) fn hand_out(outcome: Outcome, waiters: Waiters) {
    match outcome {
        Ok(Replies { time_ms, replies }) => {
            let mut replies = replies.into_iter();
            for Waiter { count, queued, span, reply } in waiters {
                let own = Replies { time_ms, replies: replies.by_ref().take(count).collect() };
                if !span.is_none() {
                    span.in_scope(|| tracing::debug!(target: TARGET, time_ms, "apply"));
                }
                let _ = reply.send((Ok(own), queued));
            }
        }
        Err(error) => {
            for Waiter { queued, reply, .. } in waiters {
                let _ = reply.send((Err(error.clone()), queued));
            }
        }
    }
}
