//! A log lets go of nothing that no snapshot has: "once a server completes writing a snapshot, it may delete all log entries up
//! through the last included index" (Ongaro, "Consensus: Bridging Theory and Practice", 2014, section 5.1), and not before.
//!
//! A replica that lost its snapshot is closed until a peer gives it one, and is not seen here.

use super::{Broken, Invariant, Replica};

#[derive(Default)]
pub(super) struct SnapshotCoversPurge;

impl Invariant for SnapshotCoversPurge {
    fn name(&self) -> &'static str {
        "snapshot-covers-purge"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        let Some(purged) = replica.purged else { return Ok(()) };
        match replica.snapshot {
            Some(snapshot) if snapshot.index >= purged.index => Ok(()),
            other => Err(format!("its log begins behind {purged:?}, its snapshot ends at {other:?}")),
        }
    }
}
