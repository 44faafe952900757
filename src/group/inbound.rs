//! Raft messages from peers into one group's replica.
//!
//! Appends keep their order of arrival and are pipelined: the next is handed to Raft while earlier ones
//! wait for the disk. Votes are guarded by [`Embargo`], [`Floor`] and, where openraft would refuse them for a lease that nobody
//! wants, by [`Succession`].

use std::time::Duration;

use bytes::Bytes;
use openraft::raft::{AppendEntriesRequest, TransferLeaderRequest, VoteRequest, VoteResponse};
use parking_lot::Mutex;
use raft_store::NodeId;
use raft_store::codec::{DecodeError, Decoder};
use raft_store::raft::{LeaderId, LogId, Payload, RaftEntry, TypeConfig, Vote, messages};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::applied::Progress;
use super::floor::Floor;
use super::leadership::Leadership;
use super::lease::Embargo;
use super::pipeline::Pipeline;
use super::succession::{self, Poll, Succession};
use super::{Raft, wire};
use crate::limits::APPENDS_QUEUED_MAX;
use crate::transport::{Answer, Service};

type Append = (AppendEntriesRequest<TypeConfig>, Answer);

/// Takes the Raft messages of one group.
#[derive(Debug)]
pub(crate) struct Inbound {
    raft: Raft,
    embargo: Embargo,
    floor: Option<Floor>,
    progress: Progress,
    pub(super) succession: Succession,
    appends: mpsc::Sender<Append>,
    heard: Mutex<Option<Heard>>,
}

/// The last append, heartbeats included.
#[derive(Debug, Clone, Copy)]
struct Heard {
    leader: LeaderId,
    at: Instant,
    /// The furthest its leader said was committed.
    committed: Option<LogId>,
}

impl Inbound {
    pub(super) fn new(leadership: Leadership, embargo: Embargo, succession: Succession) -> Self {
        let (appends, queue) = mpsc::channel(APPENDS_QUEUED_MAX);
        let (raft, progress) = (leadership.raft.clone(), leadership.progress.clone());
        tokio::spawn(apply_appends(leadership, queue));
        let floor = succession.floor;
        Self { raft, embargo, floor, progress, succession, appends, heard: Mutex::default() }
    }

    /// Handles one message; a malformed one is reported and left unanswered.
    pub(crate) fn handle(&self, service: Service, body: Bytes, answer: Answer) -> Result<(), DecodeError> {
        match service {
            wire::APPEND => {
                let (asks, mut request) =
                    wire::decode(body, |input| Ok((input.bool()?, messages::append(input)?)))?;
                request.entries.iter_mut().for_each(detach);
                self.hear(&request);
                if asks && !self.succession.promises.promise() {
                    return Ok(());
                }
                // A full queue drops the answer: the leader sees a lost call and slows down.
                let _ = self.appends.try_send((request, answer));
            }
            wire::VOTE => self.vote(wire::decode(body, messages::vote_request)?, answer, false),
            wire::PRE_VOTE => self.vote(wire::decode(body, messages::vote_request)?, answer, true),
            wire::TRANSFER => self.transfer(wire::decode(body, transfer_request)?, answer),
            wire::POLL => self.poll(wire::decode(body, Poll::read)?, answer),
            other => return Err(DecodeError::Unknown { what: "Raft service", value: other.into() }),
        }
        Ok(())
    }

    fn hear(&self, request: &AppendEntriesRequest<TypeConfig>) {
        let leader = request.vote.leader_id;
        let mut heard = self.heard.lock();
        let before = heard.filter(|heard| heard.leader == leader).and_then(|heard| heard.committed);
        *heard = Some(Heard { leader, at: Instant::now(), committed: request.leader_commit.max(before) });
    }

    /// How long ago a leader was last heard from, heartbeats included; `None`: never since the start.
    pub(crate) fn silence_of(&self, leader: NodeId) -> Option<Duration> {
        self.heard_of(leader).map(|heard| heard.at.elapsed())
    }

    /// The leadership a leader was last heard in, and what it said was committed.
    pub(crate) fn word_of(&self, leader: NodeId) -> Option<(LeaderId, Option<LogId>)> {
        self.heard_of(leader).map(|heard| (heard.leader, heard.committed))
    }

    fn heard_of(&self, leader: NodeId) -> Option<Heard> {
        self.heard.lock().filter(|heard| heard.leader.node_id == leader)
    }

    fn vote(&self, mut request: VoteRequest<TypeConfig>, answer: Answer, pre: bool) {
        let raft = self.raft.clone();
        let promised = self.embargo.holds() && !request.leadership_transfer;
        if promised || self.floor.is_some_and(|floor| request.last_log_id.map(Floor::from) < Some(floor)) {
            answer.send(encode_vote(&refusal(&raft)));
            return;
        }
        let passing = if pre || request.leadership_transfer { None } else { self.succession.release() };
        request.leadership_transfer |= passing.is_some();
        tokio::spawn(async move {
            let _passing = passing;
            let response = if pre { raft.pre_vote(request).await } else { raft.vote(request).await };
            match response {
                Ok(response) => answer.send(encode_vote(&response)),
                Err(error) => tracing::debug!(%error, "vote request not answered"),
            }
        });
    }

    fn poll(&self, poll: Poll, answer: Answer) {
        let succession = self.succession.clone();
        tokio::spawn(async move {
            let follows = succession.would_follow(&poll).await;
            answer.send(Bytes::from_static(if follows { &succession::YES } else { &succession::NO }));
        });
    }

    fn transfer(&self, request: TransferLeaderRequest<TypeConfig>, answer: Answer) {
        if self.floor.is_some_and(|floor| !self.progress.is_at(floor)) {
            return;
        }
        let raft = self.raft.clone();
        tokio::spawn(async move {
            match raft.handle_transfer_leader(request).await {
                Ok(_) => answer.send(Bytes::new()),
                Err(error) => tracing::debug!(%error, "leadership transfer not taken"),
            }
        });
    }
}

async fn apply_appends(leadership: Leadership, mut queue: mpsc::Receiver<Append>) {
    let mut pipeline = Pipeline::new();
    loop {
        tokio::select! {
            biased;
            next = queue.recv(), if pipeline.len() < APPENDS_QUEUED_MAX => match next {
                Some((request, answer)) => {
                    let raft = leadership.raft.clone();
                    pipeline.begin(async move { (raft.append_entries(request).await, answer) }).await;
                }
                None => return,
            },
            Some((response, answer)) = pipeline.next() => match response {
                Ok(response) => {
                    if response.is_success() {
                        leadership.applied.clock.heard_other_leader();
                    }
                    answer.send(wire::encode(|out| messages::put_append_response(out, &response)));
                }
                Err(error) => tracing::debug!(%error, "append not answered"),
            },
        }
    }
}

/// The log keeps entries in memory for a while; they must not keep the connection's read buffers with them.
fn detach(entry: &mut RaftEntry) {
    if let Payload::Normal(packed) = &mut entry.payload {
        *packed = packed.clone().detached();
    }
}

fn refusal(raft: &Raft) -> VoteResponse<TypeConfig> {
    let vote: Vote = super::metrics_of(raft).vote;
    VoteResponse::new(vote, None, false)
}

fn encode_vote(response: &VoteResponse<TypeConfig>) -> Bytes {
    wire::encode(|out| messages::put_vote_response(out, response))
}

fn transfer_request(input: &mut Decoder) -> Result<TransferLeaderRequest<TypeConfig>, DecodeError> {
    let from = messages::vote(input)?;
    let to = input.u64()?;
    Ok(TransferLeaderRequest::new(from, to, input.option(messages::log_id)?))
}
