//! Compares ways to compress the chunks of a snapshot. Use a release build:
//!
//! ```text
//! cargo run --release -p raft-store --example compression -- <keys>
//! ```
//!
//! A row is one way for one kind of value: the chunk's own compression, and the level of the database's, which
//! comes on top for every two chunks. Rates are in MiB of chunk for each second of one thread's CPU time, which a
//! busy machine disturbs little. `slots` is what the database's files take of it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a command line for developers")]

use bytes::Bytes;
use raft_store::command::{Command, Condition, Content, Expiry, Packer, Set};
use raft_store::key::Key;
use raft_store::map::TtlMap;
use raft_store::snapshot::ChunkWriter;
use rustix::time::{ClockId, clock_gettime};

/// Chunks in one leaf of the database: it splits a leaf of four in halves.
const CHUNKS_IN_LEAF: usize = 2;

fn main() {
    let keys = std::env::args().nth(1).map_or(500_000, |keys| keys.parse().unwrap());
    println!(
        "| values | chunk | leaf | stored | slots | write MiB/s | read MiB/s |\n|---|---|---|---|---|---|---|"
    );
    for values in ["json", "noise"] {
        let chunks: Vec<Vec<u8>> = ChunkWriter::new(map(keys, values).freeze()).collect();
        for (chunk, leaf) in
            [("none", 1), ("none", 3), ("lz4", -50), ("lz4", -7), ("lz4", 1), ("zstd 1", -7), ("zstd 3", -7)]
        {
            measure(values, chunk, leaf, &chunks);
        }
    }
}

/// `keys` keys of 16 bytes with values of 100.
fn map(keys: u64, values: &str) -> TtlMap {
    let mut map = TtlMap::owning_all();
    for first in (0..keys).step_by(1000) {
        let mut packer = Packer::new();
        for at in first..first + 1000 {
            let key = Key::new(0, format!("key{at:013}").as_bytes()).unwrap();
            let (content, expiry) = (Content::Octets, Expiry::Never);
            packer.push(&Command::Set(Set {
                key,
                value: value(values, at),
                content,
                expiry,
                condition: Condition::None,
            }));
        }
        map.apply(&packer.finish(first + 1, first + 1)).unwrap();
    }
    map
}

fn value(values: &str, at: u64) -> Bytes {
    let mut x = at.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x
    };
    let n = (0..8).fold(0, |_, _| next());
    if values == "noise" {
        return (0..13).flat_map(|_| next().to_le_bytes()).take(100).collect();
    }
    let mut text = format!(
        r#"{{"id":{},"user":"user-{}","email":"u{}@example.com","active":{},"score":{}}}"#,
        n >> 20,
        n % 100_000,
        n % 9_999_991,
        n & 1 == 0,
        n % 1000
    );
    text.extend(std::iter::repeat_n(' ', 100_usize.saturating_sub(text.len())));
    text.truncate(100);
    text.into()
}

fn measure(values: &str, chunk: &str, level: i32, chunks: &[Vec<u8>]) {
    let began = cpu_seconds();
    let leaves: Vec<(Vec<usize>, Vec<u8>)> = chunks
        .chunks(CHUNKS_IN_LEAF)
        .map(|some| {
            let packed: Vec<Vec<u8>> = some.iter().map(|bytes| compress(chunk, bytes)).collect();
            let lens = packed.iter().map(Vec::len).collect();
            (lens, zstd::stream::encode_all(packed.concat().as_slice(), level).unwrap())
        })
        .collect();
    let written = cpu_seconds();
    for ((lens, leaf), some) in leaves.iter().zip(chunks.chunks(CHUNKS_IN_LEAF)) {
        let mut packed = zstd::stream::decode_all(leaf.as_slice()).unwrap();
        for (len, bytes) in lens.iter().zip(some) {
            let rest = packed.split_off(*len);
            assert!(decompress(chunk, &packed, bytes.len()) == *bytes);
            packed = rest;
        }
    }
    let read = cpu_seconds();
    let raw: usize = chunks.iter().map(Vec::len).sum();
    let share = |bytes: usize| bytes as f64 / raw as f64;
    let stored = share(leaves.iter().map(|(_, leaf)| leaf.len()).sum());
    let slots = share(leaves.iter().map(|(_, leaf)| slot(leaf.len())).sum());
    let rate = |seconds: f64| raw as f64 / f64::from(1 << 20) / seconds;
    let (write, read) = (rate(written - began), rate(read - written));
    println!("| {values} | {chunk} | zstd {level} | {stored:.2} | {slots:.2} | {write:.0} | {read:.0} |");
}

fn compress(how: &str, bytes: &[u8]) -> Vec<u8> {
    match how {
        "lz4" => lz4_flex::block::compress(bytes),
        "zstd 1" => zstd::bulk::compress(bytes, 1).unwrap(),
        "zstd 3" => zstd::bulk::compress(bytes, 3).unwrap(),
        _ => bytes.to_vec(),
    }
}

fn decompress(how: &str, bytes: &[u8], len: usize) -> Vec<u8> {
    match how {
        "lz4" => lz4_flex::block::decompress(bytes, len).unwrap(),
        "none" => bytes.to_vec(),
        _ => zstd::bulk::decompress(bytes, len).unwrap(),
    }
}

/// The slot of the database that `bytes` take: 2^n or 3 × 2^n bytes.
fn slot(bytes: usize) -> usize {
    let above = (bytes + 8).next_power_of_two();
    if bytes + 8 <= above / 4 * 3 { above / 4 * 3 } else { above }
}

fn cpu_seconds() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}
