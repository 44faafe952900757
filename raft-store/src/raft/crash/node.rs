//! A node's disks, on one supply of power, and the lives led on them.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::by_hand::ByHand;
use super::plan::Step;
use super::replica::{Known, Replica};
use crate::power::{Chance, Power};
use crate::snapshot_store::SnapshotStore;
use crate::snapshot_store::faulty::FaultySnapshots;
use crate::wal::testing::FaultyDisk;
use crate::wal::{SharedLog, WalError, WalOptions};

/// Small segments and a small cache: rotation, removal, moving and reads from disk all the time.
const OPTIONS: WalOptions = WalOptions {
    segment_bytes: 2048,
    segments_max: 3,
    cache_bytes: 500,
    queue_bytes: 1 << 20,
    salt: 99,
    clock: || 0,
};

/// What a node's replicas share.
pub(super) struct Stores {
    pub(super) log: SharedLog,
    pub(super) writer: ByHand,
    pub(super) snapshots: SnapshotStore,
}

/// The machine: what survives a life.
#[derive(Default)]
pub(super) struct Machine {
    log: FaultyDisk,
    snapshots: FaultySnapshots,
    pub(super) power: Power,
}

impl Machine {
    /// The same disks, as the loss of power or the death of the process now leaves them, on another supply.
    pub(super) fn after_crash(&self, power: Power, chance: &mut Chance) -> Self {
        let log = if chance.below(3) == 0 { self.log.after_kill() } else { self.log.crash(chance) };
        let (log, snapshots) = (log.on(power.clone()), self.snapshots.crash(chance).on(power.clone()));
        Self { log, snapshots, power }
    }

    pub(super) fn on(self, power: Power) -> Self {
        Self { log: self.log.on(power.clone()), snapshots: self.snapshots.on(power.clone()), power }
    }

    fn open(&self) -> io::Result<Stores> {
        let log = SharedLog::open_stepped(Arc::new(self.log.clone()), OPTIONS);
        let (log, writer) = log.map_err(|error| match error {
            WalError::Io { source, .. } => source,
            error => panic!("a crash must never look like damage: {error}"),
        })?;
        Ok(Stores { log, writer: ByHand(Mutex::new(writer)), snapshots: self.snapshots.open_store()? })
    }
}

/// A running node.
pub(super) struct Node {
    stores: Stores,
    replicas: Vec<Replica>,
}

impl Node {
    /// Opens what is on the machine's disks, which must be what is known of each group. With an error comes what is
    /// known then.
    pub(super) async fn open(machine: &Machine, known: Vec<Known>) -> Result<Self, (io::Error, Vec<Known>)> {
        let stores = match machine.open() {
            Ok(stores) => stores,
            Err(error) => return Err((error, known)),
        };
        let (mut replicas, mut waiting) = (Vec::new(), known.into_iter());
        while let Some(known) = waiting.next() {
            match Replica::open(&stores, known).await {
                Ok(replica) => replicas.push(replica),
                Err((error, failed)) => {
                    let opened = replicas.into_iter().map(|replica: Replica| replica.known);
                    return Err((error, opened.chain([failed]).chain(waiting).collect()));
                }
            }
        }
        Ok(Self { stores, replicas })
    }

    /// Takes one step.
    pub(super) async fn take(&mut self, (group, step): (usize, Step)) -> io::Result<()> {
        let taken = self.replicas[group].take(step, &self.stores).await;
        self.hear();
        taken?;
        self.replicas[group].check().await
    }

    /// Brings every group to the end of its history.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        for replica in &mut self.replicas {
            replica.finish(&self.stores).await?;
        }
        self.hear();
        self.replicas.iter().for_each(Replica::check_end);
        Ok(())
    }

    fn hear(&mut self) {
        self.replicas.iter_mut().for_each(|replica| replica.known.held.hear());
    }

    /// What outlives it.
    pub(super) fn into_known(self) -> Vec<Known> {
        self.replicas.into_iter().map(|replica| replica.known).collect()
    }
}
