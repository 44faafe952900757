//! One simulation from beginning to end: a phase with faults, in which only safety counts, then everything is healed and
//! the cluster has to come back, then the clients' history is judged.

use std::path::Path;

use super::client::SHOWN_EXPIRED;
use super::clock::SECOND;
use super::cluster::Cluster;
use super::faults::Nemesis;
use super::outcome::{Options, Violation};
use super::plan::Plan;
use super::seed::Seed;
use super::trace::Trace;
use super::watch::Watch;
use super::{liveness, panics};
use crate::checker;
use crate::history::Operation;

/// How long a cluster may take to found itself when nothing is wrong, ns of simulated time.
const FOUNDED_WITHIN_NS: u64 = 30 * SECOND;
/// How long clients may wait for their last answers, ns of simulated time.
const QUIET_WITHIN_NS: u64 = 10 * SECOND;

/// A simulation under way.
pub(super) struct Run {
    pub(super) cluster: Cluster,
    nemesis: Nemesis,
    watch: Watch,
}

impl Run {
    pub(super) fn new(seed: Seed, options: &Options, folder: &Path, trace: Trace) -> Self {
        let plan = Plan::draw(seed, options.seconds).focused(options.focus);
        trace.event(format!("{plan:?}"));
        let watch = Watch::new(&plan);
        let cluster = Cluster::new(seed, plan, folder, trace);
        Self { cluster, nemesis: Nemesis::new(seed, folder), watch }
    }

    /// Everything.
    pub(super) fn run_to_the_end(&mut self) -> Result<(), Violation> {
        self.found()?;
        let until_ns = self.cluster.now_ns + self.cluster.plan.faults_ns;
        while self.cluster.now_ns < until_ns {
            self.nemesis.turn(&mut self.cluster);
            self.tick()?;
        }
        self.nemesis.heal(&mut self.cluster);
        self.cluster.trace.event("healed");
        self.cluster.clients_go_on = false;
        self.until("clients got their last answers", QUIET_WITHIN_NS, |cluster| cluster.quiet())?;
        liveness::check(self)?;
        judge(&self.cluster.history)
    }

    /// Machines start; unless faults come from the beginning, the cluster is founded before the first.
    fn found(&mut self) -> Result<(), Violation> {
        self.cluster.machines.values_mut().for_each(super::machine::Machine::start);
        if self.cluster.plan.rough_start {
            return Ok(());
        }
        self.until("the cluster founded itself", FOUNDED_WITHIN_NS, liveness::has_leaders)
    }

    /// One tick, after which every invariant holds.
    pub(super) fn tick(&mut self) -> Result<(), Violation> {
        // A process that ended by itself is started again, as an init system does it.
        self.nemesis.end_due(&mut self.cluster);
        self.cluster.tick();
        if let Some(detail) = panics::take() {
            return Err(Violation::new("panic", detail));
        }
        self.watch.look(&self.cluster)
    }

    /// Lets time pass until `done`, at most `within_ns`.
    pub(super) fn until(
        &mut self,
        what: &str,
        within_ns: u64,
        mut done: impl FnMut(&mut Cluster) -> bool,
    ) -> Result<(), Violation> {
        let until_ns = self.cluster.now_ns + within_ns;
        while !done(&mut self.cluster) {
            if self.cluster.now_ns >= until_ns {
                let detail =
                    format!("not within {} s: {what}; {}", within_ns / SECOND, self.cluster.describe());
                return Err(Violation::new("liveness", detail));
            }
            self.tick()?;
        }
        Ok(())
    }
}

/// Judges what clients saw.
fn judge(history: &[Operation]) -> Result<(), Violation> {
    if let Some(shown) = history.iter().find(|operation| operation.error.starts_with(SHOWN_EXPIRED)) {
        return Err(Violation::new("shown-expired", checker::describe(shown)));
    }
    let verdict = checker::check(history);
    match verdict.violations.first() {
        Some(first) => Err(Violation::new("history", format!("{:?} {verdict}", first.kind))),
        // The search gave up: not shown to be wrong.
        None => Ok(()),
    }
}
