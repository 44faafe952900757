//! Whose disk is full among the voters of the groups this node leads, and whether enough of them have room.
//!
//! A write goes into every voter's log. Were most of their disks full, a leader with room could go on only by using
//! up the reserve of the others, and after that no quorum could confirm a read either. So it refuses clients' writes
//! (`disk-full`, not applied) as if its own disk was full, until a majority has room again. A voter that does not
//! answer counts as one with room: a node that is down is no reason to refuse what the others can do.
//!
//! Judged by what was heard last, at most about two [`PEER_DISKS_INTERVAL`]s ago; no request waits for an answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use raft_store::NodeId;

use super::Inner;
use super::doc::META_GROUP;
use super::peer::{Ask, Declined};
use crate::error::{Error, ErrorKind, Result};
use crate::group::Group;
use crate::limits::PEER_DISKS_INTERVAL;
use crate::views::NodeView;

/// The other nodes that said last that their disk is full.
#[derive(Debug, Default)]
pub(super) struct FullPeers(Mutex<BTreeSet<NodeId>>);

impl FullPeers {
    /// Those of `voters` that are not known to be full.
    fn roomy(&self, voters: &BTreeSet<NodeId>) -> usize {
        voters.difference(&self.0.lock()).count()
    }

    fn note(&self, node: NodeId, full: bool) {
        let mut all = self.0.lock();
        if full {
            all.insert(node)
        } else {
            all.remove(&node)
        };
    }
}

impl Inner {
    /// Asks the voters of the groups this node leads for their disks, for ever.
    pub(super) async fn watch_peer_disks(self: Arc<Self>) {
        loop {
            self.ask_for_room().await;
            tokio::time::sleep(PEER_DISKS_INTERVAL).await;
        }
    }

    async fn ask_for_room(self: &Arc<Self>) {
        let led = self.host.all().into_iter().filter(|group| group.id() != META_GROUP && group.leads());
        let mut voters: BTreeSet<NodeId> = led.flat_map(|group| group.voters()).collect();
        voters.remove(&self.id);
        self.full_peers.0.lock().retain(|node| voters.contains(node));
        let asked = voters.into_iter().map(async |node| {
            let view: Result<NodeView> = self.ask(node, &Ask::Node, PEER_DISKS_INTERVAL).await;
            self.full_peers.note(node, view.is_ok_and(|view| view.disk_full.is_some()));
        });
        futures_util::future::join_all(asked).await;
    }

    /// Refuses a client's write to a group most of whose voters have no room for it.
    pub(super) fn check_voters_room(&self, replica: &Group) -> Result<(), Declined> {
        if self.full_peers.0.lock().is_empty() {
            return Ok(());
        }
        let voters = replica.voters();
        if is_majority(self.full_peers.roomy(&voters), &voters) {
            return Ok(());
        }
        let full = self.full_peers.0.lock();
        let full: Vec<String> = full.intersection(&voters).map(|node| format!("node {node}")).collect();
        let detail = format!(
            "the disks of most voters of group {} are full ({}); free space in their data folders or give them \
             more, and writes resume by themselves",
            replica.id(),
            full.join(", "),
        );
        let error = Error::not_applied(ErrorKind::DiskFull, detail).group(replica.id());
        Err(Declined::Error(error.retry_after_ms(PEER_DISKS_INTERVAL.as_millis() as u64)))
    }

    /// Whether another leader than this one, whose disk is full, could take writes.
    pub(super) fn others_have_room(&self, replica: &Group) -> bool {
        let voters = replica.voters();
        let others = voters.iter().copied().filter(|&node| node != self.id).collect();
        is_majority(self.full_peers.roomy(&others), &voters)
    }
}

fn is_majority(count: usize, voters: &BTreeSet<NodeId>) -> bool {
    count > voters.len() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_majority_of_the_voters_decides_and_only_they() {
        let peers = FullPeers::default();
        let writable = |voters: std::ops::RangeInclusive<NodeId>| {
            let voters = voters.collect();
            is_majority(peers.roomy(&voters), &voters)
        };
        assert!(writable(1..=1) && writable(1..=3) && writable(1..=5));
        peers.note(2, true);
        assert!(writable(1..=3) && !writable(1..=2));
        peers.note(4, true);
        assert!(writable(1..=3) && writable(1..=5) && !writable(1..=4), "half is no majority");
        peers.note(3, true);
        assert!(!writable(1..=3) && !writable(1..=5));
        peers.note(3, false);
        assert!(writable(1..=3));
    }
}
