//! What goes wrong in a simulation, and when it is right again.
//!
//! Which faults there are and how often they come is the [`Plan`]'s; this draws each one's moment, place and length, does it and
//! undoes it. Faults overlap as they fall.

mod change;
mod cut;
mod timed;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

use raft_store::simulation::Fault as DiskFault;

use super::clock::{MS, SECOND};
use super::cluster::Cluster;
use super::net::Link;
use super::plan::Fault;
use super::seed::Seed;

/// Most parts in a million that a clock is fast or slow: far worse than quartz, and well within what a lease allows for.
const DRIFT_PPM_MAX: i64 = 20_000;
/// Longest a slow sync takes, ns.
const SLOW_SYNC_NS: u64 = 300 * MS;
/// Milliseconds in ten years.
const TEN_YEARS_MS: i64 = 315_360_000_000;
/// Largest room left on a disk that is said to be full, bytes.
const LEFT_ON_FULL_DISK: usize = 2 << 20;

/// What ends a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Undo {
    Start(u64),
    Resume(u64),
    Mend(Vec<(u64, u64)>),
    Reach(u64),
    NoDrift(u64),
    Room(u64),
    FastSync(u64),
    /// No end but the second step of [`Fault::ForgetfulVoter`].
    Forget {
        leader: u64,
        voter: u64,
    },
}

/// Does faults, by a plan and a seed.
pub(super) struct Nemesis {
    random: StdRng,
    next_ns: u64,
    undo: BTreeMap<(u64, u64), Undo>,
    done: u64,
    folder: PathBuf,
    /// Machines that lost everything: they stay off.
    pub(super) lost: Vec<u64>,
}

impl Nemesis {
    pub(super) fn new(seed: Seed, folder: &Path) -> Self {
        let (random, folder) = (seed.stream("faults"), folder.to_owned());
        Self { random, next_ns: 0, undo: BTreeMap::new(), done: 0, folder, lost: Vec::new() }
    }

    /// Does what is due now.
    pub(super) fn turn(&mut self, cluster: &mut Cluster) {
        self.end_due(cluster);
        if cluster.now_ns >= self.next_ns {
            let gap_ns = self.random.random_range(0..=2 * cluster.plan.gap_ns);
            self.next_ns = cluster.now_ns + gap_ns;
            let faults = cluster.plan.faults.clone();
            if let Some(&fault) = faults.choose(&mut self.random) {
                self.begin(fault, cluster);
            }
        }
    }

    /// Ends what is due to end, and starts what ended by itself.
    pub(super) fn end_due(&mut self, cluster: &mut Cluster) {
        for (number, _) in std::mem::take(&mut cluster.ended) {
            let lasts_ns = self.random.random_range(0..=cluster.plan.lasts_ns);
            self.later(cluster, lasts_ns, Undo::Start(number));
        }
        while let Some(entry) = self.undo.first_entry()
            && entry.key().0 <= cluster.now_ns
        {
            let undo = entry.remove();
            self.end(undo, cluster);
        }
    }

    /// Everything is right again, but for what is lost.
    pub(super) fn heal(&mut self, cluster: &mut Cluster) {
        self.end_due(cluster);
        let begun = |undo: &Undo| !matches!(undo, Undo::Forget { .. });
        for undo in std::mem::take(&mut self.undo).into_values().filter(begun) {
            self.end(undo, cluster);
        }
        cluster.wire.heal(cluster.plan.link);
        cluster.unreachable.clear();
        for number in cluster.numbers(|machine| !machine.is_up()) {
            self.end(Undo::Start(number), cluster);
        }
    }

    fn later(&mut self, cluster: &Cluster, after_ns: u64, undo: Undo) {
        self.done += 1;
        self.undo.insert((cluster.now_ns + after_ns, self.done), undo);
    }

    fn end(&mut self, undo: Undo, cluster: &mut Cluster) {
        cluster.trace.event(format!("{undo:?}"));
        if let Undo::Forget { leader, voter } = undo {
            return self.forget(cluster, leader, voter);
        }
        if let Undo::Mend(links) = undo {
            let usual = cluster.plan.link;
            return links.into_iter().for_each(|(from, to)| cluster.wire.set_link(from, to, usual));
        }
        let (Undo::Start(number)
        | Undo::Resume(number)
        | Undo::Reach(number)
        | Undo::NoDrift(number)
        | Undo::Room(number)
        | Undo::FastSync(number)) = undo
        else {
            return;
        };
        if matches!(undo, Undo::Reach(_)) {
            return cluster.unreachable.retain(|other| *other != number);
        }
        let usual_sync_ns = cluster.plan.sync_ns;
        let Some(machine) = cluster.machines.get_mut(&number) else { return };
        match undo {
            Undo::Start(_) if self.lost.contains(&number) => {}
            Undo::Start(_) => machine.start(),
            Undo::Resume(_) => machine.resume(),
            Undo::NoDrift(_) => machine.clock.drift(0),
            Undo::Room(_) => machine.set_room(None),
            Undo::FastSync(_) => machine.sync_ns = usual_sync_ns,
            Undo::Mend(_) | Undo::Reach(_) | Undo::Forget { .. } => {}
        }
    }

