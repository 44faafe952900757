//! Plays a plan on a cluster: begins and ends faults at their times, and remembers how to undo each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, ensure};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::events::{Edge, Events};
use super::plan::{Kind, Plan, Planned};
use super::replace::After;
use crate::admin;
use crate::cluster::Cluster;
use crate::workload::Running;

/// How long to look for a leader when one is to be hurt.
const LOOK_TIMEOUT: Duration = Duration::from_millis(300);

/// What ends a fault.
#[derive(Debug)]
pub(super) enum Undo {
    /// Start these nodes.
    Start(Vec<u64>),
    /// Start this node, which was told to end.
    Restart(u64),
    /// Let these go on.
    Resume(Vec<u64>),
    /// Take the layer of this name off the network.
    Mend(u64),
    /// Make these disks good again.
    Disk(Vec<u64>),
    /// The failing disk of this node loses power and is good again.
    FailedDisk(u64),
    /// Set the wall clocks of these right.
    Wall(Vec<u64>),
    /// Replace a node that has left by a new one.
    Replace(u64, After),
    /// Nothing: it ends by itself.
    Itself,
}

/// Whom a fault hits, what undoes it, and more about it for people.
pub(super) type Begun = (Vec<u64>, Undo, String);

/// A fault under way.
#[derive(Debug)]
struct UnderWay {
    kind: Kind,
    nodes: Vec<u64>,
    undo: Undo,
}

/// A cluster and what is being done to it.
pub(super) struct Stage<'a> {
    pub(super) cluster: &'a mut Cluster,
    pub(super) running: &'a Running,
    pub(super) events: Events,
    pub(super) groups: Vec<u64>,
    /// Nodes whose process a fault holds: no other touches it until that ends.
    pub(super) held: BTreeSet<u64>,
    /// Nodes that were told to leave: they may end by themselves.
    pub(super) leaving: BTreeSet<u64>,
    /// Whether the node told last was certainly refused to leave.
    pub(super) refused: Arc<AtomicBool>,
    /// Nodes that have left and came back under their old ids.
    pub(super) ghosts: BTreeSet<u64>,
    /// Changes of members and the like, each with its own time limit.
    pub(super) jobs: JoinSet<()>,
    /// Tasks that starve nodes, by fault.
    pub(super) starving: BTreeMap<u64, JoinSet<()>>,
    under_way: BTreeMap<u64, UnderWay>,
}

impl<'a> Stage<'a> {
    /// A stage on which nothing has happened yet.
    pub(super) async fn new(cluster: &'a mut Cluster, running: &'a Running) -> anyhow::Result<Self> {
        let groups = admin::data_groups(cluster).await?;
        let events = Events::create(cluster.folder(), running.epoch())?;
        Ok(Self {
            cluster,
            running,
            events,
            groups,
            held: BTreeSet::new(),
            leaving: BTreeSet::new(),
            refused: Arc::default(),
            ghosts: BTreeSet::new(),
            jobs: JoinSet::new(),
            starving: BTreeMap::new(),
            under_way: BTreeMap::new(),
        })
    }

    /// Plays all of a plan; faults that would last longer end with it. `begun` counts those that began, by kind.
    pub(super) async fn play(
        &mut self,
        plan: &Plan,
        begun: &mut BTreeMap<String, u64>,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        for (number, at, edge) in agenda(plan) {
            sleep_until(began + at.min(plan.lasts)).await;
            let planned = &plan.faults[number as usize];
            match edge {
                Edge::Begin if self.begin(number, planned).await? => {
                    *begun.entry(planned.kind.name()).or_default() += 1;
                }
                Edge::Begin => {}
                Edge::End => self.end(number).await?,
            }
            self.nobody_ended()?;
        }
        Ok(())
    }

