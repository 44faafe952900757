//! A node that holds no replica of a group any more keeps nothing of it but a vote, and can hold one again.

use raft_store::{GroupId, NodeId};

use super::super::identity::IdentityFile;
use super::super::{Consistency, GroupChange, Node};
use super::fakes::{key, within};
use super::three::*;
use crate::views::OperationState;

/// Changes a group's members, and waits until that is done.
async fn change(node: &Node, group: GroupId, change: GroupChange) {
    let begun = node.change_group(group, change).await.unwrap();
    let ended = node.await_operation(&begun.id, within(LONG)).await.unwrap();
    assert_eq!(ended.state, OperationState::Done, "{ended:?}");
}

/// Entries in a node's log of a group, and whether it has a snapshot and a vote.
fn held(node: &Node, group: GroupId) -> (u64, bool, bool) {
    let deps = node.inner.host.deps();
    let snapshot = deps.snapshots.current(group).unwrap().is_some();
    (deps.log.group_stats(group).entries, snapshot, deps.log.vote(group).unwrap().is_some())
}

fn digest(three: &Three, node: NodeId, group: GroupId) -> Option<(Option<u64>, Option<String>)> {
    let view = three.at(node).inner.host.get(group)?.view(true);
    Some((view.applied, view.digest))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_left_a_group_gives_its_space_back_and_may_come_again() {
    let mut three = Three::start().await;
    let group = three.at(1).group_of(&key("{one}")).unwrap();
    let leader = three.leader(group).await;
    let gone = (1..=3).find(|node| *node != leader).unwrap();
    write(three.at(1), set("{one}", "old")).await.unwrap();
    let replica = three.at(gone).inner.host.get(group).unwrap();
    replica.snapshot(within(LONG)).await.unwrap();
    replica.purge_behind_snapshot(0).await;
    drop(replica);

    change(three.at(leader), group, GroupChange::RemoveVoter(gone)).await;
    until("nothing is left but the vote", || held(three.at(gone), group) == (0, false, true)).await;
    let floors = |three: &Three| IdentityFile::read(&three.dir(gone)).unwrap().unwrap().floors;
    assert_eq!(floors(&three).keys().collect::<Vec<_>>(), [&group]);

    // A start does not open what is not there, and is not held up by it.
    three.stop(gone).await;
    three.start_again(gone).await;
    assert!(three.at(gone).inner.host.get(group).is_none());
    three.ready(gone).await;
    write(three.at(1), set("{one}", "new")).await.unwrap();

    let leader = three.leader(group).await;
    change(three.at(leader), group, GroupChange::AddVoter(gone)).await;
    until("it holds what the others hold", || digest(&three, gone, group) == digest(&three, leader, group))
        .await;
    three.stop(gone).await;
    three.start_again(gone).await;
    three.ready(gone).await;
    let found = read(three.at(gone), "{one}", Consistency::Linearizable).await.unwrap();
    assert_eq!(found.as_deref(), Some(&b"new"[..]));
}

/// The leader is asked once the replica is closed; what it says then decides, and not what was seen before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_that_is_wanted_after_all_keeps_everything() {
    let three = Three::start().await;
    let group = three.at(1).group_of(&key("{one}")).unwrap();
    write(three.at(1), set("{one}", "kept")).await.unwrap();
    let leader = three.leader(group).await;
    let other = (1..=3).find(|node| *node != leader).unwrap();
    let node = three.at(other);
    let before = held(node, group);
    let retired = node.inner.host.retire(group, async { false }, |_| panic!("nothing goes")).await;
    assert!(!retired.unwrap());
    assert!(held(node, group).0 >= before.0 && held(node, group).2);
    until("its leader has it opened again", || node.inner.host.get(group).is_some()).await;
    assert!(node.inner.host.retiring().is_empty());
}
