//! A damaged snapshot: found at the start, named, never served, and replaced by a peer's.

use std::fs;
use std::path::{Path, PathBuf};

use raft_store::{GroupId, NodeId};

use super::super::doc::META_GROUP;
use super::super::{Consistency, Node};
use super::fakes::{Alone, key, within};
use super::three::*;
use crate::error::ErrorKind;

/// Large enough that a snapshot's chunks take most of the store's files.
const VALUE_BYTES: usize = 64 << 10;
const KEYS: u32 = 40;
/// Files larger than this make up nearly the whole store.
const ANY: u64 = 64 << 10;
/// Files larger than this hold chunks.
const OF_CHUNKS: u64 = 512 << 10;

/// Bytes that do not compress.
fn value(seed: u32) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let mut byte = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 56) as u8
    };
    (0..VALUE_BYTES).map(|_| byte()).collect()
}

/// Keys of one group, which stand in snapshots on every node and in no log; and the meta group likewise.
async fn with_snapshots() -> (Three, GroupId) {
    let three = Three::start().await;
    let group = three.at(1).group_of(&key("{one}")).unwrap();
    for number in 0..KEYS {
        write(three.at(1), set(&format!("{{one}}{number}"), value(number))).await.unwrap();
    }
    for group in [META_GROUP, group] {
        take_snapshots(&three, group).await;
    }
    (three, group)
}

