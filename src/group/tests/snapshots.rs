//! Snapshots to followers: whole or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use raft_store::NodeId;
use raft_store::limits::SNAPSHOT_CHUNK_BYTES;
use raft_store::snapshot_store::{Covers, Position, SnapshotStore};
use raft_store::wal::{EntryId, SharedLog, WalOptions};
use tokio::time::Instant;

use super::super::{ChangeError, wire};
use super::rig::*;
use super::steps::*;

/// Chunks that the snapshot takes at the least.
pub(super) const CHUNKS: usize = 6;

/// A value that takes half a chunk, and does not compress.
pub(super) fn bulk(number: usize) -> String {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1);
    let mut text = String::with_capacity(SNAPSHOT_CHUNK_BYTES / 2 + 16);
    while text.len() < SNAPSHOT_CHUNK_BYTES / 2 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        text.push_str(&format!("{random:016x}"));
    }
    text
}

/// One follower missed everything but `key = old`, and the log no longer has it.
pub(super) async fn with_one_left_behind() -> (Rig, NodeId, Vec<NodeId>) {
    let rig = Rig::three().await;
    let behind = rig.others(&[rig.leader().await])[0];
    rig.write(&VOTERS, set("key", "old")).await;
    rig.converged(&VOTERS).await;
    rig.isolate(behind);
    let ahead = rig.others(&[behind]);
    rig.write(&ahead, set("key", "new")).await;
    for number in 0..2 * CHUNKS {
        rig.write(&ahead, set(&format!("bulk-{number}"), bulk(number))).await;
    }
    rig.converged(&ahead).await;
    for &node in &ahead {
        // Both, so that it does not matter who leads in the end.
        let covered = rig.at(node).snapshot(Instant::now() + LONG).await.unwrap();
        assert!(covered.is_some());
        rig.at(node).purge_behind_snapshot(0).await;
        let missed = rig.at(behind).leadership.progress.index().unwrap() + 1;
        until("the log is purged", || rig.at(node).view(false).log_first.is_none_or(|first| first > missed))
            .await;
    }
    (rig, behind, ahead)
}

