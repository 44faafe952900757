//! Measures the snapshot store on a real disk. Use a release build:
//!
//! ```text
//! cargo run --release -p raft-store --example snapshots -- write  <folder> <MiB> json|noise
//! cargo run --release -p raft-store --example snapshots -- beside <folder> <MiB> json|noise
//! cargo run --release -p raft-store --example snapshots -- soak   <folder> <MiB> json|noise [rounds]
//! cargo run --release -p raft-store --example snapshots -- full   <folder> <MiB> json|noise [rounds]
//! ```
//!
//! `write` writes, commits, reads and replaces one snapshot; `beside` appends 2,000 entries a second to a log
//! on the same disk, without a snapshot and while one is written; `soak` replaces one snapshot by the next
//! and prints what the files take; `full` writes more than the disk holds (mount a small one, for instance
//! `mount -t tmpfs -o size=160m none folder`), and then a tenth of it, again and again.

#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a command line for developers")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use raft_store::limits::SNAPSHOT_CHUNK_BYTES;
use raft_store::snapshot_store::{Covers, Position, SnapshotError, SnapshotStore, StoredSnapshot};
use raft_store::wal::{Entry, EntryId, SharedLog, WalOptions};

const MIB: usize = 1 << 20;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [mode, folder, mib, kind] = [0, 1, 2, 3].map(|at| args.get(at).map_or("", String::as_str));
    let (folder, mib) = (Path::new(folder), mib.parse().unwrap());
    match mode {
        "write" => write_and_read(folder, mib, kind),
        "beside" => beside_a_log(folder, mib, kind),
        "soak" => soak(folder, mib, kind, args.get(4).map_or(50, |rounds| rounds.parse().unwrap())),
        "full" => full(folder, mib, kind, args.get(4).map_or(5, |rounds| rounds.parse().unwrap())),
        _ => println!("write, beside, soak or full"),
    }
}

/// Chunk `at`: records as JSON, or bytes nothing compresses.
fn chunk(kind: &str, at: usize) -> Vec<u8> {
    let mut x = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(at as u64 + 1);
    let mut next = move || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x
    };
    let mut bytes = Vec::with_capacity(SNAPSHOT_CHUNK_BYTES + 256);
    while bytes.len() < SNAPSHOT_CHUNK_BYTES {
        let n = next();
        match kind {
            "json" => bytes.extend_from_slice(
                format!(
                    r#"{{"id":{},"user":"user-{}","email":"u{}@example.com","active":{},"score":{},"tags":["a{}","b{}"]}}"#,
                    n >> 20, n % 100_000, n % 9_999_991, n & 1 == 0, n % 1000, n % 7, n % 13
                )
                .as_bytes(),
            ),
            _ => bytes.extend_from_slice(&n.to_le_bytes()),
        }
    }
    bytes
}

fn chunks(mib: usize) -> usize {
    mib * MIB / SNAPSHOT_CHUNK_BYTES
}

fn write(store: &SnapshotStore, mib: usize, kind: &str, index: u64) -> StoredSnapshot {
    try_write(store, mib, kind, index).unwrap()
}

fn try_write(
    store: &SnapshotStore,
    mib: usize,
    kind: &str,
    index: u64,
) -> Result<StoredSnapshot, SnapshotError> {
    let mut writer = store.begin(1)?;
    (0..chunks(mib)).try_for_each(|at| writer.put(&chunk(kind, at + index as usize)))?;
    writer.finish(Covers { last: Some(Position { term: 1, node: 1, index }), rest: Bytes::new() })
}

fn rate(what: &str, mib: usize, since: Instant) {
    let s = since.elapsed().as_secs_f64();
    println!("{what}: {s:.3} s, {:.0} MiB/s, peak memory {} MiB", mib as f64 / s, peak_mib());
}

/// The most memory this process had resident so far.
fn peak_mib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

fn write_and_read(folder: &Path, mib: usize, kind: &str) {
    let made = Instant::now();
    (0..chunks(mib)).for_each(|at| drop(chunk(kind, at)));
    rate("making the chunks alone", mib, made);
    let opened = Instant::now();
    let store = SnapshotStore::open(folder).unwrap();
    rate("open", 0, opened);
    for round in 1..=2 {
        let began = Instant::now();
        let snapshot = write(&store, mib, kind, round);
        rate("write and finish", mib, began);
        let began = Instant::now();
        assert!(store.commit(&snapshot).unwrap());
        rate("commit (removes the one before)", 0, began);
        let began = Instant::now();
        (0..snapshot.chunks()).for_each(|at| drop(snapshot.read_chunk(at).unwrap()));
        rate("read all chunks", mib, began);
        println!("stored {} MiB, on disk {} MiB", snapshot.bytes() >> 20, store.disk_bytes().unwrap() >> 20);
    }
    let began = Instant::now();
    store.remove(1).unwrap();
    rate("remove", 0, began);
    drop(store);
    let opened = Instant::now();
    let store = SnapshotStore::open(folder).unwrap();
    rate("open again", 0, opened);
    println!("on disk {} MiB", store.disk_bytes().unwrap() >> 20);
}

