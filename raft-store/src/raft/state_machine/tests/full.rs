//! A full disk puts snapshots off, and ends nobody.

use super::*;
use crate::limits::SNAPSHOT_ABANDONED_MAX;

#[tokio::test]
async fn a_full_disk_puts_a_snapshot_off_and_fails_nobody() {
    let (_dir, store) = store();
    let mut machine = machine(&store);
    apply(&mut machine, (1..10).map(set)).await.unwrap();
    let mut put_off = machine.try_create_snapshot_builder(false).await.unwrap();
    store.fail_next_flush(io::ErrorKind::StorageFull);
    let nothing = put_off.build_snapshot().await.unwrap();
    assert_eq!((nothing.meta.last_log_id, nothing.snapshot.chunks()), (None, 0));
    assert!(store.full().is_some());
    assert!(machine.get_current_snapshot().await.unwrap().is_none());
    let built = build(&mut machine).await;
    assert_eq!((built.meta.last_log_id, store.full()), (Some(log_id(9)), None));
    apply(&mut machine, (10..20).map(set)).await.unwrap();
    let mut put_off = machine.try_create_snapshot_builder(false).await.unwrap();
    store.fail_next_flush(io::ErrorKind::QuotaExceeded);
    let older = put_off.build_snapshot().await.unwrap();
    assert_eq!((older.meta.last_log_id, older.snapshot.id()), (Some(log_id(9)), built.snapshot.id()));
}

#[tokio::test]
async fn a_disk_that_stays_full_never_ends_the_group() {
    let (_dir, store) = store();
    let mut machine = machine(&store);
    apply(&mut machine, [set(1)]).await.unwrap();
    let built = build(&mut machine).await;
    for index in 2..SNAPSHOT_ABANDONED_MAX.into() {
        apply(&mut machine, [set(index)]).await.unwrap();
        for _ in 0..2 {
            store.fail_next_flush(io::ErrorKind::StorageFull);
            let put_off = machine.builder(false).build_snapshot().await.unwrap();
            assert_eq!(put_off.meta, built.meta);
        }
    }
    assert!(store.full().unwrap().ends_with("until a restart"));
    assert!(machine.try_create_snapshot_builder(false).await.is_none());
    assert_eq!(current(&mut machine).await.meta, built.meta);
}

#[tokio::test]
async fn a_snapshot_openraft_cannot_do_without_and_a_failing_disk_are_errors() {
    for (forced, kind) in [(true, io::ErrorKind::StorageFull), (false, io::ErrorKind::Other)] {
        let (_dir, store) = store();
        let mut machine = machine(&store);
        apply(&mut machine, [set(1)]).await.unwrap();
        let mut builder = machine.try_create_snapshot_builder(forced).await.unwrap();
        store.fail_next_flush(kind);
        let error = builder.build_snapshot().await.unwrap_err();
        assert!(error.to_string().contains("snapshot 1 of group 0"), "{error}");
    }
}

#[tokio::test]
async fn an_install_waits_for_room() {
    let (_source_dir, source) = store();
    let mut original = machine(&source);
    apply(&mut original, (1..10).map(set)).await.unwrap();
    let sent = build(&mut original).await;
    let (_dir, store) = store();
    let mut follower = machine(&store);
    store.fail_next_flush(io::ErrorKind::StorageFull);
    follower.install_snapshot(&sent.meta, sent.snapshot).await.unwrap();
    assert_eq!(state(&follower), state(&original));
    assert_eq!(current(&mut follower).await.meta, sent.meta);
    assert_eq!(store.full(), None);
}