    fn begin(&mut self, fault: Fault, cluster: &mut Cluster) {
        let up = cluster.numbers(|machine| machine.is_up());
        let Some(&number) = up.choose(&mut self.random) else { return };
        let lasts_ns = self.random.random_range(0..=cluster.plan.lasts_ns);
        cluster.trace.event(format!("{fault:?} (node {number}, {} ms)", lasts_ns / MS));
        match fault {
            Fault::Kill => self.crash(cluster, &[number], false, lasts_ns),
            Fault::PowerLoss => self.crash(cluster, &[number], true, lasts_ns),
            Fault::KillMany => self.crash_many(cluster, up, false, lasts_ns),
            Fault::PowerLossMany => self.crash_many(cluster, up, true, lasts_ns),
            Fault::IsolateLeader
            | Fault::RefuseLeader
            | Fault::Halves
            | Fault::OneWay
            | Fault::Bridge
            | Fault::Ring
            | Fault::SlowLink
            | Fault::ThinLink => self.cut(fault, cluster, number, lasts_ns),
            Fault::ClientLinks => {
                cluster.unreachable.push(number);
                self.later(cluster, lasts_ns, Undo::Reach(number));
            }
            Fault::Reset => drop(cluster.wire.reset_one(&mut self.random)),
            Fault::Transfer | Fault::Snapshot | Fault::Members => self.change(fault, cluster, number),
            Fault::Replace => self.replace(cluster, number),
            Fault::LateAnswers => self.late_answers(cluster),
            Fault::ForgetfulVoter => self.cut_one_voter_off(cluster),
            Fault::Pause
            | Fault::ClockJump
            | Fault::Drift
            | Fault::Suspend
            | Fault::FailedSync
            | Fault::SlowSync
            | Fault::FullDisk
            | Fault::FailedSnapshot => self.hurt(fault, cluster, number, lasts_ns),
        }
    }

    /// Faults of one machine's clocks, disks and process.
    fn hurt(&mut self, fault: Fault, cluster: &mut Cluster, number: u64, lasts_ns: u64) {
        let Some(machine) = cluster.machines.get_mut(&number) else { return };
        let random = &mut self.random;
        let undo = match fault {
            Fault::Pause => {
                machine.pause();
                Undo::Resume(number)
            }
            Fault::ClockJump => {
                let small = random.random_range(-5000..=5000);
                let large = random.random_range(-TEN_YEARS_MS..=TEN_YEARS_MS);
                return machine.clock.jump(if random.random_bool(0.7) { small } else { large });
            }
            Fault::Suspend => return machine.clock.suspend(random.random_range(0..=5 * SECOND)),
            Fault::FailedSync => {
                let fault = DiskFault::Fail(std::io::ErrorKind::Other);
                return machine.disk.fault_at(random.random_range(0..=20), fault);
            }
            Fault::FailedSnapshot => return machine.fail_snapshot(random),
            Fault::Drift => {
                machine.clock.drift(random.random_range(-DRIFT_PPM_MAX..=DRIFT_PPM_MAX));
                Undo::NoDrift(number)
            }
            Fault::SlowSync => {
                machine.sync_ns = (0, SLOW_SYNC_NS);
                Undo::FastSync(number)
            }
            _ => {
                machine.set_room(Some(random.random_range(0..=LEFT_ON_FULL_DISK)));
                Undo::Room(number)
            }
        };
        self.later(cluster, lasts_ns, undo);
    }

    fn crash(&mut self, cluster: &mut Cluster, numbers: &[u64], power_lost: bool, lasts_ns: u64) {
        for &number in numbers {
            if let Some(machine) = cluster.machines.get_mut(&number) {
                machine.crash(power_lost);
            }
            let lasts_ns = self.random.random_range(0..=lasts_ns);
            self.later(cluster, lasts_ns, Undo::Start(number));
        }
    }

    /// A majority, or more.
    fn crash_many(&mut self, cluster: &mut Cluster, mut up: Vec<u64>, power_lost: bool, lasts_ns: u64) {
        up.shuffle(&mut self.random);
        let count = self.random.random_range(up.len() / 2 + 1..=up.len());
        self.crash(cluster, &up[..count], power_lost, lasts_ns);
    }

    /// Another state of cables, for a while.
    fn relink(&mut self, cluster: &Cluster, links: Vec<(u64, u64)>, link: Link, lasts_ns: u64) {
        for &(from, to) in &links {
            cluster.wire.set_link(from, to, link);
        }
        self.later(cluster, lasts_ns, Undo::Mend(links));
    }
}