fn soak(folder: &Path, mib: usize, kind: &str, rounds: u64) {
    let store = SnapshotStore::open(folder).unwrap();
    let mut most = 0;
    for round in 1..=rounds {
        let began = Instant::now();
        // Sizes go up and down by a third, as maps do.
        let size = mib - mib / 3 * (round as usize % 3) / 2;
        let snapshot = write(&store, size, kind, round);
        assert!(store.commit(&snapshot).unwrap());
        let (stored, disk) = (snapshot.bytes() >> 20, store.disk_bytes().unwrap() >> 20);
        most = most.max(disk);
        println!("{round}: stored {stored} MiB, on disk {disk} MiB, {:.1} s", began.elapsed().as_secs_f64());
    }
    println!("most on disk {most} MiB, peak memory {} MiB", peak_mib());
}

fn full(folder: &Path, mib: usize, kind: &str, rounds: u64) {
    let store = SnapshotStore::open(folder).unwrap();
    let small = mib.div_ceil(10);
    for round in 1..=rounds {
        let error = try_write(&store, mib, kind, 2 * round).unwrap_err();
        println!("{round}: {error}");
        assert!(error.may_pass() && store.full().is_some());
        let before = store.current(1).unwrap();
        let snapshot = try_write(&store, small, kind, 2 * round + 1).unwrap();
        before.iter().for_each(|old| (0..old.chunks()).for_each(|at| drop(old.read_chunk(at).unwrap())));
        assert!(store.commit(&snapshot).unwrap() && store.full().is_none());
        (0..snapshot.chunks()).for_each(|at| drop(snapshot.read_chunk(at).unwrap()));
        println!("then {} MiB stored, {} on disk", snapshot.bytes() >> 20, store.disk_bytes().unwrap() >> 20);
    }
}

fn beside_a_log(folder: &Path, mib: usize, kind: &str) {
    let log = SharedLog::open(&folder.join("log"), WalOptions::default()).unwrap();
    let store = SnapshotStore::open(folder.join("snapshots")).unwrap();
    let idle = Arc::new(AtomicBool::new(false));
    let mut first = 1;
    report("log alone", append(&log, &mut first, &idle, Some(3.0)));
    for round in 1..=2 {
        let done = Arc::new(AtomicBool::new(false));
        let (writing, theirs) = (store.clone(), done.clone());
        let kind = kind.to_owned();
        let thread = std::thread::spawn(move || {
            let began = Instant::now();
            let snapshot = write(&writing, mib, &kind, round);
            writing.commit(&snapshot).unwrap();
            theirs.store(true, Ordering::Release);
            rate("snapshot", mib, began);
        });
        report("log beside it", append(&log, &mut first, &done, None));
        thread.join().unwrap();
    }
}

/// Appends 2,000 entries of 200 bytes a second, whatever the answers do, until `done` or for some seconds.
fn append(log: &SharedLog, first: &mut u64, done: &AtomicBool, seconds: Option<f64>) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (told, took) = std::sync::mpsc::channel();
    let began = Instant::now();
    let mut sent = 0_u32;
    while !done.load(Ordering::Acquire) && seconds.is_none_or(|s| began.elapsed().as_secs_f64() < s) {
        let due = began + Duration::from_micros(500) * sent;
        if let Some(wait) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(wait);
        }
        let told = told.clone();
        let id = EntryId { term: 1, node: 1, index: *first };
        let entries = vec![Entry { id, kind: 1, payload: Bytes::from(vec![7; 200]) }];
        let done = Box::new(move |result: std::io::Result<()>| {
            result.unwrap();
            told.send(due.elapsed()).unwrap();
        });
        runtime.block_on(log.append(1, entries, done)).unwrap();
        (*first, sent) = (*first + 1, sent + 1);
    }
    (0..sent).map(|_| took.recv().unwrap()).collect()
}

fn report(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |q: f64| took[((took.len() - 1) as f64 * q) as usize].as_secs_f64() * 1e3;
    let [p50, p99, p999, most] = [0.5, 0.99, 0.999, 1.0].map(at);
    println!("{what}: {} appends, ms p50 {p50:.2} p99 {p99:.2} p99.9 {p999:.2} max {most:.2}", took.len());
}