/// Takes a snapshot of a group on every node, and purges the log behind it.
async fn take_snapshots(three: &Three, group: GroupId) {
    let applied = three.at(three.leader(group).await).inner.host.get(group).unwrap().view(false).applied;
    for node in 1..=3 {
        let replica = three.at(node).inner.host.get(group).unwrap();
        until("it has applied everything", || replica.view(false).applied >= applied).await;
        replica.snapshot(within(LONG)).await.unwrap();
        replica.purge_behind_snapshot(0).await;
        until("its log is purged", || {
            replica.view(false).log_first.is_none_or(|first| Some(first) > applied)
        })
        .await;
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Flips bits all over those of the store's files that are larger than `bytes`.
fn damage(three: &Three, node: NodeId, bytes: u64) {
    let large = files(&three.dir(node).join("snapshots"))
        .into_iter()
        .filter(|path| fs::metadata(path).unwrap().len() > bytes);
    let mut damaged = 0;
    for path in large {
        let mut bytes = fs::read(&path).unwrap();
        bytes.iter_mut().skip(1000).step_by(4096).for_each(|byte| *byte ^= 0x55);
        fs::write(&path, bytes).unwrap();
        damaged += 1;
    }
    assert!(damaged > 0, "there is nothing large to damage");
}

fn waits(node: &Node, group: GroupId) -> bool {
    node.inner.host.repair_of(group).is_some()
}

fn digest(node: &Node, group: GroupId) -> (Option<u64>, Option<String>) {
    let view = node.inner.host.get(group).unwrap().view(true);
    (view.applied, view.digest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_damaged_store_is_replaced_by_peers_snapshots() {
    repaired_after(ANY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_damaged_chunk_is_replaced_by_a_peers_snapshot() {
    repaired_after(OF_CHUNKS).await;
}

/// Damages node 2's files larger than `bytes`, and waits until it has what the others have.
async fn repaired_after(bytes: u64) {
    let (mut three, group) = with_snapshots().await;
    for node in 1..=3 {
        three.stop(node).await;
    }
    damage(&three, 2, bytes);
    three.start_again(2).await;
    assert!(waits(three.at(2), group), "the damage was not found");
    for node in [1, 3] {
        three.start_again(node).await;
    }
    three.ready(1).await;
    write(three.at(1), set("{one}after", "after")).await.unwrap();
    until("it is repaired", || !waits(three.at(2), group)).await;
    three.ready(2).await;
    until("it holds what the others hold", || {
        let both = [1, 2].map(|node| digest(three.at(node), group));
        assert!(both[0].0 != both[1].0 || both[0].1 == both[1].1, "replicas differ: {both:?}");
        both[0] == both[1]
    })
    .await;
    let found = read(three.at(2), "{one}3", Consistency::Local).await.unwrap();
    assert_eq!(found.as_deref(), Some(&value(3)[..]));
    // It is there after the next start too, and needs nobody.
    three.stop(2).await;
    three.start_again(2).await;
    assert!(!waits(three.at(2), group), "{:?}", three.at(2).inner.host.repair_of(group));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn where_every_replica_is_damaged_nothing_is_served() {
    let (mut three, group) = with_snapshots().await;
    for node in 1..=3 {
        three.stop(node).await;
    }
    for node in 1..=3 {
        damage(&three, node, ANY);
        three.start_again(node).await;
    }
    for node in 1..=3 {
        assert!(waits(three.at(node), group), "node {node} opened a group without its state");
        let check = three.at(node).ready();
        let repair = check.checks.iter().find(|check| check.name == "repair").unwrap();
        assert!(
            !check.ready && !repair.ok && repair.detail.contains(&format!("group {group}")),
            "{repair:?}"
        );
        let local = read(three.at(node), "{one}3", Consistency::Local).await;
        assert!(local.is_err(), "{local:?}");
        let view = three.at(node).group(group, true, false).await;
        assert!(view.is_err_and(|error| error.kind != ErrorKind::UnknownGroup));
    }
}

/// Found by whoever is sent it, while what is in memory is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_snapshot_found_damaged_while_the_node_runs_is_taken_anew() {
    let alone = Alone::start().await;
    let replica = alone.inner().host.get(META_GROUP).unwrap();
    replica.snapshot(within(LONG)).await.unwrap();
    let store = alone.inner().host.deps().snapshots.clone();
    let damaged = store.current(META_GROUP).unwrap().unwrap();
    // Its chunks are gone, as if a disk had lost them.
    assert!(store.set_aside(META_GROUP).unwrap());
    assert!(damaged.read_raw(0).unwrap_err().is_damage());
    until("another has taken its place", || store.current(META_GROUP).unwrap().is_some()).await;
    let new = store.current(META_GROUP).unwrap().unwrap();
    assert!(new.id() > damaged.id() && new.covers().last >= damaged.covers().last);
    assert!(!store.is_damaged(META_GROUP));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_group_found_damaged_while_the_node_runs_is_repaired() {
    let (three, group) = with_snapshots().await;
    let led_by = three.leader(group).await;
    let node = three.at((1..=3).find(|&node| node != led_by).unwrap());
    let store = node.inner.host.deps().snapshots.clone();
    // Its leader would have it opened again at once.
    node.inner.host.pretend_stopping(true);
    node.inner.host.close(group).await;
    store.set_aside(group).unwrap();
    node.inner.host.pretend_stopping(false);
    until("it is open again", || node.inner.host.get(group).is_some()).await;
    assert!(store.current(group).unwrap().is_some(), "it has a peer's snapshot");
    let found = read(node, "{one}3", Consistency::Local).await.unwrap();
    assert_eq!(found.as_deref(), Some(&value(3)[..]));
}

/// What was taken over stays, and needs no peer any more, if only the opening failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_snapshot_taken_over_is_not_set_aside_again() {
    let (mut three, group) = with_snapshots().await;
    for node in 1..=3 {
        three.stop(node).await;
    }
    damage(&three, 2, OF_CHUNKS);
    three.start_again(2).await;
    assert!(waits(three.at(2), group));
    three.at(2).inner.host.pretend_stopping(true);
    for node in [1, 3] {
        three.start_again(node).await;
    }
    let host = || &three.at(2).inner.host;
    until("it was taken over", || host().repair_of(group).is_some_and(|tried| tried.contains("stopping")))
        .await;
    let adopted = host().deps().snapshots.current(group).unwrap().map(|snapshot| snapshot.id());
    assert!(adopted.is_some());
    for node in [1, 3] {
        three.stop(node).await;
    }
    three.at(2).inner.host.pretend_stopping(false);
    until("it is open", || !waits(three.at(2), group)).await;
    let current = three.at(2).inner.host.deps().snapshots.current(group).unwrap();
    assert_eq!(current.map(|snapshot| snapshot.id()), adopted);
}
