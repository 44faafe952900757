//! What becomes of a group's snapshot when another group's damage is set aside.

use super::*;

/// `snapshot` as it came from another node: whole, but not current.
fn received(store: &SnapshotStore, snapshot: &StoredSnapshot) -> GroupSnapshot {
    let mut writer = store.begin(snapshot.group()).unwrap();
    (0..snapshot.chunks()).for_each(|at| writer.put_raw(&snapshot.read_raw(at).unwrap()).unwrap());
    whole(writer.finish(snapshot.covers().clone()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_received_snapshot_lost_before_its_install_is_written_again() {
    let (_source_dir, source) = store();
    let mut leader = machine(&source);
    apply(&mut leader, (1..50).map(set)).await.unwrap();
    let sent = build(&mut leader).await;

    let (dir, own) = store();
    let mut damaged = GroupStateMachine::new(1, own.clone(), Arc::new(()));
    apply(&mut damaged, [blank(1)]).await.unwrap();
    drop(build(&mut damaged).await);
    let mut follower = machine(&own);
    let received = received(&own, &sent.snapshot);
    follower.prepared().prepare(&received.snapshot).unwrap();
    assert!(own.set_aside(1).unwrap());
    follower.install_snapshot(&received.meta, received.snapshot).await.unwrap();
    assert_eq!(state(&follower), state(&leader));

    drop((damaged, follower, own));
    let mut restarted = machine(&SnapshotStore::open(dir.path()).unwrap());
    let stored = current(&mut restarted).await;
    assert_eq!(stored.meta, sent.meta);
    restarted.install_snapshot(&stored.meta, stored.snapshot).await.unwrap();
    assert_eq!(state(&restarted), state(&leader));
}
