//! `store log`: appends to the shared log, each waiting until it is durable.
//!
//! Closed loop by default: every appender sends its next entry when the last one is on disk. With `--rate` entries come
//! due at that rate over all appenders, and a latency counts from then. Groups purge as they go; `--lagging` adds one
//! that wrote at the beginning and never purges, so that its entries have to be moved.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use hdrhistogram::Histogram;
use raft_store::GroupId;
use raft_store::wal::{Entry, EntryId, SharedLog, WalOptions, WalStats};
use serde_json::json;
use tokio::sync::{Mutex, Semaphore, oneshot};
use tokio::task::JoinHandle;

use super::fill;
use super::pace::{Schedule, histogram, record};
use super::process::{disk_bytes, scratch};
use super::replica::{log_options, runtime};
use super::size::{bytes, mib};
use super::table::{QUANTILES, Table, quantiles};
use super::timed_disk::{Syncs, TimedDisk};

/// Entries a group keeps behind its last one.
const KEPT: u64 = 10_000;
/// Entries appended between two purges of a group.
const PURGE_EVERY: u64 = 1_000;
/// How often the disk is looked at.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// How often entries that came due are released.
const RELEASE_INTERVAL: Duration = Duration::from_micros(200);

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
    #[arg(long, default_value = "20s", value_parser = crate::load::duration)]
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

/// One group's writers' place in its log.
struct Group {
    id: GroupId,
    /// Held while entries are handed over, so that they come in order.
    next: Mutex<u64>,
}

/// What all appenders share.
struct Shared {
    log: SharedLog,
    groups: Vec<Group>,
    payload: bytes::Bytes,
    over: AtomicBool,
    /// In an open loop: pieces that came due, and the next one to be taken.
    due: Option<(Schedule, Semaphore)>,
    taken: AtomicU64,
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
        let bound = bound_title(&options, arguments.lagging);
        let mut space =
            Table::new(bound, ["second", "segments", "disk_mib", "live_mib", "moved_mib", "written_mib"]);
        let sample = |second: u64, space: &mut Table| {
            let now = log.stats();
            let moved = now.relocated_bytes - before.relocated_bytes;
            let written = now.written_bytes - before.written_bytes;
            let mut cells = vec![json!(second), json!(now.segments), json!(mib(disk_bytes(dir.path())?))];
            cells.extend([now.live_bytes, moved, written].map(|bytes| json!(mib(bytes))));
            space.row(cells);
            anyhow::Ok(())
        };
        let syncs_before = disk.syncs().times;
        let (latencies, elapsed) = append_all(arguments, &log, |second| sample(second, &mut space)).await?;
        let mut syncs = disk.syncs();
        syncs.times.subtract(syncs_before)?;
        let stats = log.stats();
        log.close()?;
        let mut tables = vec![summary(arguments, &latencies, elapsed, (&before, &stats), &syncs)];
        tables.push(space);
        Ok(tables)
    })
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
        append(log, group, index, payload.clone(), None).await?.await??;
    }
    Ok(())
}

/// Hands an entry over; what is returned tells when it is durable. `held` is the group's place, let go of when the
/// entry is in the queue.
async fn append(
    log: &SharedLog,
    group: GroupId,
    index: u64,
    payload: bytes::Bytes,
    held: Option<tokio::sync::MutexGuard<'_, u64>>,
) -> anyhow::Result<oneshot::Receiver<std::io::Result<()>>> {
    let (done, durable) = oneshot::channel();
    let entry = Entry { id: EntryId { term: 1, node: 1, index }, kind: 1, payload };
    // Nobody hears it when the appenders have ended early, by an error they tell themselves.
    let tell = Box::new(move |result| drop(done.send(result)));
    log.append(group, vec![entry], tell).await?;
    if let Some(mut next) = held {
        *next += 1;
    }
    Ok(durable)
}

/// Runs all appenders for the time wanted, calling `sample` every second.
async fn append_all(
    arguments: &LogArguments,
    log: &SharedLog,
    mut sample: impl FnMut(u64) -> anyhow::Result<()>,
) -> anyhow::Result<(Histogram<u64>, Duration)> {
    let began = Instant::now();
    let groups = (0..arguments.groups).map(|id| Group { id, next: Mutex::new(0) }).collect();
    let shared = Arc::new(Shared {
        log: log.clone(),
        groups,
        payload: fill::value(1, arguments.payload),
        over: AtomicBool::new(false),
        due: arguments.rate.map(|rate| (Schedule::new(began, rate), Semaphore::new(0))),
        taken: AtomicU64::new(0),
    });
    let appenders = (0..arguments.appenders).map(|nth| tokio::spawn(shared.clone().appender(nth)));
    let appenders: Vec<_> = appenders.collect();
    let mut second = 0;
    sample(second)?;
    let mut released = shared.due.as_ref().map(|(schedule, _)| *schedule);
    while began.elapsed() < arguments.duration {
        std::thread::sleep(if released.is_some() { RELEASE_INTERVAL } else { SAMPLE_INTERVAL / 10 });
        if let (Some(schedule), Some((_, due))) = (&mut released, &shared.due) {
            let pieces = schedule.take_due(Instant::now(), u64::from(u32::MAX));
            due.add_permits((pieces.end - pieces.start) as usize);
        }
        if began.elapsed() >= SAMPLE_INTERVAL * (second as u32 + 1) {
            second += 1;
            sample(second)?;
        }
    }
    shared.over.store(true, Ordering::Relaxed);
    if let Some((_, due)) = &shared.due {
        // What came due counts, however late it is.
        while due.available_permits() > 0 && !appenders.iter().any(JoinHandle::is_finished) {
            std::thread::sleep(RELEASE_INTERVAL);
        }
        due.close();
    }
    let mut all = histogram()?;
    for appender in appenders {
        all.add(&appender.await??)?;
    }
    Ok((all, began.elapsed()))
}

impl Shared {
    /// One appender's loop.
    async fn appender(self: Arc<Self>, nth: u32) -> anyhow::Result<Histogram<u64>> {
        let mut latencies = histogram()?;
        let group = &self.groups[nth as usize % self.groups.len()];
        while let Some(began) = self.next_piece().await {
            let next = group.next.lock().await;
            let index = *next;
            let durable = append(&self.log, group.id, index, self.payload.clone(), Some(next)).await?;
            durable.await??;
            record(&mut latencies, began.elapsed());
            if index % PURGE_EVERY == 0 && index > KEPT {
                self.log.purge(group.id, EntryId { term: 1, node: 1, index: index - KEPT }).await?;
            }
        }
        Ok(latencies)
    }

    /// When the next piece of work began or came due; `None` when it is over.
    async fn next_piece(&self) -> Option<Instant> {
        let Some((schedule, due)) = &self.due else {
            return (!self.over.load(Ordering::Relaxed)).then(Instant::now);
        };
        due.acquire().await.ok()?.forget();
        Some(schedule.due_at(self.taken.fetch_add(1, Ordering::Relaxed)))
    }
}
