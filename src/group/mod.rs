//! One Raft group on this node: the only layer that calls openraft.
//!
//! Writes go through the `batcher`, reads through shared `reads` rounds, time through the `ticker`.
//! An answer is given only for what openraft has committed and this replica has applied.

mod append_times;
mod appends;
mod applied;
mod batcher;
mod clock;
mod compaction;
mod floor;
mod inbound;
mod leadership;
mod lease;
mod members;
#[cfg(feature = "mutants")]
mod mutants;
mod network;
mod open;
mod outgoing;
mod pace;
mod piggyback;
mod pipeline;
#[cfg(feature = "simulation")]
mod probe;
mod promise;
mod reads;
mod repair;
mod scan;
mod settings;
mod snapshot_receive;
mod snapshot_send;
mod status;
mod succession;
#[cfg(test)]
mod tests;
mod ticker;
pub(crate) mod wire;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use openraft::async_runtime::WatchReceiver as _;
use parking_lot::Mutex;
use raft_store::codec::DecodeError;
use raft_store::command::Replies;
use raft_store::key::Key;
use raft_store::map::Lookup;
use raft_store::raft::{CommitGate, GroupStateMachine, SharedMap, TypeConfig};
use raft_store::snapshot_store::SnapshotStore;
use raft_store::wal::SharedLog;
use raft_store::{GroupId, NodeId, mutant};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::clock::boot_ms;
use crate::limits::READ_ANSWER_BYTES_MAX;
use crate::trace::{self, Noted, TARGET};
use crate::transport::{Answer, Service, Transport};
use batcher::Batcher;
use inbound::Inbound;
use leadership::Leadership;
use outgoing::Outgoing;
use reads::ReadRounds;
use snapshot_receive::SnapshotReceiver;

pub(crate) use append_times::AppendTimes;
pub(crate) use batcher::{Batch, ProposeError};
pub(crate) use floor::{Floor, clear, held};
pub(crate) use members::ChangeError;
pub(crate) use pace::Pace;
#[cfg(feature = "simulation")]
pub use probe::{GroupProbe, MembersProbe, Role, VoteProbe};
pub(crate) use reads::ReadIndexError;
pub(crate) use repair::{Adoption, NeedsSnapshot, Offer, offer, put_offer};
pub(crate) use scan::{Sight, Sought, Survey};
pub(crate) use settings::settings;
pub(crate) use status::{ReplicaStanding, Standing};

pub(crate) type Raft = openraft::Raft<TypeConfig, GroupStateMachine>;
pub(crate) type Metrics = openraft::RaftMetrics<TypeConfig>;

/// What every group of a node shares.
#[derive(Clone)]
pub(crate) struct GroupDeps {
    pub(crate) node: NodeId,
    pub(crate) transport: Transport,
    pub(crate) log: SharedLog,
    pub(crate) snapshots: SnapshotStore,
    pub(crate) raft: Arc<openraft::Config>,
    /// What all snapshots this node sends share.
    pub(crate) pace: Arc<Pace>,
    /// How long followers take.
    pub(crate) appends: Arc<AppendTimes>,
}

impl fmt::Debug for GroupDeps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupDeps(node {})", self.node)
    }
}

impl GroupDeps {
    fn lease(&self) -> Duration {
        Duration::from_millis(self.raft.election_timeout_max)
    }
}

/// Look-ups, and the state they are of: its group time, ms, and the version of its last change. A later state has no
/// smaller one of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lookups {
    pub(crate) time_ms: u64,
    pub(crate) version: u64,
    pub(crate) found: Vec<Lookup>,
}

/// One replica; shared by everything that serves it.
pub(crate) struct Group {
    id: GroupId,
    node: NodeId,
    raft: Raft,
    map: SharedMap,
    log: SharedLog,
    leadership: Leadership,
    batcher: Batcher,
    read_index: ReadRounds,
    lease: ReadRounds,
    inbound: Inbound,
    snapshots: SnapshotReceiver,
    /// Through which this instance's snapshots become current.
    gate: CommitGate,
    outgoing: Arc<Outgoing>,
    /// When a read index confirmed last that this replica was up to date, measured from the round's start by the
    /// boot clock, which counts suspend.
    fresh_at: Mutex<Option<u64>>,
    /// Whether such a round is under way for the sake of local reads.
    refreshing: AtomicBool,
    tasks: Vec<AbortHandle>,
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group({} on node {})", self.id, self.node)
    }
}

impl Group {
    /// The group's number.
    pub(crate) fn id(&self) -> GroupId {
        self.id
    }

    /// Handles a Raft message from a peer.
    pub(crate) fn handle(&self, service: Service, body: Bytes, answer: Answer) -> Result<(), DecodeError> {
        if (wire::SNAPSHOT_BEGIN..=wire::SNAPSHOT_END).contains(&service) {
            self.snapshots.handle(service, body, answer)
        } else {
            self.inbound.handle(service, body, answer)
        }
    }

    /// Proposes commands and waits until they are applied here.
    pub(crate) async fn propose(&self, batch: Batch) -> Result<Replies, ProposeError> {
        self.batcher.propose(batch).await
    }

    /// An index that covers every write acknowledged before the call; from the leader only.
    pub(crate) async fn read_index(&self, lease: bool) -> Result<u64, ReadIndexError> {
        if lease { self.lease.read_index().await } else { self.read_index.read_index().await }
    }

