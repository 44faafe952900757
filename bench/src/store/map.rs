//! `store map`: nanoseconds for one operation on the map, of this thread's CPU time, so that what else the machine does
//! counts little. Changes go through [`TtlMap::apply`], in entries of one and
//! of many commands, packed before the clock starts; reads through [`TtlMap::get`].

use std::time::Duration;

use clap::Args;
use raft_store::command::{Command, Expiry, PackedEntry};
use raft_store::map::{Lookup, TtlMap};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

use super::fill::{FILL_BATCH, apply, delete, key, mix, packed, set, shuffled};
use super::table::Table;

/// Commands in the larger entries.
const LARGE_BATCH: u64 = 64;
/// Times each operation is measured; the median counts.
const ROUNDS: usize = 5;

/// Arguments of `store map`.
#[derive(Debug, Args)]
pub(crate) struct MapArguments {
    /// Keys in the map.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) keys: u64,
    /// Bytes of a value.
    #[arg(long, default_value_t = 100)]
    pub(crate) value_bytes: usize,
    /// Operations in each round.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) operations: u64,
    /// Gives every key a deadline far away.
    #[arg(long)]
    pub(crate) ttl: bool,
}

/// Measures all operations.
pub(crate) fn run(arguments: &MapArguments) -> anyhow::Result<Vec<Table>> {
    let MapArguments { keys, value_bytes, .. } = arguments;
    let mut map = TtlMap::owning_all();
    apply(&mut map, packed(shuffled(*keys, 0).map(|n| arguments.set(n)), FILL_BATCH, 1))?;
    let title = format!("ns of CPU for one operation, {keys} keys, {value_bytes} B values");
    let mut table = Table::new(title, ["operation", "batch", "median_ns", "best_ns"]);
    table.row(row("get", 1, arguments.rounds(|round| arguments.get(&map, round))?));
    for batch in [1, LARGE_BATCH] {
        let (mut inserts, mut overwrites, mut deletes) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS as u64 {
            let new = *keys..*keys + arguments.operations;
            inserts.push(arguments.change(&mut map, batch, new.clone().map(|n| arguments.set(n)))?);
            let old = new.clone().map(|n| arguments.set(mix(n ^ round) % keys));
            overwrites.push(arguments.change(&mut map, batch, old)?);
            deletes.push(arguments.change(&mut map, batch, new.map(delete))?);
        }
        for (name, times) in [("insert", inserts), ("overwrite", overwrites), ("delete", deletes)] {
            table.row(row(name, batch, times));
        }
    }
    Ok(vec![table])
}

impl MapArguments {
    fn set(&self, n: u64) -> Command {
        let expiry = if self.ttl { Expiry::AfterMs(3_600_000 + mix(n) % 3_600_000) } else { Expiry::Never };
        set(n, self.value_bytes, expiry)
    }

    fn rounds(&self, one: impl Fn(u64) -> anyhow::Result<f64>) -> anyhow::Result<Vec<f64>> {
        (0..ROUNDS as u64).map(one).collect()
    }

    fn get(&self, map: &TtlMap, round: u64) -> anyhow::Result<f64> {
        let keys: Vec<_> = (0..self.operations).map(|n| key(mix(n ^ mix(round)) % self.keys)).collect();
        let began = cpu_time();
        let found = keys.iter().filter(|key| matches!(map.get(key), Lookup::Hit(_))).count();
        let elapsed = cpu_time() - began;
        anyhow::ensure!(found == keys.len(), "{} of {} keys are missing", keys.len() - found, keys.len());
        Ok(elapsed.as_nanos() as f64 / self.operations as f64)
    }

    fn change(
        &self,
        map: &mut TtlMap,
        batch: u64,
        commands: impl Iterator<Item = Command>,
    ) -> anyhow::Result<f64> {
        let entries: Vec<PackedEntry> = packed(commands, batch, 1).collect();
        let began = cpu_time();
        for entry in &entries {
            map.apply(entry)?;
        }
        Ok((cpu_time() - began).as_nanos() as f64 / self.operations as f64)
    }
}

/// CPU time this thread has used.
fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}

fn row(name: &str, batch: u64, mut times: Vec<f64>) -> Vec<serde_json::Value> {
    times.sort_by(f64::total_cmp);
    vec![json!(name), json!(batch), json!(times[times.len() / 2]), json!(times[0])]
}
