//! A new leader before openraft's timers ask for one: when a majority of the voters sees that the leader is gone.
//!
//! openraft waits for a lease and an election timeout. A voter whose node finds the leader's node gone (its connections
//! are closed and refused, or it has been silent for some pulses: `transport::Health`) asks the other voters whether they see the
//! same and would vote for it; with a majority it stands at once. So one broken cable deposes nobody, as with pre-votes, and no
//! term is used up in vain.
//!
//! Voters see a leader gone one after another and may stand at the same time. Of two in one term one wins; but one that
//! stood after it had granted its vote would depose who was just elected, a term further, with a log too short to be
//! elected itself. So openraft is asked to stand only if the vote is still the one the others were asked about
//! ([`Unbidden`]). A candidacy may fail all the same, as a vote gets lost or a voter heard the leader once more: then a
//! voter asks again when that candidacy has had its time ([`Seat`]), and not when openraft's timers would.
//!
//! The evidence may be false, and nothing that must hold rests on it: any election is safe in Raft, and leases are
//! safe since no vote passes while one is promised ([`Promises`]). Where leases are in use a new leader comes when
//! they run out.

mod seat;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use openraft::RaftState;
use openraft::async_runtime::WatchReceiver as _;
use openraft::errors::Fatal;
use openraft::raft::{TransferLeaderRequest, VoteRequest};
use parking_lot::{Mutex, MutexGuard};
use raft_store::codec::{DecodeError, Decoder, put_option, put_u64};
use raft_store::raft::{LeaderId, LogId, TypeConfig, Vote, messages};
use raft_store::{GroupId, NodeId};
use tokio::time::Instant;

pub(super) use self::seat::{Seat, Vacancy};
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
    pub(super) seat: Arc<Mutex<Seat>>,
    pub(super) unbidden: Arc<Unbidden>,
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
            if let Some(vacancy) = self.vacancy() {
                tokio::time::sleep(self.stagger(vacancy.leader)).await;
                self.succeed().await;
            }
        }
    }

    /// Whose turn it is to stand first: another voter's for each group, so that they neither all stand at once nor does one
    /// come to lead everything. Not drawn, so that it does not matter in which order groups hear of it.
    fn stagger(&self, leader: LeaderId) -> Duration {
        let metrics = metrics_of(&self.raft);
        let heirs = metrics.membership_config.voter_ids().filter(|voter| *voter != leader.node_id);
        let heirs: BTreeSet<NodeId> = heirs.collect();
        let place = heirs.iter().take_while(|heir| **heir != self.node).count();
        SUCCESSION_STAGGER * ((place as u32 + self.group) % heirs.len().max(1) as u32)
    }

    /// Tries to stand for as long as the leader seems gone.
    async fn succeed(&self) {
        let mut pause = SUCCESSION_RETRY_MIN;
        while let Some(vacancy) = self.vacancy() {
            if let Some(until) = self.promises.until() {
                tokio::time::sleep_until(until).await;
                continue;
            }
            if !vacancy.is_open() {
                tokio::time::sleep_until(vacancy.opens + self.stagger(vacancy.leader)).await;
                pause = SUCCESSION_RETRY_MIN;
                continue;
            }
            if self.may_stand() && self.is_wanted(vacancy.leader).await {
                self.stand(vacancy).await;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SUCCESSION_RETRY_MAX);
        }
    }

    /// The leadership that is to be succeeded: its leader's node seems gone, and nobody was elected since.
    pub(super) fn vacancy(&self) -> Option<Vacancy> {
        let vacancy = self.seen().vacancy();
        vacancy.filter(|vacancy| self.is_gone(vacancy.leader.node_id))
    }

    /// The seat, with the vote there is now.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seat> {
        let mut seat = self.seat.lock();
        // Read under the lock, so that no older vote is seen after a newer one.
        let vote = self.raft.server_metrics().borrow_watched().vote;
        seat.see(vote, Instant::now());
        seat
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

    async fn last_log(&self) -> Result<Option<LogId>, Fatal<TypeConfig>> {
        self.raft.with_raft_state(|state: &RaftState<TypeConfig>| state.log_ids.last().copied()).await
    }

    /// Stands for election, unless something is promised or the vote is another one meanwhile.
    pub(super) async fn stand(&self, vacancy: Vacancy) {
        let Some(_passing) = self.promises.pass() else { return };
        let Vacancy { leader, vote, .. } = vacancy;
        if self.vacancy() != Some(vacancy) {
            return;
        }
        let (group, gone) = (self.group, leader.node_id);
        tracing::info!(
            group,
            gone,
            term = vote.leader_id.term,
            "the leader seems gone, standing for election"
        );
        if let Err(error) = self.ask_to_stand(vote).await {
            tracing::debug!(group, %error, "not stood");
        }
        let moved_on = |metrics: &Metrics| metrics.vote != vote;
        // It need not come true: openraft may be stopping.
        let _ = self.raft.wait(Some(self.answer_within)).metrics(moved_on, "a vote of its own").await;
    }

    /// Has openraft stand if its vote is still this one.
    pub(super) async fn ask_to_stand(&self, vote: Vote) -> Result<(), Fatal<TypeConfig>> {
        self.unbidden.stand(vote.leader_id.term + 1);
        let if_unchanged = TransferLeaderRequest::new(vote, self.node, None);
        // That it was taken is all the first answer says.
        let _ = self.raft.handle_transfer_leader(if_unchanged).await?;
        // Messages are taken in order, so it has voted for itself when the second is answered.
        self.raft.with_raft_state(|_| ()).await
    }

    /// Whether this voter sees the same leader gone and would vote for who asks.
    pub(super) async fn would_follow(&self, poll: &Poll) -> bool {
        let floor_ok = self.floor.is_none_or(|floor| poll.last.map(Floor::from) >= Some(floor));
        let agrees = self.vacancy().is_some_and(|vacancy| vacancy.leader == poll.leader && vacancy.is_open());
        let may_vote = floor_ok && agrees && self.promises.until().is_none();
        may_vote && self.last_log().await.is_ok_and(|own| poll.last >= own)
    }

    /// Lets a vote pass in spite of openraft's lease, since the leader seems gone and nothing is promised. There is no
    /// such lease once another vote was granted.
    pub(super) fn release(&self) -> Option<Passing> {
        self.vacancy().filter(|vacancy| vacancy.vote.committed).and_then(|_| self.promises.pass())
    }
}

