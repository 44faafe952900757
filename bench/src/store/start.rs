//! `store start`: how long a node takes from its data folder to maps that hold everything.
//!
//! The folder is built once for each length of value: several groups with a snapshot each, and a log behind them. Then
//! a fresh process opens it, by the code a node starts with; once with the page cache as the building left it, and once
//! emptied, if this is root's process.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use raft_store::GroupId;
use raft_store::command::{Expiry, PackedEntry};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::fill::{FILL_BATCH, KEY_BYTES, mix, packed, set, shuffled};
use super::process::{disk_bytes, drop_page_cache, in_child, scratch};
use super::replica::{Replica, open_log, open_snapshots, runtime};
use super::size::{bytes, mib};
use super::table::{Table, print_json};

/// Entries appended with one sync while the log is built.
const APPENDED_AT_ONCE: usize = 64;

/// Arguments of `store start`.
#[derive(Debug, Args)]
pub(crate) struct StartArguments {
    /// Bytes of keys and values in all snapshots.
    #[arg(long, default_value = "1g", value_parser = bytes)]
    pub(crate) bytes: u64,
    /// Bytes of a value; several lengths are measured one after the other.
    #[arg(long, value_delimiter = ',', default_value = "100,1000")]
    pub(crate) value_bytes: Vec<usize>,
    /// Bytes of entries in the log behind the snapshots, of all groups.
    #[arg(long, default_value = "512m", value_parser = bytes)]
    pub(crate) tail: u64,
    /// Groups.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) groups: GroupId,
    /// Loads the groups side by side, and not one after the other.
    #[arg(long)]
    pub(crate) parallel: bool,
    /// Where to write, on a real disk.
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
}

/// Arguments of one start.
#[derive(Debug, Args)]
pub(crate) struct OneArguments {
    /// The data folder.
    #[arg(long)]
    pub(crate) data_dir: PathBuf,
    /// Loads the groups side by side.
    #[arg(long)]
    pub(crate) parallel: bool,
}

/// How long each part of a start took, ms, and what was loaded.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Phases {
    open_log: f64,
    open_snapshots: f64,
    load: f64,
    tail: f64,
    pub(crate) items: u64,
    pub(crate) entries: u64,
}

/// Builds the folders and measures starts.
pub(crate) fn run(arguments: &StartArguments) -> anyhow::Result<Vec<Table>> {
    let columns = [
        "value_bytes",
        "page_cache",
        "open_log_ms",
        "open_snapshots_ms",
        "load_ms",
        "log_tail_ms",
        "total_ms",
        "keys",
        "tail_entries",
        "log_mib",
        "snapshots_mib",
    ];
    let StartArguments { bytes, tail, groups, .. } = arguments;
    let title =
        format!("start with {:.0} MiB in {groups} groups and {:.0} MiB of log", mib(*bytes), mib(*tail));
    let mut table = Table::new(title, columns);
    for &value_bytes in &arguments.value_bytes {
        let dir = scratch(arguments.dir.as_ref())?;
        arguments.build(dir.path(), value_bytes)?;
        let disk = [disk_bytes(&dir.path().join("log"))?, disk_bytes(&dir.path().join("snapshots"))?];
        table.row(row(value_bytes, "warm", &arguments.start(dir.path())?, disk));
        if drop_page_cache() {
            table.row(row(value_bytes, "cold", &arguments.start(dir.path())?, disk));
        }
    }
    Ok(vec![table])
}

fn row(value_bytes: usize, cache: &str, phases: &Phases, disk: [u64; 2]) -> Vec<serde_json::Value> {
    let Phases { open_log, open_snapshots, load, tail, items, entries } = phases;
    let times = [*open_log, *open_snapshots, *load, *tail];
    let mut cells = vec![json!(value_bytes), json!(cache)];
    cells.extend(times.iter().map(|ms| json!(ms)));
    cells.extend([json!(times.iter().sum::<f64>()), json!(items), json!(entries)]);
    cells.extend(disk.map(|bytes| json!(mib(bytes))));
    cells
}

