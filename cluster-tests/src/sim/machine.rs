//! One machine: its clocks, its disks, and the process on it, if one runs.
//!
//! The process is real code on a tokio runtime of its own, whose clock is paused: it moves from timer to timer as far as
//! [`Machine::tick`] lets it, and computing takes no time. A crash drops the runtime; what the disks
//! had is kept, or after a loss of power what of it was synced and a random part of the rest.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use quorate::config::Config;
use quorate::node::Node;
use raft_store::key::Key;
use raft_store::map::SlotSet;
use raft_store::simulation::{self, Chance, FaultyDisk, FaultySnapshots, FlushFault};
use raft_store::wal::Disk;
use rand::Rng;
use rand::rngs::StdRng;

use super::ask::{Judged, ask};
use super::client::Request;
use super::clock::{Clock, SECOND};
use super::invariants::{Id, Replica};
use super::net::{NodeNet, Wire};
use super::process::Process;
use super::trace::Trace;

/// How long the log's thread waits before it marks its last batch as synced, and between two tries on a full disk.
const IDLE_NS: u64 = SECOND;

/// Writes of the snapshot store until one fails, at most.
const WRITES_TILL_FAULT: u32 = 10;

/// What runs on a machine.
enum Life {
    Off,
    Runs(Process),
    /// Stopped by SIGSTOP: its clocks go on, it does not.
    Stopped(Process),
}

/// One machine.
pub(super) struct Machine {
    pub(super) number: u64,
    /// How many processes ran here.
    pub(super) starts: u64,
    pub(super) clock: Rc<Clock>,
    pub(super) disk: FaultyDisk,
    pub(super) snapshots: FaultySnapshots,
    /// How long a sync takes, ns: shortest, longest.
    pub(super) sync_ns: (u64, u64),
    pub(super) config: Config,
    life: Life,
    /// When the sync under way is done.
    synced_ns: Option<u64>,
    /// When the log last did something.
    idle_since_ns: u64,
    random: StdRng,
    wire: Wire,
    trace: Trace,
}

impl Machine {
    /// A machine that is off, with empty disks; its identity is kept in `config.data_dir`.
    pub(super) fn new(config: Config, clock: Clock, random: StdRng, wire: Wire, trace: Trace) -> Self {
        Self {
            number: config.id,
            starts: 0,
            clock: Rc::new(clock),
            disk: FaultyDisk::default(),
            snapshots: FaultySnapshots::default(),
            sync_ns: (0, 0),
            config,
            life: Life::Off,
            synced_ns: None,
            idle_since_ns: 0,
            random,
            wire,
            trace,
        }
    }

    /// Starts the process, unless there is one.
    pub(super) fn start(&mut self) {
        if !matches!(self.life, Life::Off) {
            return;
        }
        self.wire.power_on(self.number);
        self.starts += 1;
        let _world = simulation::enter(self.clock.clone());
        self.life = match Process::start(self) {
            Ok(process) => Life::Runs(process),
            Err(error) => {
                self.trace.event(format!("node {} cannot start: {error:#}", self.number));
                Life::Off
            }
        };
        self.synced_ns = None;
    }

    /// kill -9, or with `power_lost` the whole machine.
    pub(super) fn crash(&mut self, power_lost: bool) {
        self.wire.crash(self.number, power_lost);
        // The process must not reach the disks any more, whatever it does while it is dropped.
        let mut chance = Chance(self.random.random());
        self.disk = if power_lost { self.disk.crash(&mut chance) } else { self.disk.after_kill() };
        self.snapshots = self.snapshots.crashed();
        let _world = simulation::enter(self.clock.clone());
        self.clock.stop();
        self.life = Life::Off;
        if power_lost {
            self.clock.power_loss();
        }
    }

    /// SIGSTOP.
    pub(super) fn pause(&mut self) {
        self.life = match std::mem::replace(&mut self.life, Life::Off) {
            Life::Runs(process) => Life::Stopped(process),
            other => other,
        };
    }

    /// SIGCONT.
    pub(super) fn resume(&mut self) {
        self.life = match std::mem::replace(&mut self.life, Life::Off) {
            Life::Stopped(process) => Life::Runs(process),
            other => other,
        };
    }

    /// Whether there is a process, stopped or not.
    pub(super) fn is_up(&self) -> bool {
        !matches!(self.life, Life::Off)
    }

    /// Whether there is a process and it is not stopped.
    pub(super) fn runs(&self) -> bool {
        matches!(self.life, Life::Runs(_))
    }

