//! `store log`: appends to the shared log, each waiting until it is durable.
//!
//! Closed loop by default: every appender sends its next entry when the last one is on disk. With `--rate` entries come
//! due at that rate over all appenders, and a latency counts from then. Groups purge as they go; `--lagging` adds one
//! that wrote at the beginning and never purges, so that its entries have to be moved.

mod appenders;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use hdrhistogram::Histogram;
use raft_store::GroupId;
use raft_store::wal::{SharedLog, WalOptions, WalStats};
use serde_json::json;

use super::fill;
use super::process::{disk_bytes, scratch};
use super::replica::{log_options, runtime};
use super::size::{bytes, mib};
use super::table::{QUANTILES, Table, quantiles};
use super::timed_disk::{Syncs, TimedDisk};

/// How often the disk is looked at.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// Arguments of `store log`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogArguments {
    /// Groups that share the log.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) groups: GroupId,
    /// Appenders, each with one entry under way.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) appenders: u32,
    /// Bytes of an entry.
    #[arg(long, default_value_t = 116)]
    pub(crate) payload: usize,
    /// How long to measure.
    #[arg(long, default_value = "20s", value_parser = crate::load::arguments::duration)]
    pub(crate) duration: Duration,
    /// Entries each second over all appenders, in an open loop.
    #[arg(long)]
    pub(crate) rate: Option<u64>,
    /// Bytes of entries of one more group, written first and never purged.
    #[arg(long, value_parser = bytes)]
    pub(crate) lagging: Option<u64>,
    /// Bytes of a segment.
    #[arg(long, default_value = "64m", value_parser = bytes)]
    pub(crate) segment_bytes: u64,
    /// Where to write, on a real disk.
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
}

/// Runs the appenders.
pub(crate) fn run(arguments: &LogArguments) -> anyhow::Result<Vec<Table>> {
    let dir = scratch(arguments.dir.as_ref())?;
    let options = WalOptions { segment_bytes: arguments.segment_bytes, ..log_options() };
    let disk = TimedDisk::lock(dir.path())?;
    let log = SharedLog::open_on(Arc::new(disk.clone()), options)?;
    runtime()?.block_on(async {
        if let Some(lagging) = arguments.lagging {
            fill_lagging(&log, arguments.groups, lagging).await?;
        }
        let before = log.stats();
        // The lagging group's are not counted.
        disk.take_syncs()?;
        let mut space = Space::new(&log, dir.path(), bound_title(&options, arguments.lagging));
        let (latencies, elapsed) = appenders::run(arguments, &log, || space.look()).await?;
        let (after, syncs) = (log.stats(), disk.take_syncs()?);
        log.close()?;
        Ok(vec![summary(arguments, &latencies, elapsed, (&before, &after), &syncs), space.table])
    })
}

/// The log's disk, second by second.
struct Space<'a> {
    log: &'a SharedLog,
    dir: &'a Path,
    before: WalStats,
    began: Instant,
    looked: u32,
    table: Table,
}

impl<'a> Space<'a> {
    fn new(log: &'a SharedLog, dir: &'a Path, title: String) -> Self {
        let columns = ["second", "segments", "disk_mib", "live_mib", "moved_mib", "written_mib"];
        let table = Table::new(title, columns);
        Self { log, dir, before: log.stats(), began: Instant::now(), looked: 0, table }
    }

    /// Adds a row when the next is due.
    fn look(&mut self) -> anyhow::Result<()> {
        if self.began.elapsed() < SAMPLE_INTERVAL * self.looked {
            return Ok(());
        }
        let now = self.log.stats();
        let moved = now.relocated_bytes - self.before.relocated_bytes;
        let written = now.written_bytes - self.before.written_bytes;
        let mut cells = vec![json!(self.looked), json!(now.segments), json!(mib(disk_bytes(self.dir)?))];
        cells.extend([now.live_bytes, moved, written].map(|bytes| json!(mib(bytes))));
        self.table.row(cells);
        self.looked += 1;
        Ok(())
    }
}

fn bound_title(options: &WalOptions, lagging: Option<u64>) -> String {
    format!(
        "the log's disk; entries are moved from {} segments of {:.0} MiB on; lagging group: {:.0} MiB",
        options.segments_max,
        mib(options.segment_bytes),
        mib(lagging.unwrap_or(0))
    )
}

fn summary(
    arguments: &LogArguments,
    latencies: &Histogram<u64>,
    elapsed: Duration,
    (before, after): (&WalStats, &WalStats),
    syncs: &Syncs,
) -> Table {
    let LogArguments { groups, appenders, payload, rate, .. } = arguments;
    let load = rate.map_or("closed loop".to_owned(), |rate| format!("{rate} entries/s"));
    let title = format!("{appenders} appenders, {groups} groups, {payload} B, {load}");
    let columns = ["what", "count", "per_second"].into_iter().chain(QUANTILES);
    let mut table = Table::new(title, columns.chain(["per_batch", "rotations", "rotation_max_ms"]));
    let per_second = |count: u64| json!(count as f64 / elapsed.as_secs_f64());
    let mut row = |what: &str, times: &Histogram<u64>, rest: [serde_json::Value; 3]| {
        let mut cells = vec![json!(what), json!(times.len()), per_second(times.len())];
        cells.extend(quantiles(times));
        cells.extend(rest);
        table.row(cells);
    };
    let per_batch =
        (after.operations - before.operations) as f64 / (after.batches - before.batches).max(1) as f64;
    let rotation_ms = syncs.rotation_max.as_secs_f64() * 1000.0;
    row("append", latencies, [json!(per_batch), json!(syncs.rotations), json!(rotation_ms)]);
    row("sync", &syncs.times, [json!(""), json!(""), json!("")]);
    table
}

/// Appends `bytes` of entries to one more group, some at a time.
async fn fill_lagging(log: &SharedLog, group: GroupId, bytes: u64) -> anyhow::Result<()> {
    let payload = fill::value(0, 64 << 10);
    for index in 0..bytes.div_ceil(payload.len() as u64) {
        appenders::append(log, group, index, payload.clone(), None).await?.await??;
    }
    Ok(())
}
