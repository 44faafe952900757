//! The map with the page sizes it has in service: the tests beside the code run with small ones, so that few
//! keys split and join many pages.

use std::collections::BTreeMap;

use bytes::Bytes;
use raft_store::command::{
    Append, Command, Condition, Content, Copy, Delete, Expiry, Flush, PackedEntry, Packer, Persist, Rename,
    Set, SetRange, Touch, Txn,
};
use raft_store::key::Key;
use raft_store::map::{Lookup, TtlMap};
use raft_store::snapshot::{ChunkReader, ChunkWriter};

const KEYS: u64 = 6_000;

/// Numbers that look random and are the same each time (Steele, Lea and Flood, "SplitMix", 2014).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Two thirds of the keys share a slot; one in a hundred is of the longest kind.
fn key(number: u64) -> Key {
    let tag = if number.is_multiple_of(3) { "" } else { "{tag}" };
    let width = if number.is_multiple_of(100) { 1_000 } else { 1 };
    Key::new((number % 2) as u16, format!("{tag}{number:0width$}").as_bytes()).expect("a key within bounds")
}

fn value(numbers: &mut Numbers) -> Bytes {
    let len = match numbers.below(20) {
        0 => 1_000 + numbers.below(50),
        1 => 1_000 * numbers.below(9),
        _ => numbers.below(200),
    };
    vec![numbers.below(256) as u8; len as usize].into()
}

fn command(numbers: &mut Numbers, sets: u64) -> Command {
    let (key, condition) = (key(numbers.below(KEYS)), Condition::None);
    match numbers.below(20) {
        what if what < sets => {
            let expiry =
                if numbers.below(2) == 0 { Expiry::Never } else { Expiry::AfterMs(numbers.below(9_000)) };
            Command::Set(Set { key, value: value(numbers), content: Content::Octets, expiry, condition })
        }
        what if what < 16 => Command::Delete(Delete { key, condition }),
        16 => Command::Touch(Touch { key, ttl_ms: numbers.below(9_000), condition }),
        17 => Command::Persist(Persist { key, condition }),
        18 => redis(numbers, key),
        _ => {
            let (suffix, len_max) = (value(numbers), 20_000);
            Command::Append(Append { key, suffix, content: Content::Octets, len_max, condition })
        }
    }
}

fn redis(numbers: &mut Numbers, first: Key) -> Command {
    let (from, to) = (first.clone(), key(numbers.below(KEYS)));
    let rename = Command::Rename(Rename { from: to.clone(), to: first.clone(), if_absent: false });
    match numbers.below(400) {
        0 => Command::Flush(Flush { namespace: numbers.below(2) as u16 }),
        at if at < 100 => rename,
        at if at < 200 => Command::Copy(Copy { from, to, replace: true }),
        _ => {
            let (offset, value) = (numbers.below(3_000), value(numbers));
            let edit = Command::SetRange(SetRange { key: to, offset, value, len_max: 20_000 });
            Command::Txn(Txn { watched: vec![(first, None)], commands: vec![edit, rename] })
        }
    }
}

fn entry(numbers: &mut Numbers, time_ms: u64, sets: u64) -> PackedEntry {
    let mut packer = Packer::new();
    (0..40).for_each(|_| packer.push(&command(numbers, sets)));
    packer.finish(time_ms, 0)
}

fn restored(map: &TtlMap) -> TtlMap {
    let mut reader = ChunkReader::new();
    ChunkWriter::new(map.freeze()).for_each(|chunk| reader.push(&chunk).expect("a chunk just written"));
    reader.finish().expect("a whole snapshot")
}

/// Grows and shrinks a map, with copies restored from snapshots that live on beside it.
#[test]
fn a_map_and_its_restored_copies_stay_the_same() {
    let (mut map, mut numbers) = (TtlMap::owning_all(), Numbers(7));
    let mut copies: Vec<TtlMap> = Vec::new();
    for round in 0..600 {
        if round % 120 == 60 {
            copies.push(restored(&map));
        }
        let entry = entry(&mut numbers, 10 * round, if round % 300 < 200 { 14 } else { 2 });
        let replies = map.apply(&entry).unwrap();
        for copy in &mut copies {
            assert_eq!(copy.apply(&entry).unwrap(), replies, "round {round}");
        }
        if round % 50 == 49 {
            assert_eq!(map.validate(), Ok(()), "round {round}");
        }
    }
    assert!(map.stats().items > 100, "{:?}", map.stats());
    for copy in copies {
        assert_eq!(copy.validate(), Ok(()));
        assert_eq!((copy.stats(), copy.digest()), (map.stats(), map.digest()));
    }
}

/// Every value comes back as it was written, whichever way it is kept.
#[test]
fn reads_return_what_was_written() {
    let (mut map, mut numbers, mut written) = (TtlMap::owning_all(), Numbers(8), BTreeMap::new());
    for _ in 0..3 * KEYS {
        let (key, value) = (key(numbers.below(KEYS)), value(&mut numbers));
        written.insert(key.clone(), value.clone());
        let (content, expiry) = (Content::Json, Expiry::Never);
        let mut packer = Packer::new();
        packer.push(&Command::Set(Set { key, value, content, expiry, condition: Condition::None }));
        map.apply(&packer.finish(1, 1)).unwrap();
    }
    for map in [&restored(&map), &map] {
        for (key, value) in &written {
            let Lookup::Hit(entry) = map.get(key) else { panic!("{key:?} is gone") };
            assert!(entry.value == value, "{key:?}");
        }
    }
}