impl StartArguments {
    /// A start in a fresh process.
    fn start(&self, dir: &Path) -> anyhow::Result<Phases> {
        let dir = dir.display().to_string();
        let words = ["store", "start-one", "--data-dir", &dir];
        let parallel = self.parallel.then_some("--parallel");
        in_child(&words.into_iter().chain(parallel).map(str::to_owned).collect::<Vec<_>>())
    }

    /// Fills the groups, takes their snapshots, and then appends the tail to the log.
    pub(crate) fn build(&self, dir: &Path, value_bytes: usize) -> anyhow::Result<()> {
        let (log, store) = (open_log(dir)?, open_snapshots(dir)?);
        let keys = self.bytes / u64::from(self.groups) / (KEY_BYTES + value_bytes) as u64;
        let tail = self.tail / u64::from(self.groups);
        runtime()?.block_on(async {
            let mut replicas = Vec::new();
            for group in 1..=self.groups {
                let mut replica = Replica::new(group, &log, &store);
                replica.own_all().await?;
                for entry in
                    packed(shuffled(keys, 0).map(|n| set(n, value_bytes, Expiry::Never)), FILL_BATCH, 1)
                {
                    replica.apply(entry).await?;
                }
                replica.snapshot().await?;
                replicas.push(replica);
            }
            for (replica, group) in replicas.iter_mut().zip(1..) {
                let commands = (0..).map(|k| set(mix(k ^ mix(group)) % keys, value_bytes, Expiry::Never));
                append(replica, packed(commands, FILL_BATCH, 2), tail).await?;
            }
            Ok(log.close()?)
        })
    }
}

/// Appends entries until they hold `bytes`.
async fn append(
    replica: &mut Replica,
    mut entries: impl Iterator<Item = PackedEntry>,
    bytes: u64,
) -> anyhow::Result<()> {
    let mut appended = 0;
    while appended < bytes {
        let some: Vec<PackedEntry> = entries.by_ref().take(APPENDED_AT_ONCE).collect();
        appended += some.iter().map(|entry| entry.as_bytes().len() as u64).sum::<u64>();
        replica.append(some).await?;
    }
    Ok(())
}

/// One start in this process; prints its phases as JSON.
pub(crate) fn run_one(arguments: &OneArguments) -> anyhow::Result<()> {
    let (phases, replicas) = measure(arguments)?;
    print_json(&phases)?;
    // Freeing millions of keys is no part of a start, and the process ends.
    std::mem::forget(replicas);
    Ok(())
}

/// Opens, loads and catches up.
pub(crate) fn measure(arguments: &OneArguments) -> anyhow::Result<(Phases, Vec<Replica>)> {
    let (dir, runtime) = (&arguments.data_dir, runtime()?);
    let mut phases = Phases::default();
    let log = timed(&mut phases.open_log, || open_log(dir))?;
    let store = timed(&mut phases.open_snapshots, || open_snapshots(dir))?;
    let replicas = store.groups().into_iter().map(|group| Replica::new(group, &log, &store)).collect();
    let loading = each(replicas, arguments.parallel, Replica::loaded);
    let replicas = timed(&mut phases.load, || runtime.block_on(loading))?;
    // A node's groups apply their logs side by side.
    let catching_up = each(replicas, true, Replica::caught_up);
    let replicas = timed(&mut phases.tail, || runtime.block_on(catching_up))?;
    phases.items = replicas.iter().map(|replica| replica.map().read().stats().items).sum();
    phases.entries = replicas.iter().map(Replica::behind_snapshot).sum();
    Ok((phases, replicas))
}

/// Runs `work` on every replica as a task: side by side, or one after the other.
async fn each<W: Future<Output = anyhow::Result<Replica>> + Send + 'static>(
    replicas: Vec<Replica>,
    parallel: bool,
    work: impl Fn(Replica) -> W,
) -> anyhow::Result<Vec<Replica>> {
    let (mut running, mut done) = (Vec::new(), Vec::new());
    for replica in replicas {
        let task = tokio::spawn(work(replica));
        if parallel {
            running.push(task);
        } else {
            done.push(task.await??);
        }
    }
    for task in running {
        done.push(task.await??);
    }
    Ok(done)
}

fn timed<T>(ms: &mut f64, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = work();
    *ms = began.elapsed().as_secs_f64() * 1000.0;
    result
}
