//! Frames from other nodes.

use super::*;
use crate::limits::SNAPSHOT_CHUNK_BYTES_MAX;

#[test]
fn frames_move_a_snapshot_to_another_store() {
    let (_dir, store) = open();
    let (_other_dir, other) = open();
    write_current(&other, 5, 1, &[b"so that sequences differ"]);
    let sent = write_current(&store, 5, 10, &[b"one", &[1; 5000]]);
    let mut writer = other.begin(5).unwrap();
    for index in 0..sent.chunks() {
        writer.put_raw(&sent.read_raw(index).unwrap()).unwrap();
    }
    let received = writer.finish(sent.covers().clone()).unwrap();
    assert!(other.commit(&received).unwrap());
    assert_eq!(chunks(&current(&other, 5)), chunks(&sent));
    assert!(matches!(store.commit(&received), Err(SnapshotError::Foreign(_))));
}

#[test]
fn a_received_frame_with_any_bit_flipped_is_refused() {
    let (_dir, store) = open();
    let frame = write(&store, 1, 10, &[b"some bytes of a chunk"]).read_raw(0).unwrap();
    let mut writer = store.begin(1).unwrap();
    for bit in 0..frame.len() * 8 {
        let mut flipped = frame.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let refused = writer.put_raw(&flipped.into());
        assert!(matches!(refused, Err(SnapshotError::BadFrame { group: 1, chunk: 0, .. })), "bit {bit}");
    }
    assert!(writer.put_raw(&frame.slice(..frame.len() - 1)).is_err());
    writer.put_raw(&frame).unwrap();
}

#[test]
fn frames_out_of_order_or_of_another_snapshot_are_refused() {
    let (_dir, store) = open();
    let one = write(&store, 1, 10, &[b"0", b"1"]);
    let two = write(&store, 1, 20, &[b"0", b"1"]);
    let mut writer = store.begin(1).unwrap();
    let misplaced =
        |result| matches!(result, Err(SnapshotError::BadFrame { reason: CorruptReason::Misplaced, .. }));
    assert!(misplaced(store.begin(2).unwrap().put_raw(&one.read_raw(0).unwrap())));
    writer.put_raw(&one.read_raw(0).unwrap()).unwrap();
    assert!(misplaced(writer.put_raw(&one.read_raw(0).unwrap())));
    assert!(misplaced(writer.put_raw(&two.read_raw(1).unwrap())));
    writer.put_raw(&one.read_raw(1).unwrap()).unwrap();
}

#[test]
fn a_chunk_past_the_bound_is_refused() {
    let (_dir, store) = open();
    let mut writer = store.begin(1).unwrap();
    let too_large = vec![0; SNAPSHOT_CHUNK_BYTES_MAX + 1];
    assert!(matches!(writer.put(&too_large), Err(SnapshotError::TooLarge(_))));
    assert!(matches!(writer.put_raw(&too_large.into()), Err(SnapshotError::TooLarge(_))));
    assert_eq!(writer.chunks(), 0);
}