pub(super) async fn assert_same_state(rig: &Rig) {
    rig.converged(&VOTERS).await;
    until("all hold the same", || {
        let views = VOTERS.map(|node| rig.at(node).view(true));
        let applied = views.each_ref().map(|view| view.applied);
        // Ticks and elections move on: compare what is as far.
        applied.windows(2).all(|pair| pair[0] == pair[1])
            && views.windows(2).all(|pair| {
                assert_eq!(pair[0].digest, pair[1].digest, "at {applied:?}");
                true
            })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follower_behind_the_purged_log_catches_up_by_snapshot() {
    let (rig, behind, _) = with_one_left_behind().await;
    rig.heal();
    let replica = rig.at(behind);
    until("it holds the new state", || value(&replica.look_up(&[key("key")])).as_deref() == Some("new"))
        .await;
    until("openraft knows of the snapshot", || replica.metrics().snapshot.is_some()).await;
    assert!(rig.gate(behind).seen(wire::SNAPSHOT_CHUNK).len() >= CHUNKS);
    assert_same_state(&rig).await;
    rig.write(&VOTERS, set("key", "newer")).await;
    assert_same_state(&rig).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_broken_stream_leaves_the_old_state_and_the_next_one_succeeds() {
    let (rig, behind, _) = with_one_left_behind().await;
    let broken = Arc::new(AtomicUsize::new(0));
    let chunks = AtomicUsize::new(0);
    let count = broken.clone();
    rig.gate(behind).refuse(move |seen| {
        if seen.service == wire::SNAPSHOT_BEGIN {
            chunks.store(0, Ordering::Relaxed);
        }
        let half_way =
            seen.service == wire::SNAPSHOT_CHUNK && chunks.fetch_add(1, Ordering::Relaxed) >= CHUNKS / 2;
        count.fetch_add(usize::from(half_way), Ordering::Relaxed);
        // The next stream goes on where this one ended, so it is the end that must not come.
        half_way || seen.service == wire::SNAPSHOT_END
    });
    let replica = rig.at(behind);
    let before = replica.view(true);
    rig.heal();
    let begun = || rig.gate(behind).seen(wire::SNAPSHOT_BEGIN).len();
    until("a stream broke off and another began", || broken.load(Ordering::Relaxed) > 0 && begun() > 1).await;
    let after = replica.view(true);
    assert_eq!(
        (after.applied, &after.digest, after.snapshot),
        (before.applied, &before.digest, before.snapshot)
    );
    assert_eq!(value(&replica.look_up(&[key("key")])).as_deref(), Some("old"));
    rig.gate(behind).refuse(|_| false);
    until("it holds the new state", || value(&replica.look_up(&[key("key")])).as_deref() == Some("new"))
        .await;
    assert_same_state(&rig).await;
}

/// openraft may purge later than it was asked to, and then past a snapshot that has been on its way since.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_snapshot_on_its_way_is_let_go_of_when_the_log_is_purged_to_its_end() {
    let rig = Rig::three().await;
    rig.write(&VOTERS, set("key", 1)).await;
    rig.converged(&VOTERS).await;
    let leader = rig.leader().await;
    let (group, follower) = (rig.at(leader), rig.others(&[leader])[0]);
    let covered = group.snapshot(Instant::now() + LONG).await.unwrap().unwrap();
    group.outgoing.begin(follower, &rig.snapshots(leader).current(GROUP).unwrap().unwrap());
    assert_eq!(group.snapshot_under_way(0), Some(covered));
    rig.write(&VOTERS, set("key", 2)).await;
    rig.converged(&VOTERS).await;
    let last = group.snapshot(Instant::now() + LONG).await.unwrap().unwrap();
    group.raft.trigger().purge_log(last).await.unwrap();
    let is_gone = || group.view(false).log_first.is_none_or(|first| first > covered + 1);
    until("the log behind it is gone", is_gone).await;
    assert_eq!(group.snapshot_under_way(0), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn snapshots_asked_for_at_once_cover_all_that_was_applied() {
    let rig = Rig::three().await;
    let group = rig.at(rig.leader().await);
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..20 {
        rig.write(&VOTERS, set(&format!("bulk-{number}"), bulk(number))).await;
        let (group, applied) = (group.clone(), group.leadership.progress.index());
        asked.spawn(async move { (group.snapshot(Instant::now() + LONG).await.unwrap(), applied) });
    }
    while let Some(covered) = asked.join_next().await {
        let (covered, applied) = covered.unwrap();
        assert!(covered >= applied, "{covered:?} of {applied:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_snapshot_that_is_not_there_in_time_is_late_and_no_failure() {
    let rig = Rig::three().await;
    for number in 0..2 * CHUNKS {
        rig.write(&VOTERS, set(&format!("bulk-{number}"), bulk(number))).await;
    }
    let late = rig.at(rig.leader().await).snapshot(Instant::now()).await;
    assert!(matches!(late, Err(ChangeError::Late(_))), "{late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_behind_the_snapshot_are_counted_over_a_restart() {
    let mut rig = Rig::three().await;
    let node = rig.others(&[rig.leader().await])[0];
    for number in 0..5 {
        rig.write(&VOTERS, set(&format!("covered-{number}"), "1")).await;
    }
    rig.converged(&VOTERS).await;
    assert!(rig.at(node).changes_behind_snapshot() >= 5);
    rig.at(node).snapshot(Instant::now() + LONG).await.unwrap();
    assert_eq!(rig.at(node).changes_behind_snapshot(), 0);
    for number in 0..3 {
        rig.write(&VOTERS, set(&format!("behind-{number}"), "1")).await;
    }
    rig.converged(&VOTERS).await;
    assert_eq!(rig.at(node).changes_behind_snapshot(), 3);
    rig.restart(node).await;
    rig.converged(&VOTERS).await;
    assert_eq!((rig.at(node).changes_behind_snapshot(), rig.at(node).items()), (3, 8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_installed_snapshot_survives_a_restart() {
    let (mut rig, behind, _) = with_one_left_behind().await;
    rig.heal();
    until("it holds the new state", || {
        value(&rig.at(behind).look_up(&[key("key")])).as_deref() == Some("new")
    })
    .await;
    rig.isolate(behind);
    rig.restart(behind).await;
    let replica = rig.at(behind);
    until("it holds the state again", || value(&replica.look_up(&[key("key")])).as_deref() == Some("new"))
        .await;
    rig.heal();
    assert_same_state(&rig).await;
}

#[tokio::test]
async fn a_log_that_begins_behind_its_snapshot_is_refused() {
    const GROUP: u32 = 3;
    let dir = tempfile::tempdir().unwrap();
    let log = SharedLog::open(&dir.path().join("log"), WalOptions::default()).unwrap();
    let snapshots = SnapshotStore::open(dir.path().join("snapshots")).unwrap();
    let covering = |index| {
        let last = Some(Position { term: 1, node: 1, index });
        let writer = snapshots.begin(GROUP).unwrap();
        let snapshot = writer.finish(Covers { last, ..Covers::default() }).unwrap();
        assert!(snapshots.commit(&snapshot).unwrap());
    };
    let check = || {
        super::super::repair::check_snapshot_covers_purge(GROUP, &log, &snapshots).map_err(|e| e.to_string())
    };
    assert_eq!(check(), Ok(()), "a new group has neither");
    log.purge(GROUP, EntryId { term: 1, node: 1, index: 7 }).await.unwrap();
    assert!(check().unwrap_err().contains("behind entry 7 and there is no snapshot"));
    covering(6);
    assert!(check().unwrap_err().contains("the snapshot ends at 6"));
    covering(7);
    assert_eq!(check(), Ok(()));
    covering(9);
    assert_eq!(check(), Ok(()));
}

/// What it knows to be committed itself it has applied; what it waits for it knows from its leader only.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follower_that_waits_for_a_snapshot_has_not_caught_up() {
    const LAG: u64 = 5;
    let (rig, behind, ahead) = with_one_left_behind().await;
    let of_snapshots = |service| (wire::SNAPSHOT_BEGIN..=wire::SNAPSHOT_END).contains(&service);
    rig.gate(behind).refuse(move |seen| of_snapshots(seen.service));
    rig.heal();
    let replica = rig.at(behind);
    // Until it hears of more, what it heard before it was cut off counts, for a while.
    until("it hears what it misses", || replica.leader().is_some() && !replica.caught_up_within(LAG)).await;
    until("the others have caught up", || ahead.iter().all(|&node| rig.at(node).caught_up_within(LAG))).await;
    pass(rig.lease()).await;
    assert!(!replica.caught_up_within(LAG), "{:?}", replica.metrics());
    rig.gate(behind).refuse(|_| false);
    until("it has caught up", || replica.caught_up_within(LAG)).await;
    assert_eq!(value(&replica.look_up(&[key("key")])).as_deref(), Some("new"));
}

/// What it still builds must not become current under the next instance.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_that_was_shut_down_makes_no_snapshot_current() {
    let rig = Rig::three().await;
    let group = rig.at(1);
    assert!(!group.gate.is_closed());
    group.shutdown().await;
    assert!(group.gate.is_closed());
}
