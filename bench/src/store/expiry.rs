//! `store expiry`: many keys that expire within one second, while writes go on.
//!
//! One replica is driven as a leader drives its group, with ticks when a deadline is due. What it proposed is then
//! applied to a second map, and half-way a third is restored from a snapshot of that: all must end the same.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use raft_store::command::{Command, Expiry, PackedEntry};
use raft_store::map::TtlMap;
use raft_store::snapshot::{ChunkReader, ChunkWriter};
use serde_json::json;

use super::drive::{Driver, Seen};
use super::fill::{FILL_BATCH, mix, packed, set, shuffled};
use super::process::scratch;
use super::replica::{Replica, open_log, open_snapshots, runtime};
use super::size::mib;
use super::table::{QUANTILES, Table, quantiles};

/// When the first key expires, ms of group time after the filling.
const FIRST_DUE_MS: u64 = 2_000;
/// The time within which they expire, ms.
const BURST_MS: u64 = 1_000;
/// When keys expire that do not within the burst: never while this runs, and spread over as much again, ms.
const LATER_MS: u64 = 24 * 3_600_000;
/// When to give up waiting for due keys to be removed.
const DRAIN_MAX: Duration = Duration::from_secs(600);

/// Arguments of `store expiry`.
#[derive(Debug, Args)]
pub(crate) struct ExpiryArguments {
    /// Keys in the map, each with a deadline.
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(2..))]
    pub(crate) keys: u64,
    /// Keys that expire within one second.
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) expire: u64,
    /// Bytes of a value.
    #[arg(long, default_value_t = 100)]
    pub(crate) value_bytes: usize,
    /// Writes each second, to keys that do not expire.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) rate: u64,
    /// Where to write, on a real disk.
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
}

/// The run, phase by phase.
struct Run {
    phases: Vec<(&'static str, Seen)>,
    /// Most keys due and not removed.
    pending_max: u64,
    /// From the last deadline to when all were removed.
    drained: Duration,
    proposed: Vec<PackedEntry>,
    digest: u64,
    bytes_per_key: f64,
}

/// Fills, drives, compares.
pub(crate) fn run(arguments: &ExpiryArguments) -> anyhow::Result<Vec<Table>> {
    ensure!(arguments.expire < arguments.keys, "some keys must stay to be written to");
    let run = arguments.drive()?;
    let columns = ["phase", "seconds", "entries", "apply_p99_us", "apply_p99.9_us", "apply_max_us", "writes"];
    let title = format!(
        "{} of {} keys expire within a second, {} writes/s",
        arguments.expire, arguments.keys, arguments.rate
    );
    let mut writes = Table::new(title, columns.into_iter().chain(QUANTILES));
    for (phase, seen) in &run.phases {
        let mut cells = vec![json!(phase), json!(seen.seconds()), json!(seen.applies.len())];
        cells.extend(quantiles(&seen.applies).into_iter().skip(1));
        cells.push(json!(seen.writes.len()));
        cells.extend(quantiles(&seen.writes));
        writes.row(cells);
    }
    let columns = ["pending_max", "pending_max_mib", "drained_after_s", "same_digest", "same_from_snapshot"];
    let mut ends = Table::new("keys due and not removed, and whether replicas agree", columns);
    let pending = json!(mib((run.pending_max as f64 * run.bytes_per_key) as u64));
    let [replayed, restored] = arguments.replay(&run.proposed)?.map(|digest| digest == run.digest);
    ends.row(vec![
        json!(run.pending_max),
        pending,
        json!(run.drained.as_secs_f64()),
        json!(replayed),
        json!(restored),
    ]);
    Ok(vec![writes, ends])
}

impl ExpiryArguments {
    fn filling(&self) -> impl Iterator<Item = PackedEntry> {
        let expiry = |n| Expiry::AfterMs(deadline(n, self.expire));
        packed(shuffled(self.keys, 0).map(move |n| set(n, self.value_bytes, expiry(n))), FILL_BATCH, 0)
    }

    /// A write to a key that does not expire meanwhile.
    fn write(&self, k: u64) -> Command {
        let n = self.expire + mix(k) % (self.keys - self.expire);
        set(n, self.value_bytes, Expiry::AfterMs(deadline(n, self.expire)))
    }

