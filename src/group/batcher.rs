//! Packs the commands that wait into one Raft entry at a time (natural batching: no timer).
//!
//! While an entry is on its way the next ones gather; a bounded number of entries is in flight. A proposal
//! either was never appended ([`ProposeError::NotLeader`], [`ProposeError::QueueFull`]) or its fate is
//! unknown; nothing here proposes twice.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use openraft::errors::ClientWriteError;
use openraft::impls::OneshotResponder;
use openraft::raft::ClientWriteResult;
use raft_store::NodeId;
use raft_store::command::{Command, PackedEntry, Packer, Replies};
use raft_store::raft::{LeaderId, TypeConfig};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::leadership::{Leadership, NotLeader};
use crate::clock::wall_ms;
use crate::limits::*;

/// Why a proposal has no replies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProposeError {
    /// It was never appended: this node does not lead. Safe to propose elsewhere.
    #[error("this node does not lead the group")]
    NotLeader(Option<NodeId>),
    /// It was never appended: too much waits already.
    #[error("too many writes are waiting")]
    QueueFull,
    /// It may have been appended, and may be applied.
    #[error("{0}")]
    Unknown(String),
}

type Outcome = Result<Replies, ProposeError>;

struct Proposal {
    commands: Vec<Command>,
    bytes: usize,
    reply: oneshot::Sender<Outcome>,
}

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
}

impl Batcher {
    pub(crate) fn spawn(leadership: Leadership) -> Self {
        let (queue, proposals) = mpsc::channel(PROPOSALS_QUEUED_MAX);
        let queued = Arc::new(Queued::default());
        let worker = Worker {
            leadership,
            proposals,
            queued: queued.clone(),
            held: VecDeque::new(),
            in_flight: Arc::new(Semaphore::new(PROPOSALS_IN_FLIGHT_MAX)),
        };
        tokio::spawn(worker.run());
        Self { queue, queued }
    }

    /// Proposes commands as one unit: they are applied in order, without others between them unless they
    /// fill more than one entry. No commands make a tick.
    pub(crate) async fn propose(&self, commands: Vec<Command>) -> Outcome {
        let bytes = commands.iter().map(Command::encoded_len).sum();
        let (reply, outcome) = oneshot::channel();
        let count = commands.len();
        if !self.queued.add(count, bytes) {
            return Err(ProposeError::QueueFull);
        }
        if self.queue.try_send(Proposal { commands, bytes, reply }).is_err() {
            self.queued.remove(count, bytes);
            return Err(ProposeError::QueueFull);
        }
        outcome.await.unwrap_or_else(|_| Err(ProposeError::Unknown("the node is stopping".into())))
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
        let fits = before + commands <= PROPOSALS_QUEUED_MAX && bytes_before + bytes <= PROPOSAL_BYTES_QUEUED_MAX;
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
    /// A proposal taken from the queue that did not fit into the entry before.
    held: VecDeque<Proposal>,
    in_flight: Arc<Semaphore>,
}

/// Who waits for which replies of an entry.
type Waiters = Vec<(usize, oneshot::Sender<Outcome>)>;

impl Worker {
    async fn run(mut self) {
        while let Some(first) = self.next().await {
            let Ok(permit) = self.in_flight.clone().acquire_owned().await else { return };
            self.held.push_front(first);
            match self.leadership.established().await {
                Ok(leader) => self.propose(leader, permit).await,
                Err(NotLeader(hint)) => self.refuse_waiting(&ProposeError::NotLeader(hint)),
            }
        }
    }

    async fn next(&mut self) -> Option<Proposal> {
        match self.held.pop_front() {
            Some(proposal) => Some(proposal),
            None => self.proposals.recv().await,
        }
    }

    fn refuse_waiting(&mut self, error: &ProposeError) {
        while let Some(proposal) = self.held.pop_front().or_else(|| self.proposals.try_recv().ok()) {
            self.queued.remove(proposal.commands.len(), proposal.bytes);
            let _ = proposal.reply.send(Err(error.clone()));
        }
    }

    async fn propose(&mut self, leader: LeaderId, permit: OwnedSemaphorePermit) {
        let (entry, waiters) = self.pack();
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

    fn pack(&mut self) -> (PackedEntry, Waiters) {
        let mut packer = Packer::new();
        let mut waiters = Waiters::new();
        while let Some(proposal) = self.held.pop_front().or_else(|| self.proposals.try_recv().ok()) {
            if !packer.is_empty() && !packer.fits(proposal.commands.len(), proposal.bytes) {
                self.held.push_front(proposal);
                break;
            }
            self.queued.remove(proposal.commands.len(), proposal.bytes);
            proposal.commands.iter().for_each(|command| packer.push(command));
            waiters.push((proposal.commands.len(), proposal.reply));
        }
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

fn hand_out(outcome: Outcome, waiters: Waiters) {
    match outcome {
        Ok(Replies { time_ms, replies }) => {
            let mut replies = replies.into_iter();
            for (count, waiter) in waiters {
                let own = Replies { time_ms, replies: replies.by_ref().take(count).collect() };
                let _ = waiter.send(Ok(own));
            }
        }
        Err(error) => {
            waiters.into_iter().for_each(|(_, waiter)| drop(waiter.send(Err(error.clone()))));
        }
    }
}
