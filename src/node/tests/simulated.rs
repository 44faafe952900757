//! Three nodes on one thread in simulated worlds: each in a runtime of its own with the clock paused, driven in turn.

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use raft_store::NodeId;
use raft_store::simulation::{Chance, FaultyDisk, FaultySnapshots, World, enter};
use raft_store::snapshot_store::SnapshotStore;
use raft_store::wal::{LogSteps, SharedLog};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::super::simulation::{Parts, Role, wal_options};
use super::super::{Consistency, Node, WriteOk};
use super::three::{read, set, write};
use crate::config::Config;
use crate::error::Result;
use crate::transport::wires::Wires;

/// How long a node is driven before the next has its turn.
const TURN: Duration = Duration::from_millis(1);
/// Turns of each node in which everything here has happened.
const TURNS_MAX: usize = 60_000;

struct Machine {
    now_ns: Rc<Cell<u64>>,
    chance: Cell<u64>,
}

impl World for Machine {
    fn boot_ns(&self) -> u64 {
        self.now_ns.get()
    }

    fn suspended_ms(&self) -> u64 {
        0
    }

    fn wall_ms(&self) -> u64 {
        1_700_000_000_000 + self.now_ns.get() / 1_000_000
    }

    fn random_u64(&self) -> u64 {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        self.chance.set(self.chance.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
        let mut x = self.chance.get();
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }
}

/// A node and what it runs on.
pub(super) struct Simulated {
    world: Rc<Machine>,
    runtime: Runtime,
    steps: LogSteps,
    disk: FaultyDisk,
    snapshots: FaultySnapshots,
    pub(super) node: Node,
}

impl Simulated {
    fn start(cluster: &Cluster, id: NodeId, disk: FaultyDisk, snapshots: FaultySnapshots) -> Self {
        let world =
            Rc::new(Machine { now_ns: cluster.now_ns.clone(), chance: Cell::new(cluster.seed + (id << 32)) });
        let _here = enter(world.clone());
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let config = cluster.config(id);
        let (log, mut steps) = SharedLog::open_stepped(Arc::new(disk.clone()), wal_options(&config)).unwrap();
        let parts = Parts {
            net: Arc::new(cluster.wires.clone()),
            log,
            snapshots: SnapshotStore::open_simulated(&snapshots).unwrap(),
            free_bytes: Arc::new(|| Ok(1 << 40)),
        };
        let starting = runtime.spawn(Node::start_simulated(config, addr(id, 80), parts));
        while !starting.is_finished() {
            runtime.block_on(tokio::task::yield_now());
            steps.step();
        }
        let node = runtime.block_on(starting).unwrap().unwrap();
        Self { world, runtime, steps, disk, snapshots, node }
    }

    fn turn(&mut self) {
        let _here = enter(self.world.clone());
        self.runtime.block_on(async { tokio::time::sleep(TURN).await });
        self.steps.step();
    }

    /// Asked in its world and its runtime: tokio's clock is the real one outside.
    fn is_ready(&self) -> bool {
        let _here = enter(self.world.clone());
        let _clock = self.runtime.enter();
        self.node.ready().ready
    }

    /// Loses power; what its disks hold then.
    pub(super) fn crash(self, chance: &mut Chance) -> (FaultyDisk, FaultySnapshots) {
        let _here = enter(self.world.clone());
        let left = (self.disk.crash(chance), self.snapshots.crashed());
        drop(self.node);
        drop(self.runtime);
        left
    }
}

pub(super) struct Cluster {
    seed: u64,
    wires: Wires,
    now_ns: Rc<Cell<u64>>,
    dir: TempDir,
    pub(super) nodes: Vec<Simulated>,
}

fn addr(id: NodeId, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, id as u8], port))
}

impl Cluster {
    pub(super) fn start(seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now_ns = Rc::new(Cell::new(1_000_000_000));
        let mut cluster = Self { seed, wires: Wires::default(), now_ns, dir, nodes: Vec::new() };
        for id in 1..=3 {
            let node = Simulated::start(&cluster, id, FaultyDisk::default(), FaultySnapshots::default());
            cluster.nodes.push(node);
        }
        cluster.until(|nodes| nodes.iter().all(Simulated::is_ready));
        cluster
    }

    fn config(&self, id: NodeId) -> Config {
        Config {
            id,
            data_dir: PathBuf::from(self.dir.path()).join(id.to_string()),
            peer: addr(id, 42),
            seeds: (1..=3).map(|id| addr(id, 42).to_string()).collect(),
            bootstrap_expect: 3,
            groups: 2,
            log_segment: 64 << 10,
            ..Config::default()
        }
    }

