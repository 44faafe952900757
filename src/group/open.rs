//! Opens a replica: from log and snapshot to a running Raft, or to word of what is missing.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context as _;
use openraft::RaftLogReader as _;
use parking_lot::Mutex;
use raft_store::raft::{CommitGate, GroupLog, GroupStateMachine, Vote, recovery};
use raft_store::{GroupId, blocking, mutant};

use super::applied::{Applied, Progress};
use super::batcher::Batcher;
use super::inbound::Inbound;
use super::leadership::Leadership;
use super::lease::Embargo;
use super::outgoing::Outgoing;
use super::promise::{Demand, Promises};
use super::reads::{Confirm, ReadRounds};
use super::snapshot_receive::SnapshotReceiver;
use super::succession::{Seat, Succession, Unbidden};
use super::{Floor, Group, GroupDeps, NeedsSnapshot, Raft, floor, network, repair, ticker};
use crate::limits::candidacy_patience;

impl Group {
    /// Recovers a replica from log and snapshots, or makes an empty one, and starts it.
    ///
    /// `floor` is where its log ended when its space was given back last, if it ever was.
    ///
    /// The error is a [`NeedsSnapshot`] when log and vote are whole but the snapshot is not there or is damaged.
    pub(crate) async fn open(
        id: GroupId,
        deps: &GroupDeps,
        floor: Option<Floor>,
    ) -> anyhow::Result<Arc<Self>> {
        let failed = match Self::try_open(id, deps, floor).await {
            Err(error) if !error.is::<NeedsSnapshot>() => error,
            ended => return ended,
        };
        let set_aside = deps.snapshots.current(id)?.is_some();
        let diagnosed = deps.clone();
        match blocking::run(move || repair::diagnose(id, &diagnosed)).await?? {
            Some(need) => Err(need.into()),
            None if set_aside && deps.snapshots.current(id)?.is_none() => {
                Self::try_open(id, deps, floor).await
            }
            None => Err(failed),
        }
    }

    async fn try_open(id: GroupId, deps: &GroupDeps, floor: Option<Floor>) -> anyhow::Result<Arc<Self>> {
        repair::check_snapshot_covers_purge(id, &deps.log, &deps.snapshots)?;
        if let Some(from) = recovery::mend(&deps.log, &deps.snapshots, id).await? {
            tracing::info!(group = id, from, "entries that contradict the snapshot are dropped from the log");
        }
        let floor = match floor::held(id, deps)? {
            held if held >= floor => None,
            _ => floor,
        };
        let mut log = GroupLog::new(&deps.log, id);
        let vote = log.read_vote().await.with_context(|| format!("reading the vote of group {id}"))?;
        let applied = Applied::new();
        let machine = GroupStateMachine::new(id, deps.snapshots.clone(), applied.clone());
        let (map, progress) = (machine.map(), Progress(machine.applied()));
        let (prepared, gate) = (machine.prepared(), machine.gate());
        let outgoing = Arc::new(Outgoing::new(machine.pin()));
        let (demand, unbidden) = (Arc::new(Demand::new()), Arc::new(Unbidden::default()));
        let network = network::GroupNetwork {
            group: id,
            node: deps.node,
            transport: deps.transport.clone(),
            outgoing: outgoing.clone(),
            pace: deps.pace.clone(),
            appends: deps.appends.clone(),
            demand: demand.clone(),
            unbidden: unbidden.clone(),
            submitted: log.submitted(),
        };
        let raft = Raft::build(deps.node, deps.raft.clone(), network, log, machine)
            .await
            .with_context(|| format!("recovering group {id}"))?;
        let embargo = if vote.is_some() && !mutant!(VoteAtOnce) {
            Embargo::after_restart(deps.lease())
        } else {
            Embargo::none()
        };
        embargo.enforce(&raft, floor, &progress);
        raft.run();
        shows(&raft, vote).await.with_context(|| format!("starting group {id}"))?;
        let snapshots = SnapshotReceiver::spawn(id, raft.clone(), deps.snapshots.clone(), prepared);
        let leadership = Leadership::new(raft, applied, progress, map);
        let succession = succession(id, deps, &leadership, (embargo, floor), unbidden);
        let succeed = tokio::spawn(succession.clone().run()).abort_handle();
        let inbound = Inbound::new(leadership.clone(), embargo, succession);
        let mut group = Self::assemble(id, deps, leadership, inbound, (snapshots, gate), (outgoing, demand));
        group.tasks.push(succeed);
        Ok(Arc::new(group))
    }

    fn assemble(
        id: GroupId,
        deps: &GroupDeps,
        leadership: Leadership,
        inbound: Inbound,
        (snapshots, gate): (SnapshotReceiver, CommitGate),
        (outgoing, demand): (Arc<Outgoing>, Arc<Demand>),
    ) -> Self {
        let raft = leadership.raft.clone();
        let batcher = Batcher::spawn(leadership.clone());
        let ticker = tokio::spawn(ticker::run(leadership.clone(), batcher.clone())).abort_handle();
        Self {
            id,
            node: deps.node,
            map: leadership.map.clone(),
            log: deps.log.clone(),
            batcher,
            read_index: ReadRounds::spawn(raft.clone(), Confirm::ReadIndex),
            lease: ReadRounds::spawn(raft.clone(), Confirm::Lease { lease: deps.lease(), demand }),
            inbound,
            snapshots,
            gate,
            outgoing,
            fresh_at: Mutex::new(None),
            refreshing: AtomicBool::new(false),
            tasks: vec![ticker],
            leadership,
            raft,
        }
    }
}

/// What makes the replica stand or vote early.
fn succession(
    group: GroupId,
    deps: &GroupDeps,
    leadership: &Leadership,
    (embargo, floor): (Embargo, Option<Floor>),
    unbidden: Arc<Unbidden>,
) -> Succession {
    let patience = candidacy_patience(deps.raft.election_timeout_min);
    Succession {
        group,
        node: deps.node,
        raft: leadership.raft.clone(),
        transport: deps.transport.clone(),
        promises: Arc::new(Promises::new(deps.lease(), embargo.until())),
        seat: Arc::new(Mutex::new(Seat::new(deps.node, patience))),
        unbidden,
        floor,
        progress: leadership.progress.clone(),
        answer_within: Duration::from_millis(deps.raft.election_timeout_min),
    }
}

/// Waits until openraft shows the vote it started from: its first metrics say term 0, which would be a vote forgotten.
async fn shows(raft: &Raft, vote: Option<Vote>) -> anyhow::Result<()> {
    let term = vote.map_or(0, |vote| vote.leader_id.term);
    let started = raft.wait(None);
    started.metrics(|metrics| metrics.current_term >= term, "the stored vote is in use").await?;
    Ok(())
}
