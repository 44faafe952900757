//! `store snapshot`: the pause, and what writes, memory and disk see of a snapshot being taken.
//!
//! Map, log with fsync and snapshot store are a node's own; writes come at a fixed rate whatever happens, and their
//! latency counts from when they were due.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use raft_store::command::{Command, Expiry};
use raft_store::snapshot_store::StoredSnapshot;
use serde_json::{Value, json};

use super::drive::{Driver, Seen};
use super::fill::{FILL_BATCH, KEY_BYTES, mix, packed, set, shuffled};
use super::process::{MemoryPeak, disk_bytes, resident_bytes, scratch};
use super::replica::{Replica, build, open_log, open_snapshots, runtime};
use super::size::mib;
use super::table::{QUANTILES, Table, quantiles};

/// Arguments of `store snapshot`.
#[derive(Debug, Args)]
pub(crate) struct SnapshotArguments {
    /// Keys in the map.
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) keys: u64,
    /// Bytes of a value.
    #[arg(long, default_value_t = 100)]
    pub(crate) value_bytes: usize,
    /// Writes each second; a snapshot is taken at each of these rates.
    #[arg(long, value_delimiter = ',', default_value = "2000,10000,10000")]
    pub(crate) rate: Vec<u64>,
    /// How long writes are measured before each snapshot.
    #[arg(long, default_value = "5s", value_parser = crate::load::arguments::duration)]
    pub(crate) before: Duration,
    /// Where to write, on a real disk.
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
}

/// What one snapshot cost beside the latencies.
struct Taken {
    pause: Duration,
    build: Duration,
    /// Memory when it began and at the most, bytes.
    memory: (u64, u64),
    stored: StoredSnapshot,
}

/// Fills a map and takes a snapshot at each rate.
pub(crate) fn run(arguments: &SnapshotArguments) -> anyhow::Result<Vec<Table>> {
    let dir = scratch(arguments.dir.as_ref())?;
    let runtime = runtime()?;
    let (log, store) = (open_log(dir.path())?, open_snapshots(dir.path())?);
    let mut replica = Replica::new(0, &log, &store);
    let folder = dir.path().join("snapshots");
    let (mut writes, mut costs) = tables(arguments);
    runtime.block_on(async {
        for entry in packed(shuffled(arguments.keys, 0).map(|n| arguments.set(n)), FILL_BATCH, 0) {
            replica.apply(entry).await?;
        }
        for (nth, &rate) in (1..).zip(&arguments.rate) {
            let zero = Instant::now();
            let mut driver = Driver::new(zero, rate, |k| arguments.set(mix(k ^ mix(nth)) % arguments.keys));
            let disk_before = disk_bytes(&folder)?;
            let before = driver.run(&mut replica, arguments.before).await?;
            let (taken, during) = take(&mut driver, &mut replica).await?;
            add_writes(&mut writes, rate, "before", &before);
            add_writes(&mut writes, rate, "during", &during);
            costs.row(arguments.cost(rate, &taken, &during, disk_before, &folder)?);
            replica.purge().await?;
        }
        anyhow::Ok(())
    })?;
    Ok(vec![writes, costs])
}

fn tables(arguments: &SnapshotArguments) -> (Table, Table) {
    let SnapshotArguments { keys, value_bytes, .. } = arguments;
    let columns = ["rate", "when", "writes", "seconds"].into_iter().chain(QUANTILES).chain(["apply_max_us"]);
    let writes =
        Table::new(format!("writes around a snapshot, {keys} keys, {value_bytes} B values"), columns);
    let columns = [
        "rate",
        "pause_ms",
        "build_s",
        "raw_mib",
        "raw_mib/s",
        "ratio",
        "stored_mib",
        "read_mib/s",
        "written_mib",
        "extra_mib",
        "disk_before_mib",
        "disk_after_mib",
    ];
    (writes, Table::new("snapshots, one after the other in one store", columns))
}

/// Takes a snapshot beside the writes.
async fn take<F: FnMut(u64) -> Command>(
    driver: &mut Driver<F>,
    replica: &mut Replica,
) -> anyhow::Result<(Taken, Seen)> {
    let memory_before = resident_bytes()?;
    let peak = MemoryPeak::watch();
    let mut seen = Seen::new()?;
    let (builder, pause) = replica.freeze().await;
    let building = tokio::spawn(build(builder));
    while !building.is_finished() {
        driver.step(replica, &mut seen).await?;
    }
    let build = seen.elapsed();
    let stored = building.await??;
    Ok((Taken { pause, build, memory: (memory_before, peak.finish()?), stored }, seen))
}

fn add_writes(table: &mut Table, rate: u64, when: &str, seen: &Seen) {
    let mut cells = vec![json!(rate), json!(when), json!(seen.writes.len()), json!(seen.seconds())];
    cells.extend(quantiles(&seen.writes));
    cells.push(json!(seen.applies.max()));
    table.row(cells);
}

impl SnapshotArguments {
    fn set(&self, n: u64) -> Command {
        set(n, self.value_bytes, Expiry::Never)
    }

    fn cost(
        &self,
        rate: u64,
        taken: &Taken,
        during: &Seen,
        disk_before: u64,
        folder: &Path,
    ) -> anyhow::Result<Vec<Value>> {
        let (raw, read) = read_back(&taken.stored)?;
        let (before, peak) = taken.memory;
        let written = during.writes.len() * (KEY_BYTES + self.value_bytes) as u64;
        Ok(vec![
            json!(rate),
            json!(taken.pause.as_secs_f64() * 1000.0),
            json!(taken.build.as_secs_f64()),
            json!(mib(raw)),
            json!(mib(raw) / taken.build.as_secs_f64()),
            json!(raw as f64 / taken.stored.bytes() as f64),
            json!(mib(taken.stored.bytes())),
            json!(mib(raw) / read.as_secs_f64()),
            json!(mib(written)),
            json!(mib(peak.saturating_sub(before))),
            json!(mib(disk_before)),
            json!(mib(disk_bytes(folder)?)),
        ])
    }
}

/// Bytes of all chunks before compression, and how long reading them takes.
fn read_back(stored: &StoredSnapshot) -> anyhow::Result<(u64, Duration)> {
    let began = Instant::now();
    let mut raw = 0;
    for chunk in 0..stored.chunks() {
        raw += stored.read_chunk(chunk)?.len() as u64;
    }
    Ok((raw, began.elapsed()))
}