    /// The node, once the process has started it; also while it is stopped.
    pub(super) fn node(&self) -> Option<&Node> {
        self.process()?.node()
    }

    /// `true_ns` of true time pass, until `now_ns`. `Some`: the process has ended by itself, and why.
    pub(super) fn tick(&mut self, now_ns: u64, true_ns: u64) -> Option<String> {
        let until = self.clock.pass(true_ns)?;
        let _world = simulation::enter(self.clock.clone());
        let Life::Runs(process) = &mut self.life else { return None };
        if self.synced_ns.take_if(|at| *at <= now_ns).is_some() {
            self.trace.add(self.number);
            process.step();
            self.idle_since_ns = now_ns;
        }
        process.run_until(until);
        if self.synced_ns.is_none() && !process.is_idle() {
            self.synced_ns = Some(now_ns + self.random.random_range(self.sync_ns.0..=self.sync_ns.1));
        } else if now_ns >= self.idle_since_ns + IDLE_NS && process.is_idle() {
            process.rest();
            self.idle_since_ns = now_ns;
        }
        process.ended()
    }

    /// Lets work run on the node, if there is one.
    pub(super) fn spawn<F>(&self, work: impl FnOnce(Node) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Some(process) = self.process()
            && let Some(node) = process.node()
        {
            process.spawn(work(node.clone()));
        }
    }

    /// A client's request arrives.
    pub(super) fn receive(&self, request: Request) {
        let Request { asked, timeout, answer, .. } = request;
        if self.node().is_none() {
            let refused = asked.iter().map(|_| Judged::failed("nobody listens".to_owned())).collect();
            // Whoever asked may have given up.
            let _ = answer.send(refused);
            return;
        }
        self.spawn(|node| async move {
            let _ = answer.send(ask(node, asked, timeout).await);
        });
    }

    /// A replica as it is now, without its new entries, its slots and its digest; `None`: none is open here.
    pub(super) fn probe(&self, group: u32) -> Option<Replica> {
        self.process()?.probe(self, group)
    }

    /// A checksum of a replica's whole state.
    pub(super) fn digest(&self, group: u32) -> Option<u64> {
        self.process()?.digest(group)
    }

    /// Slots of `keys` that a replica takes for its group's.
    pub(super) fn slots(&self, group: u32, keys: &[Key]) -> SlotSet {
        self.process().map_or_else(SlotSet::none, |process| process.slots(group, keys))
    }

    /// Ids of the entries from `first` to before `end` that a group's log has.
    pub(super) fn log_ids(&self, group: u32, first: u64, end: u64) -> Vec<Id> {
        self.process().map(|process| process.log_ids(group, first, end)).unwrap_or_default()
    }

    /// What runs here, for people.
    pub(super) fn state(&self) -> &'static str {
        match &self.life {
            Life::Off => "off",
            Life::Runs(process) if process.node().is_none() => "starts",
            Life::Runs(_) => "runs",
            Life::Stopped(_) => "stopped",
        }
    }

    fn process(&self) -> Option<&Process> {
        match &self.life {
            Life::Off => None,
            Life::Runs(process) | Life::Stopped(process) => Some(process),
        }
    }

    /// The disk under the log.
    pub(super) fn log_disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.disk.clone())
    }

    /// The way to the other machines.
    pub(super) fn net(&self) -> Arc<NodeNet> {
        Arc::new(NodeNet::new(self.wire.clone(), self.number))
    }

    /// Asks the disk under the log how many bytes are free.
    pub(super) fn free_bytes(&self) -> Arc<dyn Fn() -> io::Result<u64> + Send + Sync> {
        let disk = self.disk.clone();
        Arc::new(move || disk.free_bytes())
    }

    /// Leaves so many bytes free, on the disk under the log and for snapshots; `None`: no bound.
    pub(super) fn set_room(&mut self, bytes: Option<usize>) {
        self.disk.set_capacity(bytes.map(|bytes| self.disk.used() + bytes));
        self.snapshots.set_capacity(bytes.map(|bytes| self.snapshots.used() + bytes as u64), true);
    }

    /// Lets one of the next writes or flushes of the snapshot store fail.
    pub(super) fn fail_snapshot(&self, random: &mut StdRng) {
        let (nth, kind) = (random.random_range(0..=WRITES_TILL_FAULT), io::ErrorKind::Other);
        match random.random_range(0..3) {
            0 => self.snapshots.fail_write(nth, kind),
            1 => self.snapshots.fail_flush(nth % 2, FlushFault::Before(kind)),
            _ => self.snapshots.fail_flush(nth % 2, FlushFault::After(kind)),
        }
    }
}
