//! Damaged snapshots are in nobody's way while the map in memory is whole.

use super::*;

#[tokio::test]
async fn damage_in_the_way_of_a_snapshot_costs_one_attempt_at_most() {
    let (_dir, store) = store();
    let mut machine = machine(&store);
    let mut before = None;
    for index in 1..20 {
        apply(&mut machine, [set(index)]).await.unwrap();
        store.fail_next_flush(io::ErrorKind::InvalidData);
        let put_off = machine.builder(false).build_snapshot().await.unwrap();
        // What is tidied up first may have met it already.
        assert!([before, Some(log_id(index))].contains(&put_off.meta.last_log_id));
        let built = build(&mut machine).await;
        assert_eq!(built.meta.last_log_id, Some(log_id(index)));
        before = built.meta.last_log_id;
        assert_eq!(current(&mut machine).await.snapshot.id(), built.snapshot.id());
    }
    assert_eq!(store.full(), None);
}

#[tokio::test]
async fn damage_that_does_not_end_puts_a_snapshot_off() {
    let (_dir, store) = store();
    let mut machine = machine(&store);
    apply(&mut machine, [set(1)]).await.unwrap();
    let built = build(&mut machine).await;
    apply(&mut machine, [set(2)]).await.unwrap();
    store.fail_flushes(100, io::ErrorKind::InvalidData);
    assert_eq!(machine.builder(false).build_snapshot().await.unwrap().meta, built.meta);
    store.fail_flushes(0, io::ErrorKind::InvalidData);
    assert_eq!(build(&mut machine).await.meta.last_log_id, Some(log_id(2)));
}

#[tokio::test]
async fn the_room_a_snapshot_may_take_is_guessed_by_the_last_one() {
    let (_dir, store) = store();
    let mut machine = machine(&store);
    apply(&mut machine, (1..50).map(set)).await.unwrap();
    assert_eq!(machine.snapshot_bytes(), machine.map.read().stats().bytes / SNAPSHOT_MEMORY_FOR_ONE_BYTE);
    let built = build(&mut machine).await;
    assert_eq!(machine.snapshot_bytes(), built.snapshot.bytes());
}
