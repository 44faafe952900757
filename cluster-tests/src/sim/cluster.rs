//! The whole simulated world: machines, cables, clients; and how a tick of true time passes over them.
//!
//! In each tick first what is due arrives, then machines run one after the other, in an order drawn anew, until the tick's
//! end. So two machines never run at once, and everything one does in a tick the others see in the next at the earliest.

use std::collections::BTreeMap;
use std::path::Path;

use quorate::config::Config;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::client::{Client, Request};
use super::clock::{Clock, MS};
use super::invariants::{Id, Replica};
use super::machine::Machine;
use super::net::{Wire, address};
use super::plan::Plan;
use super::seed::Seed;
use super::trace::Trace;
use crate::history::Operation;

/// How much true time passes at once, ns.
pub(super) const TICK_NS: u64 = MS;

/// Everything.
pub(super) struct Cluster {
    pub(super) plan: Plan,
    pub(super) now_ns: u64,
    pub(super) wire: Wire,
    pub(super) machines: BTreeMap<u64, Machine>,
    pub(super) trace: Trace,
    pub(super) history: Vec<Operation>,
    /// Nodes that clients cannot reach.
    pub(super) unreachable: Vec<u64>,
    /// Processes that ended by themselves since somebody last looked, and why.
    pub(super) ended: Vec<(u64, String)>,
    /// Whether clients ask for more.
    pub(super) clients_go_on: bool,
    folder: String,
    clients: Vec<Client>,
    requests: Vec<Request>,
    random: StdRng,
    seed: Seed,
    /// Time of the last call or return, so that no two are of the same time and what came first is earlier.
    stamp_ns: u64,
}

impl Cluster {
    /// Machines that are off. Their identities are kept below `folder`.
    pub(super) fn new(seed: Seed, plan: Plan, folder: &Path, trace: Trace) -> Self {
        let wire = Wire::new(seed.stream("net"), trace.clone());
        wire.heal(plan.link);
        let clients = (0..plan.clients).map(|id| Client::new(id, seed, &plan)).collect();
        let mut cluster = Self {
            now_ns: 0,
            wire,
            machines: BTreeMap::new(),
            trace,
            history: Vec::new(),
            unreachable: Vec::new(),
            ended: Vec::new(),
            clients_go_on: true,
            folder: folder.display().to_string(),
            clients,
            requests: Vec::new(),
            random: seed.stream("schedule"),
            seed,
            stamp_ns: 0,
            plan,
        };
        for number in 1..=cluster.plan.nodes {
            cluster.add(number, folder, cluster.plan.nodes as usize);
        }
        cluster
    }

    /// Adds a machine that is off; its node founds a cluster with others when `expect` says how many, or joins one.
    pub(super) fn add(&mut self, number: u64, folder: &Path, expect: usize) {
        let config = self.config(number, folder, expect);
        let seed = self.seed.split("machine", number);
        let clock = Clock::new(seed.stream("world"));
        let mut machine =
            Machine::new(config, clock, seed.stream("machine"), self.wire.clone(), self.trace.clone());
        machine.sync_ns = self.plan.sync_ns;
        self.machines.insert(number, machine);
    }

    fn config(&self, number: u64, folder: &Path, expect: usize) -> Config {
        let [heartbeat, election_min, election_max] = self.plan.timing_ms;
        let ip = [10, 0, 0, number as u8];
        Config {
            id: number,
            data_dir: folder.join(format!("node-{number}")),
            http: (ip, 7070).into(),
            peer: (ip, 7170).into(),
            seeds: (1..=self.plan.nodes).map(address).collect(),
            bootstrap_expect: expect,
            groups: self.plan.groups,
            replication: self.plan.replication,
            log_segment: quorate::config::check::LOG_SEGMENT_MIN,
            snapshot_log: self.plan.snapshot_log,
            snapshot_interval: self.plan.snapshot_interval,
            heartbeat,
            election_min,
            election_max,
            ..Config::default()
        }
    }

    /// One tick passes.
    pub(super) fn tick(&mut self) {
        self.now_ns += TICK_NS;
        self.trace.at(self.now_ns);
        self.wire.advance(self.now_ns);
        self.hear();
        self.call();
        self.deliver();
        let mut order: Vec<u64> = self.machines.keys().copied().collect();
        order.shuffle(&mut self.random);
        for number in order {
            let Some(machine) = self.machines.get_mut(&number) else { continue };
            let Some(why) = machine.tick(self.now_ns, TICK_NS) else { continue };
            // The folder's name differs from run to run.
            let why = why.replace(&*self.folder, "");
            self.trace.event(format!("node {number} has ended: {why}"));
            machine.crash(false);
            self.ended.push((number, why));
        }
    }