    /// Waits until this replica has applied `index`, confirmed by a round that began at `started_ms` (boot clock).
    pub(crate) async fn caught_up(&self, index: u64, started_ms: u64) -> Result<(), ReadIndexError> {
        if !mutant!(AnswerBeforeApplied) && !self.leadership.progress.reached(index).await {
            return Err(ReadIndexError::NoQuorum("the group is stopping".into()));
        }
        let mut fresh_at = self.fresh_at.lock();
        *fresh_at = (*fresh_at).max(Some(started_ms));
        Ok(())
    }

    /// A linearizable read by the leader. A key whose deadline has passed on the leader's clock but not in
    /// group time yet is read again after a tick, so that no later read can see it alive.
    pub(crate) async fn read(&self, keys: &[Key], lease: bool) -> Result<Lookups, ReadIndexError> {
        self.confirm(lease).await?;
        loop {
            let now_ms = self.now_ms();
            let lookups = self.look_up(keys);
            if !lookups.found.iter().any(|found| is_due(found, now_ms)) {
                return Ok(Lookups { time_ms: lookups.time_ms.max(now_ms), ..lookups });
            }
            self.tick().await?;
        }
    }

    /// Waits until what this leader holds shows every write acknowledged before the call, and its clock is the group's.
    async fn confirm(&self, lease: bool) -> Result<(), ReadIndexError> {
        let (started, asked) = (boot_ms(), Instant::now());
        let index = self.read_index(lease).await?;
        self.caught_up(index, started).await?;
        trace::note(|Noted { times, .. }| times.round = times.round.max(asked.elapsed()));
        tracing::debug!(target: TARGET, index, lease, "round");
        if !mutant!(AnswerBeforeApplied) {
            let established = self.leadership.established().await;
            established.map_err(|leadership::NotLeader(hint)| ReadIndexError::NotLeader(hint))?;
        }
        Ok(())
    }

    /// Moves group time to the leader's clock.
    async fn tick(&self) -> Result<(), ReadIndexError> {
        let ticked = self.propose(Batch::tick()).await;
        ticked.map(drop).map_err(|error| match error {
            ProposeError::NotLeader(hint) => ReadIndexError::NotLeader(hint),
            ProposeError::QueueFull => ReadIndexError::QueueFull,
            other => ReadIndexError::NoQuorum(other.to_string()),
        })
    }

    /// What this replica holds now, however old: as many of the keys, from the first on, as one answer may hold.
    pub(crate) fn look_up(&self, keys: &[Key]) -> Lookups {
        let map = self.map.read();
        let mut bytes = 0;
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            let one = map.get(key);
            #[cfg(feature = "mutants")]
            let one = mutants::by_own_clock(one);
            if let Lookup::Hit(entry) = &one {
                bytes += entry.value.len();
            }
            if bytes > READ_ANSWER_BYTES_MAX && !found.is_empty() {
                break;
            }
            found.push(one);
        }
        Lookups { time_ms: map.time_ms(), version: map.version(), found }
    }

    /// An upper bound on how far behind this replica may be, counted from the start of the last confirmed round, by
    /// the boot clock alone; `None` before the first one.
    pub(crate) fn staleness(&self) -> Option<Duration> {
        // Both times are cut to whole milliseconds, which may hide one.
        self.fresh_at.lock().map(|fresh_at| Duration::from_millis(boot_ms().saturating_sub(fresh_at) + 1))
    }

    /// Whether the caller is the one to renew [`Self::staleness`]; it then calls [`Self::end_refresh`].
    pub(crate) fn begin_refresh(&self) -> bool {
        !self.refreshing.swap(true, Ordering::AcqRel)
    }

    /// Lets the next renewal begin.
    pub(crate) fn end_refresh(&self) {
        self.refreshing.store(false, Ordering::Release);
    }

    /// The newest the leader's clock is known to be, ms: what `expires_in_ms` counts from.
    pub(crate) fn now_ms(&self) -> u64 {
        self.leadership.applied.clock.now_ms()
    }

    /// Wakes when the map's content may have changed.
    pub(crate) async fn content_changed(&self) {
        self.leadership.applied.content_changed.notified().await;
    }

    /// Whether the group's batches leave room; commands waiting.
    pub(crate) fn proposals_queued(&self) -> usize {
        self.batcher.queued()
    }

    /// The map, for reading only.
    pub(crate) fn map(&self) -> &SharedMap {
        &self.map
    }

    /// Stops the replica; its log and snapshots stay.
    pub(crate) async fn shutdown(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        if let Err(error) = self.raft.shutdown().await {
            tracing::warn!(group = self.id, %error, "group did not stop cleanly");
        }
        // It waits for the disk. A panic there is told by its hook.
        let gate = self.gate.clone();
        let _ = raft_store::blocking::run(move || gate.close()).await;
    }
}

fn is_due(found: &Lookup, now_ms: u64) -> bool {
    matches!(found, Lookup::Hit(entry) if entry.deadline.is_some_and(|deadline| deadline <= now_ms))
}

pub(crate) fn metrics_of(raft: &Raft) -> Metrics {
    raft.metrics().borrow_watched().clone()
}