    fn drive(&self) -> anyhow::Result<Run> {
        let dir = scratch(self.dir.as_ref())?;
        let (log, store) = (open_log(dir.path())?, open_snapshots(dir.path())?);
        let mut replica = Replica::new(0, &log, &store);
        runtime()?.block_on(async {
            for entry in self.filling() {
                replica.apply(entry).await?;
            }
            let stats = replica.map().read().stats();
            let mut run = self.drive_phases(&mut replica).await?;
            run.bytes_per_key = stats.bytes as f64 / stats.items as f64;
            run.digest = replica.map().read().digest();
            let left = replica.map().read().stats().items;
            ensure!(left == self.keys - self.expire, "{left} keys are left");
            Ok(run)
        })
    }

    /// Before the first deadline; while keys come due; while what is due is removed; after.
    async fn drive_phases(&self, replica: &mut Replica) -> anyhow::Result<Run> {
        let zero = Instant::now();
        let mut driver = Driver::new(zero, self.rate, |k| self.write(k));
        let (mut proposed, mut phases) = (Vec::new(), Vec::new());
        let (mut pending_max, mut drained) = (0, Duration::ZERO);
        for phase in ["before", "burst", "drain", "after"] {
            let mut seen = Seen::new()?;
            loop {
                proposed.extend(driver.step(replica, &mut seen).await?);
                let (now_ms, first) = (driver.now_ms(), replica.map().read().next_deadline());
                pending_max = pending_max.max(pending(now_ms, first, self.expire));
                let empty = first.is_none_or(|first| first >= LATER_MS);
                let over = match phase {
                    "before" => now_ms >= FIRST_DUE_MS,
                    "burst" => now_ms >= FIRST_DUE_MS + BURST_MS,
                    "drain" => empty,
                    _ => seen.elapsed() >= Duration::from_secs(1),
                };
                if over {
                    break;
                }
                ensure!(seen.elapsed() < DRAIN_MAX, "due keys are left after {DRAIN_MAX:?}");
            }
            if phase == "drain" {
                drained = seen.elapsed();
            }
            phases.push((phase, seen));
        }
        Ok(Run { phases, pending_max, drained, proposed, digest: 0, bytes_per_key: 0.0 })
    }

    /// The same entries on a second map, and on a third restored from the second half-way: their digests.
    fn replay(&self, proposed: &[PackedEntry]) -> anyhow::Result<[u64; 2]> {
        let mut second = TtlMap::owning_all();
        let (first_half, second_half) = proposed.split_at(proposed.len() / 2);
        super::fill::apply(&mut second, self.filling().chain(first_half.iter().cloned()))?;
        let mut reader = ChunkReader::new();
        for chunk in ChunkWriter::new(second.freeze()) {
            reader.push(&chunk)?;
        }
        let mut third = reader.finish().context("the snapshot taken half-way")?;
        for map in [&mut second, &mut third] {
            super::fill::apply(map, second_half.iter().cloned())?;
        }
        Ok([second.digest(), third.digest()])
    }
}

/// When key `n` expires, ms after it is written: those below `expire` evenly within the burst.
fn deadline(n: u64, expire: u64) -> u64 {
    if n < expire { FIRST_DUE_MS + n * BURST_MS / expire } else { LATER_MS + mix(n) % LATER_MS }
}

/// Keys due at `now_ms` and not removed, when `first` is the earliest deadline left: removal is in order of deadlines.
/// Exact to the keys of one millisecond.
fn pending(now_ms: u64, first: Option<u64>, expire: u64) -> u64 {
    let due_by = |ms: u64| ms.saturating_sub(FIRST_DUE_MS).min(BURST_MS) * expire / BURST_MS;
    first.map_or(0, |first| due_by(now_ms + 1).saturating_sub(due_by(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_fill_the_burst_evenly() {
        let within = |from, to| (0..10_000).filter(|&n| (from..to).contains(&deadline(n, 1000))).count();
        assert_eq!(within(0, FIRST_DUE_MS), 0);
        assert_eq!(within(FIRST_DUE_MS, FIRST_DUE_MS + BURST_MS / 2), 500);
        assert_eq!(within(FIRST_DUE_MS, FIRST_DUE_MS + BURST_MS), 1000);
        assert_eq!(within(LATER_MS, 2 * LATER_MS), 9000);
    }

    #[test]
    fn pending_is_what_is_due_less_what_went() {
        let count = |now_ms, first| {
            let due = |n: &u64| (first..=now_ms).contains(&deadline(*n, 5000));
            (0..5000_u64).filter(due).count() as u64
        };
        for (now_ms, first) in
            [(1_000, 2_000), (2_500, 2_000), (2_500, 2_200), (9_000, 2_999), (9_000, LATER_MS)]
        {
            assert_eq!(pending(now_ms, Some(first), 5000), count(now_ms, first), "{now_ms} {first}");
        }
        assert_eq!(pending(9_000, None, 5000), 0);
    }
}