/// Candidacies that no leader asked for.
///
/// openraft stands on condition of its vote in one way only, when a leader hands its leadership over, and a voter grants
/// such a request whatever it has promised. So what is asked of the voters here must not look like one.
#[derive(Debug, Default)]
pub(super) struct Unbidden(AtomicU64);

impl Unbidden {
    /// Notes that this replica is about to stand in `term` by itself; a hand-over in that term or an earlier one would
    /// come too late anyway.
    fn stand(&self, term: u64) {
        self.0.fetch_max(term, Ordering::AcqRel);
    }

    /// The request as the voters may get it.
    pub(super) fn plain(&self, mut request: VoteRequest<TypeConfig>) -> VoteRequest<TypeConfig> {
        request.leadership_transfer &= request.vote.leader_id.term > self.0.load(Ordering::Acquire);
        request
    }
}

/// The answers to a poll.
pub(super) const YES: [u8; 1] = [1];
pub(super) const NO: [u8; 1] = [0];

fn is_majority(agree: &BTreeSet<NodeId>, metrics: &Metrics) -> bool {
    let configs = metrics.membership_config.membership().get_joint_config();
    configs.iter().all(|voters| voters.intersection(agree).count() > voters.len() / 2)
}

#[cfg(test)]
mod tests {
    use raft_store::raft::Vote;

    use super::*;

    #[test]
    fn only_a_leader_that_hands_over_overrides_leases() {
        let asked = |unbidden: &Unbidden, term| {
            let request =
                VoteRequest { leadership_transfer: true, ..VoteRequest::new(Vote::new(term, 1), None) };
            unbidden.plain(request).leadership_transfer
        };
        let unbidden = Unbidden::default();
        assert!(asked(&unbidden, 1));
        unbidden.stand(7);
        unbidden.stand(6);
        assert!(!asked(&unbidden, 6) && !asked(&unbidden, 7) && asked(&unbidden, 8));
    }
}