    /// Clients get their answers.
    fn hear(&mut self) {
        for client in &mut self.clients {
            let ended = client.hear(self.now_ns);
            if ended.is_empty() {
                continue;
            }
            self.stamp_ns = self.now_ns.max(self.stamp_ns + 1);
            for mut operation in ended {
                operation.return_ns = self.stamp_ns;
                self.trace.event(crate::checker::describe(&operation));
                self.history.push(operation);
            }
        }
    }

    /// Clients ask for more.
    fn call(&mut self) {
        if !self.clients_go_on {
            return;
        }
        let nodes: Vec<(u64, u64)> = self.machines.values().map(|m| (m.number, m.starts)).collect();
        for client in &mut self.clients {
            let stamp_ns = self.now_ns.max(self.stamp_ns + 1);
            if let Some(request) = client.call(stamp_ns, &nodes) {
                self.stamp_ns = stamp_ns;
                self.requests.push(request);
            }
        }
    }

    /// What clients asked arrives; a machine that is off refuses it, one that is stopped gets it later.
    fn deliver(&mut self) {
        let (due, later) = std::mem::take(&mut self.requests).into_iter().partition(|request: &Request| {
            let held = self.unreachable.contains(&request.node);
            request.at_ns <= self.now_ns && !held
        });
        self.requests = later;
        let due: Vec<Request> = due;
        for request in due {
            if let Some(machine) = self.machines.get(&request.node) {
                machine.receive(request);
            }
        }
    }

    /// Whether no client waits for an answer.
    pub(super) fn quiet(&self) -> bool {
        !self.clients.iter().any(Client::waits)
    }

    /// Numbers of machines for which `which` holds.
    pub(super) fn numbers(&self, which: impl Fn(&Machine) -> bool) -> Vec<u64> {
        self.machines.values().filter(|machine| which(machine)).map(|machine| machine.number).collect()
    }

    /// A time later than all before, for a call or a return.
    pub(super) fn stamp(&mut self) -> u64 {
        self.stamp_ns = self.now_ns.max(self.stamp_ns + 1);
        self.stamp_ns
    }

    /// Who leads a group, as it says itself; the one of the newest vote if several say so.
    pub(super) fn leader_of(&self, group: u32) -> Option<u64> {
        let probes = self.machines.values().filter_map(|machine| machine.probe(group));
        probes.filter(|replica| replica.leads).max_by_key(|replica| replica.vote).map(|replica| replica.node)
    }

    /// Whether every machine that has a process has a node.
    pub(super) fn all_started(&mut self) -> bool {
        self.machines.values().all(|machine| !machine.is_up() || machine.node().is_some())
    }

    /// Whether all replicas of each group have applied the same entries and hold the same.
    pub(super) fn converged(&mut self) -> bool {
        (0..=self.plan.groups).all(|group| {
            let Some(leader) = self.leader_of(group).and_then(|node| self.machines.get(&node)) else {
                return false;
            };
            let Some(wanted) = leader.probe(group) else { return false };
            let same = |machine: &Machine| {
                let replica = machine.probe(group);
                replica.is_none_or(|replica| replica.applied == wanted.last)
                    && machine.digest(group).is_none_or(|digest| Some(digest) == leader.digest(group))
            };
            wanted.applied == wanted.last && self.machines.values().all(same)
        })
    }

    /// How everything stands, for people.
    pub(super) fn describe(&self) -> String {
        let one = |machine: &Machine| {
            let group = |group| {
                machine.probe(group).map(|replica| {
                    let Replica { vote, leads, last, applied, .. } = replica;
                    let index = |id: Option<Id>| id.map_or(0, |id| id.index);
                    let leads = if leads { " leads" } else { "" };
                    let ((vote, _), last, applied) = (vote, index(last), index(applied));
                    format!("g{group}{leads} term {}.{} last {last} applied {applied}", vote.term, vote.node)
                })
            };
            let groups: Vec<String> = (0..=self.plan.groups).filter_map(group).collect();
            format!("node {} ({}): {}", machine.number, machine.state(), groups.join(", "))
        };
        self.machines.values().map(one).collect::<Vec<_>>().join("; ")
    }
}
