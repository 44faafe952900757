//! What an instance still does after its group was closed.

use super::*;

#[tokio::test]
async fn nothing_a_closed_instance_builds_or_installs_becomes_current() {
    let (_source_dir, source) = store();
    let mut leader = machine(&source);
    apply(&mut leader, (1..20).map(set)).await.unwrap();
    let sent = build(&mut leader).await;

    let (_dir, own) = store();
    let mut old = machine(&own);
    apply(&mut old, (1..10).map(set)).await.unwrap();
    let mut building = old.get_snapshot_builder().await;
    old.gate().close();
    assert!(building.build_snapshot().await.unwrap_err().to_string().contains("closed"));
    assert!(old.install_snapshot(&sent.meta, sent.snapshot.clone()).await.is_err());
    assert!(own.current(META_GROUP).unwrap().is_none());

    let mut next = machine(&own);
    next.install_snapshot(&sent.meta, sent.snapshot).await.unwrap();
    assert!(own.current(META_GROUP).unwrap().is_some(), "the next instance is not concerned");
}
