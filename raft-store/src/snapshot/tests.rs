//! Chunks round-trip, keep their bound, and are believed only when a map can have written them.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::codec::DecodeError;
use crate::command::arbitrary::{cases, packed};
use crate::command::*;
use crate::key::Key;
use crate::limits::SNAPSHOT_CHUNK_BYTES;
use crate::map::{Lookup, TtlMap};

fn set(name: &str, value: Vec<u8>) -> Command {
    Command::Set(Set {
        key: Key::new(0, name.as_bytes()).unwrap(),
        value: value.into(),
        content: Content::Media(Bytes::from_static(b"image/png")),
        expiry: Expiry::AfterMs(500),
        condition: Condition::None,
    })
}

fn map_of(commands: &[Command]) -> TtlMap {
    let mut map = TtlMap::owning_all();
    map.apply(&packed(100, 7_000, commands)).unwrap();
    map
}

fn chunks(map: &TtlMap) -> Vec<Vec<u8>> {
    ChunkWriter::new(map.freeze()).collect()
}

fn read(chunks: &[Vec<u8>]) -> Result<TtlMap, DecodeError> {
    let mut reader = ChunkReader::new();
    chunks.iter().try_for_each(|chunk| reader.push(chunk))?;
    reader.finish()
}

#[test]
fn an_empty_map_is_one_header() {
    let map = TtlMap::new();
    assert_eq!(chunks(&map).len(), 1);
    assert_eq!(read(&chunks(&map)).unwrap().digest(), map.digest());
}

/// Snapshots outlive the program that wrote them: a change of these bytes needs a new format number.
#[test]
fn the_bytes_of_a_snapshot_are_fixed() {
    let chunks = chunks(&map_of(&[set("k", vec![b'v'])]));
    let header = [
        &b"QMAP\x02"[..],
        &100u64.to_le_bytes(),   // group time
        &7_000u64.to_le_bytes(), // wall clock
        &1u64.to_le_bytes(),     // version
        &0u64.to_le_bytes(),     // expired in total
        &0u64.to_le_bytes(),     // epoch
        &1u64.to_le_bytes(),     // entries
        &[0xff; 2048],           // owned slots
    ];
    assert_eq!(chunks[0], header.concat());
    let entry = [
        &[0b0111, 1][..], // a media type and a deadline; key length
        b"k",
        &[1, 100],     // version, created
        &[0xf4, 0x03], // deadline: 500 ms after it was modified
        b"\x09image/png",
        b"\x01v",
    ];
    assert_eq!(chunks[1], entry.concat());
    assert_eq!(chunks.len(), 2);
}

#[test]
fn chunks_are_bounded_and_together_the_map() {
    let value_len = SNAPSHOT_CHUNK_BYTES / 10;
    let commands: Vec<Command> = (0..100).map(|n| set(&format!("k{n}"), vec![n as u8; value_len])).collect();
    let map = map_of(&commands);
    let chunks = chunks(&map);
    assert!((10..=12).contains(&chunks.len()), "{} chunks", chunks.len());
    assert!(chunks.iter().all(|chunk| chunk.len() < SNAPSHOT_CHUNK_BYTES + value_len + 100));
    let restored = read(&chunks).unwrap();
    assert_eq!(restored.validate(), Ok(()));
    assert_eq!(restored.digest(), map.digest());
    assert_eq!((restored.wall_ms(), restored.next_deadline()), (7_000, Some(600)));
}

#[test]
fn one_value_larger_than_a_chunk_travels_alone() {
    let map = map_of(&[set("a", vec![1; 3 * SNAPSHOT_CHUNK_BYTES]), set("b", vec![2])]);
    assert_eq!(chunks(&map).iter().map(Vec::len).filter(|&len| len > SNAPSHOT_CHUNK_BYTES).count(), 1);
    assert_eq!(read(&chunks(&map)).unwrap().digest(), map.digest());
}

#[test]
fn missing_repeated_and_swapped_chunks_are_found() {
    let commands: Vec<Command> =
        (0..4).map(|n| set(&format!("k{n}"), vec![0; SNAPSHOT_CHUNK_BYTES])).collect();
    let good = chunks(&map_of(&commands));
    assert_eq!(good.len(), 5);
    assert!(read(&good).is_ok());
    assert!(read(&[]).is_err());
    for at in 0..good.len() {
        let mut missing = good.clone();
        missing.remove(at);
        assert!(read(&missing).is_err(), "without chunk {at}");
        let mut repeated = good.clone();
        repeated.insert(at, good[at].clone());
        assert!(read(&repeated).is_err(), "chunk {at} twice");
    }
    let mut swapped = good.clone();
    swapped.swap(1, 2);
    assert_eq!(read(&swapped).unwrap_err(), DecodeError::Invalid("order of entries"));
}

