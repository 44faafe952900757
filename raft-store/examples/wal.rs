//! Measures the log on a real disk: how long writes take while segments are changed, and how long a full log takes
//! to open.
//!
//! ```text
//! cargo run --release -p raft-store --example wal -- latency DIR [SECONDS] [SEGMENT_MIB]
//! cargo run --release -p raft-store --example wal -- open DIR [ENTRY_BYTES]
//! ```
//! DIR is made, and must be empty or absent: nothing of yours is overwritten.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use raft_store::GroupId;
use raft_store::wal::{Entry, EntryId, SharedLog, WalOptions};
use tokio::sync::oneshot;

/// Writers, each with a group of its own, one append at a time.
const WRITERS: GroupId = 64;
const ENTRY_BYTES: usize = 100;
/// Entries each group keeps when it purges, and after how many it does.
const KEPT: u64 = 2_000;
const PURGE_EVERY: u64 = 500;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |nth: usize, default| args.get(nth).map_or(Ok(default), |arg| arg.parse::<u64>());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    match args.first().map(String::as_str) {
        Some("latency") if args.len() > 1 => {
            runtime.block_on(latency(Path::new(&args[1]), number(2, 12)?, number(3, 16)?))
        }
        Some("open") if args.len() > 1 => {
            runtime.block_on(open(Path::new(&args[1]), number(2, 100)? as usize))
        }
        Some("reopen") if args.len() > 1 => reopen(Path::new(&args[1])),
        _ => Err("usage: wal latency DIR [SECONDS] [SEGMENT_MIB] | wal open DIR [ENTRY_BYTES]".into()),
    }
}

fn fresh(dir: &Path, options: WalOptions) -> Result<SharedLog, Box<dyn std::error::Error>> {
    if SharedLog::is_in(dir)? {
        return Err(format!("{} holds a log already", dir.display()).into());
    }
    Ok(SharedLog::open(dir, options)?)
}

fn entry(index: u64, bytes: usize) -> Entry {
    Entry { id: EntryId { term: 1, node: 1, index }, kind: 1, payload: vec![index as u8; bytes].into() }
}

async fn append(log: &SharedLog, group: GroupId, entries: Vec<Entry>) -> io::Result<()> {
    let (tell, told) = oneshot::channel();
    let done = Box::new(move |result| drop(tell.send(result)));
    log.append(group, entries, done).await?;
    told.await.map_err(io::Error::other)?
}

async fn latency(dir: &Path, seconds: u64, segment_mib: u64) -> Result<(), Box<dyn std::error::Error>> {
    let options = WalOptions { segment_bytes: segment_mib << 20, ..WalOptions::default() };
    let log = fresh(dir, options)?;
    let end = Instant::now() + Duration::from_secs(seconds);
    let writers: Vec<_> = (0..WRITERS)
        .map(|group| {
            let log = log.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                for index in 0.. {
                    let start = Instant::now();
                    if start >= end {
                        break;
                    }
                    append(&log, group, vec![entry(index, ENTRY_BYTES)]).await?;
                    times.push(start.elapsed().as_nanos() as u64);
                    if index > KEPT && index % PURGE_EVERY == 0 {
                        log.purge(group, entry(index - KEPT, 0).id).await?;
                    }
                }
                io::Result::Ok(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for writer in writers {
        times.extend(writer.await??);
    }
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize] as f64 / 1e6;
    let stats = log.stats();
    println!(
        "{} writes/s, {} syncs/s, {:.0} segments filled; ms: p50 {:.2} p99 {:.2} p99.9 {:.2} p99.99 {:.2} max {:.2}",
        times.len() as u64 / seconds,
        stats.batches / seconds,
        stats.written_bytes as f64 / options.segment_bytes as f64,
        at(0.5),
        at(0.99),
        at(0.999),
        at(0.9999),
        at(1.0),
    );
    Ok(())
}

async fn open(dir: &Path, entry_bytes: usize) -> Result<(), Box<dyn std::error::Error>> {
    let options = WalOptions::default();
    let log = fresh(dir, options)?;
    let per_append = (256 << 10) / (entry_bytes + 40) + 1;
    let mut next = 0;
    while log.stats().written_bytes < options.segment_bytes * options.segments_max as u64 * 99 / 100 {
        let entries = (next..next + per_append as u64).map(|index| entry(index, entry_bytes)).collect();
        append(
            &log,
            (next / per_append as u64 % 3) as GroupId,
            renumber(entries, next / per_append as u64 / 3),
        )
        .await?;
        next += per_append as u64;
    }
    let bytes = log.stats().written_bytes;
    log.close()?;
    drop(log);
    println!("{} MiB written", bytes >> 20);
    // Another process: this one has memory left over from writing, which opening would seem not to take.
    let status = std::process::Command::new(std::env::current_exe()?).arg("reopen").arg(dir).status()?;
    if status.success() { Ok(()) } else { Err("opening it again failed".into()) }
}

/// Opens the log in `dir` several times. The first time says what memory it takes.
fn reopen(dir: &Path) -> Result<(), Box<dyn std::error::Error>> {
    for _ in 0..5 {
        let before = resident();
        let start = Instant::now();
        let log = SharedLog::open(dir, WalOptions::default())?;
        let took = start.elapsed();
        let entries: u64 = log.groups().into_iter().map(|group| log.group_stats(group).entries).sum();
        println!(
            "{entries} entries: opened in {:.3} s; {:.1} B of memory for each entry",
            took.as_secs_f64(),
            resident().saturating_sub(before) as f64 / entries as f64,
        );
        log.close()?;
    }
    Ok(())
}

/// Each of three groups counts its own entries.
fn renumber(mut entries: Vec<Entry>, part: u64) -> Vec<Entry> {
    let first = part * entries.len() as u64;
    for (nth, entry) in entries.iter_mut().enumerate() {
        entry.id.index = first + nth as u64;
    }
    entries
}

/// Resident bytes of this process; 0 where the system does not say.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
