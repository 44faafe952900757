//! Small pieces of the hot path by themselves: the store's map, the codec of entries, slots and the ring.
//!
//! `cargo bench -p bench`; some of them: `cargo bench -p bench -- codec`.

use std::cell::Cell;

use bytes::Bytes;
use divan::Bencher;
use divan::counter::ItemsCount;
use quorate::ring::{Ring, VIRTUAL_NODES_DEFAULT};
use raft_store::command::{Command, Condition, Content, Expiry, PackedEntry, Packer, Set};
use raft_store::key::{DEFAULT_NAMESPACE, Key};
use raft_store::map::TtlMap;
use raft_store::slot::slot_of;

/// Keys in the map.
const KEYS: u64 = 100_000;
/// Bytes of a value.
const VALUE_BYTES: usize = 100;
/// A number without a common divisor with [`KEYS`]: stepping by it visits every key, no neighbours in a row.
const STEP: u64 = 61_803;
/// Commands in an entry.
const BATCHES: [u64; 2] = [1, 64];

fn main() {
    divan::main();
}

fn key(number: u64) -> Key {
    let text = format!("{number:016}");
    Key::new(DEFAULT_NAMESPACE, text.as_bytes()).expect("a key of 16 bytes is within its bounds")
}

fn set(number: u64) -> Command {
    let value = Bytes::from(vec![b'x'; VALUE_BYTES]);
    Command::Set(Set {
        key: key(number % KEYS),
        value,
        content: Content::Octets,
        expiry: Expiry::Never,
        condition: Condition::None,
    })
}

fn packed(first: u64, count: u64) -> PackedEntry {
    let mut packer = Packer::new();
    (first..first + count).for_each(|number| packer.push(&set(number * STEP)));
    packer.finish(1, 1)
}

fn filled() -> TtlMap {
    let mut map = TtlMap::owning_all();
    for first in (0..KEYS).step_by(64) {
        map.apply(&packed(first, 64)).expect("an entry that was just packed");
    }
    map
}

mod store {
    use super::*;

    #[divan::bench]
    fn get(bencher: Bencher<'_, '_>) {
        let (map, next) = (filled(), Cell::new(0));
        bencher
            .with_inputs(|| {
                next.set(next.get() + STEP);
                key(next.get() % KEYS)
            })
            .bench_local_refs(|key| {
                divan::black_box(map.get(key));
            });
    }

    #[divan::bench(args = BATCHES)]
    fn overwrite(bencher: Bencher<'_, '_>, batch: u64) {
        let (mut map, next) = (filled(), Cell::new(0));
        bencher
            .counter(ItemsCount::new(batch))
            .with_inputs(|| {
                next.set(next.get() + batch);
                packed(next.get(), batch)
            })
            .bench_local_refs(|entry| map.apply(entry).map(drop));
    }
}

mod codec {
    use super::*;

    #[divan::bench(args = BATCHES)]
    fn encode(bencher: Bencher<'_, '_>, batch: u64) {
        let commands: Vec<Command> = (0..batch).map(set).collect();
        bencher.counter(ItemsCount::new(batch)).bench_local(|| {
            let mut packer = Packer::new();
            commands.iter().for_each(|command| packer.push(command));
            packer.finish(1, 1)
        });
    }

    #[divan::bench(args = BATCHES)]
    fn decode(bencher: Bencher<'_, '_>, batch: u64) {
        let entry = packed(0, batch);
        bencher
            .counter(ItemsCount::new(batch))
            .bench_local(|| entry.commands().filter(|command| command.is_ok()).count());
    }
}

mod ring {
    use super::*;

    #[divan::bench]
    fn slot() -> u16 {
        slot_of(divan::black_box(b"user:0000000042"))
    }

    #[divan::bench]
    fn group_of_slot(bencher: Bencher<'_, '_>) {
        let table = Ring::new((1..=64).map(|group| (group, 1)), VIRTUAL_NODES_DEFAULT).table();
        let next = Cell::new(0_u16);
        bencher.bench_local(|| {
            next.set(next.get().wrapping_add(7919));
            table.group_of(next.get() % raft_store::slot::SLOTS)
        });
    }

    #[divan::bench(args = [3, 64, 1024])]
    fn table(groups: u32) -> quorate::ring::SlotTable {
        Ring::new((1..=groups).map(|group| (group, 1)), VIRTUAL_NODES_DEFAULT).table()
    }
}
