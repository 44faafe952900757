//! A new leader before openraft's timers ask for one: when a majority of the voters sees that the leader is gone.
//!
//! openraft waits for a lease and an election timeout. A voter whose node finds the leader's node gone (its connections
//! are closed and refused, or it has been silent for some pulses: `transport::Health`) asks the other voters whether they see the
//! same and would vote for it; with a majority it stands at once. So one broken cable deposes nobody, as with pre-votes, and no
//! term is used up in vain.
//!
//! The evidence may be false, and nothing that must hold rests on it: any election is safe in Raft, and leases are
//! safe since no vote passes while one is promised ([`Promises`]). Where leases are in use a new leader comes when
//! they run out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use openraft::RaftState;
use openraft::async_runtime::WatchReceiver as _;
use raft_store::codec::{DecodeError, Decoder, put_option, put_u64};
use raft_store::raft::{LeaderId, LogId, TypeConfig, messages};
use raft_store::{GroupId, NodeId};

use super::applied::Progress;
use super::floor::Floor;
use super::promise::{Passing, Promises};
use super::{Metrics, Raft, metrics_of, wire};
use crate::limits::{SUCCESSION_RETRY_MAX, SUCCESSION_RETRY_MIN, SUCCESSION_STAGGER};
use crate::transport::{Health, Lane, Transport};

/// The question of a voter that wants to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Poll {
    /// The leadership that it sees gone.
    pub(super) leader: LeaderId,
    /// The last entry in its log.
    pub(super) last: Option<LogId>,
}

impl Poll {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_u64(out, self.leader.term);
        put_u64(out, self.leader.node_id);
        put_option(out, self.last.as_ref(), messages::put_log_id);
    }

    pub(super) fn read(input: &mut Decoder) -> Result<Self, DecodeError> {
        let leader = LeaderId { term: input.u64()?, node_id: input.u64()? };
        Ok(Self { leader, last: input.option(messages::log_id)? })
    }
}

/// One replica's part in it.
#[derive(Debug, Clone)]
pub(super) struct Succession {
    pub(super) group: GroupId,
    /// This node.
    pub(super) node: NodeId,
    pub(super) raft: Raft,
    pub(super) transport: Transport,
    pub(super) promises: Arc<Promises>,
    /// Where the log ended when its space was given back last: it votes and stands only from there on.
    pub(super) floor: Option<Floor>,
    pub(super) progress: Progress,
    /// How long a voter may take to answer.
    pub(super) answer_within: Duration,
}

impl Succession {
    /// Stands whenever a majority sees the leader gone; for ever.
    pub(super) async fn run(self) {
        let mut changes = self.transport.watch_health();
        while changes.changed().await.is_ok() {
            if let Some(leader) = self.gone_leader() {
                tokio::time::sleep(SUCCESSION_STAGGER * self.turn(leader)).await;
                self.succeed().await;
            }
        }
    }

    /// Whose turn it is to stand first: another voter's for each group, so that they neither all stand at once nor does one
    /// come to lead everything. Not drawn, so that it does not matter in which order groups hear of it.
    fn turn(&self, leader: LeaderId) -> u32 {
        let metrics = metrics_of(&self.raft);
        let heirs = metrics.membership_config.voter_ids().filter(|voter| *voter != leader.node_id);
        let heirs: BTreeSet<NodeId> = heirs.collect();
        let place = heirs.iter().take_while(|heir| **heir != self.node).count();
        (place as u32 + self.group) % heirs.len().max(1) as u32
    }

    /// Tries to stand for as long as the leader seems gone.
    async fn succeed(&self) {
        let mut pause = SUCCESSION_RETRY_MIN;
        while let Some(leader) = self.gone_leader() {
            if let Some(until) = self.promises.until() {
                tokio::time::sleep_until(until).await;
                continue;
            }
            if self.may_stand() && self.is_wanted(leader).await {
                self.stand(leader).await;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SUCCESSION_RETRY_MAX);
        }
    }