    /// Begins a fault, unless it needs a node that another holds.
    async fn begin(&mut self, number: u64, planned: &Planned) -> anyhow::Result<bool> {
        let mut random = StdRng::seed_from_u64(planned.draw);
        let name = planned.kind.name();
        let begun = self.fault(number, planned, &mut random).await;
        let Some((nodes, undo, detail)) = begun.with_context(|| format!("fault {number}, {name}"))? else {
            return Ok(false);
        };
        self.events.write(Edge::Begin, number, &name, &nodes, detail);
        if !matches!(undo, Undo::Itself) {
            self.under_way.insert(number, UnderWay { kind: planned.kind, nodes, undo });
        }
        Ok(true)
    }

    /// Ends a fault, if it is under way.
    async fn end(&mut self, number: u64) -> anyhow::Result<()> {
        let Some(UnderWay { kind, nodes, undo }) = self.under_way.remove(&number) else { return Ok(()) };
        let name = kind.name();
        self.starving.remove(&number);
        let ended = self.undo(undo).await;
        let detail = ended.with_context(|| format!("end of fault {number}, {name}"))?;
        self.events.write(Edge::End, number, &name, &nodes, detail);
        Ok(())
    }

    /// Ends everything that is under way.
    pub(super) async fn end_all(&mut self) -> anyhow::Result<()> {
        while let Some(&number) = self.under_way.keys().next() {
            self.end(number).await?;
        }
        Ok(())
    }

    /// An error if a node ended that nothing was done to.
    pub(super) fn nobody_ended(&mut self) -> anyhow::Result<()> {
        for id in self.cluster.ids() {
            if self.held.contains(&id) {
                continue;
            }
            let ended = self.cluster.try_exited(id)?;
            ensure!(ended.is_none() || self.leaving.contains(&id), "node {id} ended by itself: {ended:?}");
        }
        Ok(())
    }

    /// Whether a node runs and no fault holds it.
    pub(super) fn is_free(&self, id: u64) -> bool {
        !self.held.contains(&id) && !self.leaving.contains(&id) && self.cluster.runs(id)
    }

    /// Running nodes that no fault holds, in random order; half the time a group's leader comes first.
    pub(super) async fn free(&self, random: &mut StdRng) -> Vec<u64> {
        let mut ids: Vec<u64> = self.cluster.ids().into_iter().filter(|&id| self.is_free(id)).collect();
        self.order(&mut ids, random).await;
        ids
    }

    /// Every node, in the same order.
    pub(super) async fn everyone(&self, random: &mut StdRng) -> Vec<u64> {
        let mut ids = self.cluster.ids();
        self.order(&mut ids, random).await;
        ids
    }

    async fn order(&self, ids: &mut [u64], random: &mut StdRng) {
        ids.shuffle(random);
        if !random.random::<bool>() {
            return;
        }
        let group = self.groups.choose(random).copied().unwrap_or(0);
        let leader = self.leader(group).await;
        if let Some(at) = ids.iter().position(|id| Some(*id) == leader) {
            ids.swap(0, at);
        }
    }

    /// Whom any node that answers at once takes for a group's leader.
    async fn leader(&self, group: u64) -> Option<u64> {
        let looks = self.cluster.endpoints().into_iter().map(async |(_, node)| {
            let view = timeout(LOOK_TIMEOUT, admin::vote(node, group)).await.ok()?.ok()?;
            Some((view.summary.term, view.summary.leader?))
        });
        let views = futures_util::future::join_all(looks).await;
        views.into_iter().flatten().max().map(|(_, leader)| leader)
    }
}

/// Beginnings and ends by time.
fn agenda(plan: &Plan) -> Vec<(u64, Duration, Edge)> {
    let mut all: Vec<(u64, Duration, Edge)> = Vec::new();
    for (number, fault) in (0..).zip(&plan.faults) {
        all.push((number, fault.at, Edge::Begin));
        all.push((number, fault.at + fault.lasts, Edge::End));
    }
    all.sort_by_key(|(_, at, _)| *at);
    all
}
