use std::net::Ipv4Addr;
use std::sync::Arc;

use openraft::vote::RaftLeaderId as _;
use raft_store::raft::LeaderId;
use raft_store::wal::{Entry, WalOptions};
use tempfile::TempDir;

use super::super::{Pace, settings};
use super::*;
use crate::transport::{Net, Transport, TransportConfig};

const GROUP: GroupId = 3;
const NODE: u64 = 1;

fn id(term: u64, index: u64) -> LogId {
    LogId { leader_id: LeaderId::new(term, NODE), index }
}

/// A replica's disk whose log lost everything up to entry 2 of term 1.
struct Disk {
    deps: GroupDeps,
    peer: SnapshotStore,
    _dir: TempDir,
}

impl Disk {
    /// With entries from 3 on, one of each of these terms, and a vote in `voted`.
    async fn with(terms: &[u64], voted: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listen = (Ipv4Addr::LOCALHOST, 0).into();
        let options = WalOptions { segment_bytes: 1 << 20, ..WalOptions::default() };
        let deps = GroupDeps {
            node: NODE,
            transport: Transport::bind(TransportConfig {
                node: NODE,
                listen,
                net: Net::Tcp,
                pulse: crate::limits::pulse(50),
            })
            .await
            .unwrap(),
            log: SharedLog::open(&dir.path().join("log"), options).unwrap(),
            snapshots: SnapshotStore::open(dir.path().join("snapshots")).unwrap(),
            raft: settings(50, 250, 500).into(),
            pace: Arc::new(Pace::new(u64::MAX)),
            appends: Arc::default(),
        };
        let terms = [1, 1, 1].iter().chain(terms);
        let entries = (0..).zip(terms).map(|(index, &term)| Entry {
            id: (&id(term, index)).into(),
            kind: 0,
            payload: Bytes::new(),
        });
        deps.log.append(GROUP, entries.collect(), Box::new(|_| ())).await.unwrap();
        deps.log.purge(GROUP, (&id(1, 2)).into()).await.unwrap();
        let mut vote = Vec::new();
        messages::put_vote(&mut vote, &Vote { leader_id: LeaderId::new(voted, NODE), committed: false });
        deps.log.save_vote(GROUP, vote.into()).await.unwrap();
        Self { peer: SnapshotStore::open(dir.path().join("peer")).unwrap(), deps, _dir: dir }
    }

    fn need(&self) -> NeedsSnapshot {
        let error = check_snapshot_covers_purge(GROUP, &self.deps.log, &self.deps.snapshots).unwrap_err();
        error.downcast().unwrap()
    }

    /// Takes over a peer's snapshot that covers everything up to `last`.
    async fn adopt(&self, last: LogId) -> anyhow::Result<()> {
        let meta = SnapshotMeta { last_log_id: Some(last), ..SnapshotMeta::default() };
        let mut writer = self.peer.begin(GROUP).unwrap();
        writer.put(b"a chunk").unwrap();
        let held = writer.finish(&meta).unwrap();
        let adoption = Adoption::begin(&self.deps, &self.need(), Offer::of(&held)?)?;
        adoption.put(&held.read_raw(0).unwrap())?.finish().await
    }

    /// Last entry purged, and every entry left, each by term and index.
    fn log(&self) -> ((u64, u64), Vec<(u64, u64)>) {
        let purged = self.deps.log.bounds(GROUP).unwrap().0.unwrap();
        let left = self.deps.log.read(GROUP, 0, u64::MAX, u64::MAX).unwrap();
        ((purged.term, purged.index), left.iter().map(|entry| (entry.id.term, entry.id.index)).collect())
    }

    fn vote(&self) -> (u64, bool) {
        let stored = self.deps.log.vote(GROUP).unwrap().unwrap();
        let vote = messages::vote(&mut Decoder::new(stored)).unwrap();
        (vote.leader_id.term, vote.committed)
    }
}

#[tokio::test]
async fn what_stands_behind_the_snapshot_stays_and_so_does_the_vote() {
    let disk = Disk::with(&[1, 1, 2, 2], 9).await;
    disk.adopt(id(1, 4)).await.unwrap();
    assert_eq!(disk.log(), ((1, 4), vec![(2, 5), (2, 6)]));
    assert_eq!(disk.vote(), (9, false));
    assert!(check_snapshot_covers_purge(GROUP, &disk.deps.log, &disk.deps.snapshots).is_ok());
}

#[tokio::test]
async fn a_snapshot_that_ends_where_the_log_begins_changes_nothing_in_it() {
    let disk = Disk::with(&[1, 1], 1).await;
    disk.adopt(id(1, 2)).await.unwrap();
    assert_eq!(disk.log(), ((1, 2), vec![(1, 3), (1, 4)]));
}

#[tokio::test]
async fn a_snapshot_ahead_of_the_log_takes_its_place() {
    let disk = Disk::with(&[1, 1], 1).await;
    disk.adopt(id(4, 90)).await.unwrap();
    assert_eq!(disk.log(), ((4, 90), vec![]));
    assert_eq!(disk.vote(), (4, true), "the leadership of term 4 was won");
}

/// Entry 5 was committed in term 4; what stands here in its place was not, and neither is what follows.
#[tokio::test]
async fn a_tail_that_contradicts_the_snapshot_goes() {
    let disk = Disk::with(&[1, 3, 3, 3], 3).await;
    disk.adopt(id(4, 5)).await.unwrap();
    assert_eq!(disk.log(), ((4, 5), vec![]));
}

/// Terms never fall along a log: entries of term 7 cannot stand before a committed one of term 5.
#[tokio::test]
async fn a_short_tail_of_a_newer_term_goes_before_the_snapshot_is_current() {
    let disk = Disk::with(&[1, 7, 7], 7).await;
    recovery::drop_contradicting(&disk.deps.log, GROUP, &id(5, 90)).await.unwrap();
    assert_eq!(disk.log(), ((1, 2), vec![(1, 3)]));
    disk.adopt(id(5, 90)).await.unwrap();
    assert_eq!((disk.log(), disk.vote()), (((5, 90), vec![]), (7, false)));
}

#[tokio::test]
async fn what_does_not_cover_the_purge_or_is_not_whole_is_refused_and_changes_nothing() {
    let disk = Disk::with(&[1, 1], 1).await;
    let before = disk.log();
    assert!(disk.adopt(id(1, 1)).await.is_err(), "entry 2 would be nowhere");
    let meta = SnapshotMeta { last_log_id: Some(id(1, 3)), ..SnapshotMeta::default() };
    let offer = Offer { sequence: 1, chunks: 1, meta };
    let adoption = Adoption::begin(&disk.deps, &disk.need(), offer.clone()).unwrap();
    assert!(adoption.finish().await.is_err(), "its one chunk never came");
    let adoption = Adoption::begin(&disk.deps, &disk.need(), offer).unwrap();
    assert!(adoption.put(&Bytes::from_static(b"no frame")).is_err());
    assert_eq!((disk.log(), disk.vote()), (before, (1, false)));
    assert_eq!(disk.need().at_least, 2, "and it still needs one");
}