#[test]
fn entries_beyond_the_head_are_refused() {
    let two = chunks(&map_of(&[set("a", vec![1]), set("b", vec![2])]));
    let empty = |map: &TtlMap| chunks(map).remove(0);
    let mut old = TtlMap::owning_all();
    assert_eq!(read(&[empty(&old), two[1].clone()]).unwrap_err(), DecodeError::Invalid("number of entries"));
    old.apply(&packed(99, 0, &[set("c", vec![]), set("d", vec![])])).unwrap();
    assert_eq!(read(&[empty(&old), two[1].clone()]).unwrap_err(), DecodeError::Invalid("time of an entry"));
    let one_write = chunks(&map_of(&[set("c", vec![])])).remove(0);
    assert!(read(&[one_write, two[1].clone()]).is_err());
}

#[test]
fn another_format_is_refused() {
    let mut header = chunks(&TtlMap::new());
    for format in [1, 3] {
        header[0][4] = format;
        let refused = read(&header).unwrap_err();
        assert_eq!(refused, DecodeError::Unknown { what: "snapshot format", value: format.into() });
        assert_eq!(refused.to_string(), format!("unknown snapshot format: {format}"));
    }
}

/// What a restored map needs not be told twice: entries in another order are no map's.
#[test]
fn entries_out_of_order_are_refused() {
    let (a, b) = (set("{t}a", vec![1]), set("{t}b", vec![2]));
    let whole = chunks(&map_of(&[a.clone(), b.clone()]));
    let len = chunks(&map_of(&[a]))[1].len();
    assert_eq!(len, chunks(&map_of(&[b]))[1].len());
    let swapped = [&whole[1][len..], &whole[1][..len]].concat();
    assert_eq!(read(&[whole[0].clone(), swapped]).unwrap_err(), DecodeError::Invalid("order of entries"));
}

/// What was written is freed while the rest is not written yet.
#[test]
fn the_writer_lets_go_of_what_it_wrote() {
    let value_len = SNAPSHOT_CHUNK_BYTES / 4;
    let commands: Vec<Command> = (0..40).map(|n| set(&format!("k{n}"), vec![n as u8; value_len])).collect();
    let mut map = map_of(&commands);
    let mut writer = ChunkWriter::new(map.freeze());
    let held: Vec<Bytes> = (0..40).map(|n| value(&map, &format!("k{n}"))).collect();
    map.apply(&packed(100, 0, &commands)).unwrap();
    let mut alone = Vec::new();
    while writer.next().is_some() {
        alone.push(held.iter().filter(|value| value.is_unique()).count());
    }
    assert!(alone.is_sorted() && alone[0] == 0 && alone[5] > 8 && alone[9] > 24, "{alone:?}");
    drop(writer);
    assert!(held.iter().all(Bytes::is_unique));
}

fn value(map: &TtlMap, name: &str) -> Bytes {
    match map.get(&Key::new(0, name.as_bytes()).unwrap()) {
        Lookup::Hit(entry) => entry.value,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn garbage_never_panics(chunk in prop::collection::vec(any::<u8>(), 0..300)) {
        let header = chunks(&TtlMap::owning_all()).remove(0);
        prop_assert!(read(std::slice::from_ref(&chunk)).is_err());
        let _ = read(&[header, chunk]);
    }

    /// Whatever a flipped bit leaves readable is still a map that holds together.
    #[test]
    fn a_flipped_bit_never_breaks_a_map(chunk in 0..2usize, at in any::<prop::sample::Index>(), bit in 0..8u32) {
        let mut chunks = chunks(&map_of(&[set("a", vec![1; 9]), set("{a}b", vec![2; 9]), set("c", vec![])]));
        let at = at.index(chunks[chunk].len());
        chunks[chunk][at] ^= 1u8 << bit;
        if let Ok(map) = read(&chunks) {
            prop_assert_eq!(map.validate(), Ok(()));
        }
    }
}