    /// Drives everyone until `holds`.
    fn until(&mut self, holds: impl Fn(&[Simulated]) -> bool) {
        for _ in 0..TURNS_MAX {
            if holds(&self.nodes) {
                return;
            }
            self.turn();
        }
        panic!("it never came to that");
    }

    fn turn(&mut self) {
        self.now_ns.set(self.now_ns.get() + TURN.as_nanos() as u64);
        self.nodes.iter_mut().for_each(Simulated::turn);
    }

    /// Drives everyone for so long, simulated.
    pub(super) fn drive(&mut self, time: Duration) {
        (0..time.as_nanos() / TURN.as_nanos()).for_each(|_| self.turn());
    }

    /// Lets a node do something while everyone is driven.
    pub(super) fn at<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &mut self,
        at: usize,
        work: impl FnOnce(Node) -> F,
    ) -> T {
        let work = {
            let node = &self.nodes[at];
            let _here = enter(node.world.clone());
            let _runtime = node.runtime.enter();
            node.runtime.spawn(work(node.node.clone()))
        };
        self.until(|_| work.is_finished());
        self.nodes[at].runtime.block_on(work).unwrap()
    }

    fn write(&mut self, at: usize, value: &'static str) -> Result<WriteOk> {
        self.at(at, |node| async move { write(&node, set("key", value)).await })
    }

    fn read(&mut self, at: usize) -> Option<Bytes> {
        self.at(at, |node| async move { read(&node, "key", Consistency::Linearizable).await }).unwrap()
    }

    /// Where the leader of the first data group stands.
    fn leader(&self) -> usize {
        let leads =
            |node: &Simulated| node.node.probe(1, false).is_some_and(|probe| probe.role == Role::Leader);
        self.nodes.iter().position(leads).unwrap()
    }

    /// Whether all replicas hold the same.
    fn agrees(nodes: &[Simulated]) -> bool {
        (0..=2).all(|group| {
            let state = |node: &Simulated| {
                let probe = node.node.probe(group, true)?;
                assert_eq!(probe.stored_vote.is_some(), probe.last.is_some());
                Some((probe.applied?, probe.digest?, probe.version))
            };
            let first = state(&nodes[0]);
            first.is_some() && nodes.iter().all(|node| state(node) == first)
        })
    }
}

#[test]
fn three_simulated_nodes_form_a_cluster_serve_and_survive_a_power_loss() {
    let mut cluster = Cluster::start(7);
    cluster.write(0, "one").unwrap();
    assert_eq!(cluster.read(2).as_deref(), Some(&b"one"[..]));
    cluster.until(Cluster::agrees);
    let leader = cluster.leader();
    let down = cluster.nodes.remove(leader);
    let (disk, snapshots) = down.crash(&mut Chance(7));
    cluster.write(0, "two").unwrap();
    let again = Simulated::start(&cluster, leader as NodeId + 1, disk, snapshots);
    cluster.nodes.insert(leader, again);
    cluster.until(|nodes| nodes[leader].is_ready());
    assert_eq!(cluster.read(leader).as_deref(), Some(&b"two"[..]));
    cluster.until(Cluster::agrees);
}

/// What a cluster of that seed does, turn by turn.
fn trace(seed: u64) -> Vec<String> {
    let mut cluster = Cluster::start(seed);
    let mut trace = Vec::new();
    for value in ["one", "two", "three"] {
        cluster.write(2, value).unwrap();
        cluster.until(Cluster::agrees);
        let drawn = |node: &Simulated| (node.world.chance.get(), node.disk.operations());
        let seen = |node: &Simulated| format!("{:?} {:?}", node.node.probe(1, true), drawn(node));
        trace.push(format!(
            "{} {:?}",
            cluster.now_ns.get(),
            cluster.nodes.iter().map(seen).collect::<Vec<_>>()
        ));
    }
    // When the others elect one of them is for their election timeouts to say.
    let down = cluster.nodes.remove(cluster.leader());
    down.crash(&mut Chance(seed));
    cluster.write(0, "four").unwrap();
    trace.push(format!("{} {:?}", cluster.now_ns.get(), cluster.nodes[0].node.probe(1, true)));
    trace
}

#[test]
fn the_same_seed_does_the_same_again() {
    assert_eq!(trace(1), trace(1));
    assert_ne!(trace(1), trace(2));
}