    /// The leader this replica follows, if its node seems gone.
    fn gone_leader(&self) -> Option<LeaderId> {
        let metrics = self.raft.server_metrics();
        let vote = metrics.borrow_watched().vote;
        let leader = vote.leader_id;
        (vote.committed && self.is_gone(leader.node_id)).then_some(leader)
    }

    fn is_gone(&self, node: NodeId) -> bool {
        self.transport.health(node).as_ref().is_some_and(Health::is_gone)
    }

    fn may_stand(&self) -> bool {
        let votes = metrics_of(&self.raft).membership_config.voter_ids().any(|voter| voter == self.node);
        votes && self.floor.is_none_or(|floor| self.progress.is_at(floor))
    }

    /// Asks the other voters; whether a majority of each configuration would follow.
    async fn is_wanted(&self, leader: LeaderId) -> bool {
        let Ok(last) = self.last_log().await else { return false };
        let metrics = metrics_of(&self.raft);
        let others = |voter: &NodeId| *voter != self.node && *voter != leader.node_id;
        let body = wire::body(self.group, |out| Poll { leader, last }.put(out));
        let mut asked: FuturesUnordered<_> = metrics
            .membership_config
            .voter_ids()
            .filter(others)
            .map(|voter| {
                let call =
                    self.transport.call(voter, Lane::Control, wire::POLL, body.clone(), self.answer_within);
                async move { call.await.is_ok_and(|answer| answer[..] == YES).then_some(voter) }
            })
            .collect();
        let mut agree = BTreeSet::from([self.node]);
        while !is_majority(&agree, &metrics) {
            match asked.next().await {
                Some(voter) => agree.extend(voter),
                None => return false,
            }
        }
        true
    }

    async fn last_log(&self) -> Result<Option<LogId>, openraft::errors::Fatal<TypeConfig>> {
        self.raft.with_raft_state(|state: &RaftState<TypeConfig>| state.log_ids.last().copied()).await
    }

    /// Stands for election, unless something is promised or another leader has come meanwhile.
    async fn stand(&self, leader: LeaderId) {
        let Some(_passing) = self.promises.pass() else { return };
        if self.gone_leader() != Some(leader) {
            return;
        }
        tracing::info!(
            group = self.group,
            gone = leader.node_id,
            "the leader seems gone, standing for election"
        );
        // Messages to openraft are taken in order, so it has voted for itself when the second is answered.
        let stood = async {
            self.raft.trigger().elect(false).await?;
            self.raft.with_raft_state(|_| ()).await
        };
        if let Err(error) = stood.await {
            tracing::debug!(group = self.group, %error, "not stood");
        }
        let moved_on = |metrics: &Metrics| metrics.vote.leader_id != leader;
        // It need not come true: openraft does not stand where it has no vote.
        let _ = self.raft.wait(Some(self.answer_within)).metrics(moved_on, "a vote of its own").await;
    }

    /// Whether this voter sees the same leader gone and would vote for who asks.
    pub(super) async fn would_follow(&self, poll: &Poll) -> bool {
        let floor_ok = self.floor.is_none_or(|floor| poll.last.map(Floor::from) >= Some(floor));
        let agrees = self.gone_leader() == Some(poll.leader) && self.promises.until().is_none();
        floor_ok && agrees && self.last_log().await.is_ok_and(|own| poll.last >= own)
    }

    /// Lets a vote pass in spite of openraft's lease, since the leader seems gone and nothing is promised.
    pub(super) fn release(&self) -> Option<Passing> {
        self.gone_leader().and_then(|_| self.promises.pass())
    }
}

/// The answers to a poll.
pub(super) const YES: [u8; 1] = [1];
pub(super) const NO: [u8; 1] = [0];

fn is_majority(agree: &BTreeSet<NodeId>, metrics: &Metrics) -> bool {
    let configs = metrics.membership_config.membership().get_joint_config();
    configs.iter().all(|voters| voters.intersection(agree).count() > voters.len() / 2)
}
