//! What clients asked the groups for: how often, how fresh, with what outcome, and how long it took.
//!
//! Counting takes no lock: a table of atomics, all there from the start, so no client can make it longer.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use raft_store::command::{Command, Reply};

use super::Exposition;
use crate::error::{Outcome, Result};
use crate::node::{Consistency, Read, ReadOk, WriteOk};
use crate::trace::{self, Kind, Protocol};

/// The protocols, and at the end what this program asks for itself.
const PROTOCOLS: [&str; 3] = ["http", "resp", "none"];
/// By place, what a read may ask for.
const CONSISTENCIES: [&str; 3] = ["linearizable", "lease", "local"];
/// How a read ends.
const FOUND: [&str; 3] = ["hit", "miss", "failed"];
/// How a walk through keys ends.
const SCANNED: [&str; 2] = ["done", "failed"];
/// Every command, by [`place_of`].
const COMMANDS: [&str; 17] = [
    "set",
    "delete",
    "touch",
    "persist",
    "incr",
    "append",
    "assign",
    "txn",
    "get",
    "expire",
    "set_range",
    "set_bit",
    "incr_float",
    "rename",
    "copy",
    "flush",
    "branch",
];
/// How a write ends: carried out; rejected when it was applied, and changed nothing; refused before it was proposed;
/// nobody knows.
const WRITTEN: [&str; 4] = ["done", "rejected", "refused", "unknown"];
/// Upper bounds of the latency buckets, in microseconds.
const BUCKETS_US: [u64; 11] =
    [250, 500, 1_000, 2_500, 10_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 5_000_000];

type Counts<const N: usize> = [AtomicU64; N];

/// One protocol's.
#[derive(Debug)]
struct Table {
    reads: [Counts<3>; 3],
    scans: [Counts<2>; 3],
    writes: [Counts<4>; COMMANDS.len()],
}

/// How long the calls of one kind took.
#[derive(Debug, Default)]
struct Latency {
    /// By the first bucket a call fits; the last is for those that fit none.
    buckets: [AtomicU64; BUCKETS_US.len() + 1],
    total_us: AtomicU64,
}

/// All of it.
#[derive(Debug)]
pub(in crate::node) struct Operations {
    tables: [Table; PROTOCOLS.len()],
    latency: [[Latency; Kind::ALL.len()]; Protocol::ALL.len()],
}

impl Default for Operations {
    fn default() -> Self {
        let table = |_| Table {
            reads: Default::default(),
            scans: Default::default(),
            writes: array::from_fn(|_| Default::default()),
        };
        Self { tables: array::from_fn(table), latency: Default::default() }
    }
}

impl Operations {
    fn table(&self) -> &Table {
        &self.tables[trace::protocol().map_or(PROTOCOLS.len() - 1, |protocol| protocol as usize)]
    }

    /// Counts look-ups.
    pub(in crate::node) fn read(&self, reads: &[Read], found: &[Result<ReadOk>]) {
        let mut counts = [[0; FOUND.len()]; CONSISTENCIES.len()];
        for (read, found) in reads.iter().zip(found) {
            let place = match found {
                Ok(ReadOk { entry: Some(_), .. }) => 0,
                Ok(_) => 1,
                Err(_) => 2,
            };
            counts[read.consistency as usize][place] += 1;
        }
        let all = self.table().reads.iter().flatten();
        all.zip(counts.as_flattened()).filter(|(_, count)| **count > 0).for_each(|(all, count)| {
            all.fetch_add(*count, Relaxed);
        });
    }

    /// Counts a page of a walk through keys, or what else is asked of all of them.
    pub(in crate::node) fn scanned(&self, consistency: Consistency, failed: bool) {
        self.table().scans[consistency as usize][usize::from(failed)].fetch_add(1, Relaxed);
    }

    /// Counts writes.
    pub(in crate::node) fn written(&self, commands: &[Command], done: &[Result<WriteOk>]) {
        let table = self.table();
        for (command, done) in commands.iter().zip(done) {
            let place = match done {
                Ok(WriteOk { reply: Reply::Rejected(_), .. }) => 1,
                Ok(_) => 0,
                Err(error) if error.outcome == Some(Outcome::NotApplied) => 2,
                Err(_) => 3,
            };
            table.writes[place_of(command)][place].fetch_add(1, Relaxed);
        }
    }

    /// Notes how long a call of an adapter took.
    pub(in crate::node) fn took(&self, protocol: Protocol, kind: Kind, took: Duration) {
        let latency = &self.latency[protocol as usize][kind as usize];
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        latency.buckets[BUCKETS_US.partition_point(|bound| *bound < took_us)].fetch_add(1, Relaxed);
        latency.total_us.fetch_add(took_us, Relaxed);
    }

    /// All figures; rows of what nobody asked for are left out.
    pub(super) fn metrics(&self, text: &mut Exposition) {
        let rows = PROTOCOLS.iter().zip(&self.tables).flat_map(|(protocol, table)| table.rows(protocol));
        let name = "quorate_operations_total";
        text.labelled(name, "counter", "What was asked of the groups, each key by itself.", rows);
        text.histograms(
            "quorate_operation_seconds",
            "Time of a call: an HTTP request, or commands of one connection carried out together.",
            &self.latencies(),
        );
    }

    fn latencies(&self) -> Vec<super::Labelled> {
        let each = |protocol: Protocol, kind: Kind| {
            let latency = &self.latency[protocol as usize][kind as usize];
            let labels = format!("protocol=\"{}\",kind=\"{}\"", protocol.name(), kind.name());
            let mut below = 0;
            let mut buckets = Vec::with_capacity(BUCKETS_US.len());
            for (bound, count) in BUCKETS_US.iter().zip(&latency.buckets) {
                below += count.load(Relaxed);
                buckets.push((*bound as f64 / 1e6, below));
            }
            let count = below + latency.buckets[BUCKETS_US.len()].load(Relaxed);
            super::Labelled { labels, buckets, count, sum: latency.total_us.load(Relaxed) as f64 / 1e6 }
        };
        Protocol::ALL.into_iter().flat_map(|protocol| Kind::ALL.map(|kind| each(protocol, kind))).collect()
    }
}

impl Table {
    fn rows(&self, protocol: &str) -> Vec<(String, u64)> {
        let mut rows = Vec::new();
        let mut row = |operation: &str, consistency: &str, outcomes: &[&str], counts: &[AtomicU64]| {
            for (outcome, count) in outcomes.iter().zip(counts) {
                let count = count.load(Relaxed);
                let labels = format!(
                    "protocol=\"{protocol}\",operation=\"{operation}\",consistency=\"{consistency}\",outcome=\"{outcome}\""
                );
                rows.extend((count > 0).then_some((labels, count)));
            }
        };
        for (at, consistency) in CONSISTENCIES.iter().enumerate() {
            row("read", consistency, &FOUND, &self.reads[at]);
            row("scan", consistency, &SCANNED, &self.scans[at]);
        }
        for (operation, counts) in COMMANDS.iter().zip(&self.writes) {
            row(operation, CONSISTENCIES[0], &WRITTEN, counts);
        }
        rows
    }
}

/// The place of a command in [`COMMANDS`].
fn place_of(command: &Command) -> usize {
    match command {
        Command::Set(_) => 0,
        Command::Delete(_) => 1,
        Command::Touch(_) => 2,
        Command::Persist(_) => 3,
        Command::Incr(_) => 4,
        Command::Append(_) => 5,
        Command::AssignSlots(_) => 6,
        Command::Txn(_) => 7,
        Command::Get(_) => 8,
        Command::Expire(_) => 9,
        Command::SetRange(_) => 10,
        Command::SetBit(_) => 11,
        Command::IncrFloat(_) => 12,
        Command::Rename(_) => 13,
        Command::Copy(_) => 14,
        Command::Flush(_) => 15,
        Command::Branch(_) => 16,
    }
}

#[cfg(test)]
mod tests {
    use raft_store::command::{Condition, Delete, Rejection};
    use raft_store::key::{DEFAULT_NAMESPACE, Key};

    use super::*;
    use crate::error::{Error, ErrorKind};

    fn delete() -> Command {
        let key = Key::new(DEFAULT_NAMESPACE, b"a").unwrap();
        Command::Delete(Delete { key, condition: Condition::None })
    }

    fn text(operations: &Operations) -> String {
        let mut text = Exposition::default();
        operations.metrics(&mut text);
        text.0
    }

    #[tokio::test]
    async fn writes_are_counted_by_protocol_and_outcome() {
        let operations = Operations::default();
        let ok = |reply| Ok(WriteOk { group: 1, time_ms: 0, reply });
        let done = [
            ok(Reply::Rejected(Rejection::NotOwner)),
            Err(Error::not_applied(ErrorKind::QueueFull, "x")),
            Err(Error::unknown(ErrorKind::Timeout, "x")),
        ];
        let commands = [delete(), delete(), delete()];
        let work = async { operations.written(&commands, &done) };
        trace::carry_out(trace::Request::new(Protocol::Resp, None, false), work).await;
        operations.written(&commands[..1], &done[2..]);
        let text = text(&operations);
        for (protocol, outcome) in
            [("resp", "rejected"), ("resp", "refused"), ("resp", "unknown"), ("none", "unknown")]
        {
            let labels = format!(
                "{{protocol=\"{protocol}\",operation=\"delete\",consistency=\"linearizable\",outcome=\"{outcome}\"}} 1\n"
            );
            assert!(
                text.contains(&format!("quorate_operations_total{labels}")),
                "{labels} is not in\n{text}"
            );
        }
        assert!(!text.contains("operation=\"set\"") && !text.contains("operation=\"read\""), "{text}");
    }

    #[test]
    fn a_call_is_in_every_bucket_from_its_own_on() {
        let operations = Operations::default();
        operations.took(Protocol::Http, Kind::Scan, Duration::from_millis(3));
        operations.took(Protocol::Http, Kind::Scan, Duration::from_secs(9));
        let text = text(&operations);
        for (le, count) in [("0.0025", 0), ("0.01", 1), ("5", 1), ("+Inf", 2)] {
            let line = format!(
                "quorate_operation_seconds_bucket{{protocol=\"http\",kind=\"scan\",le=\"{le}\"}} {count}\n"
            );
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
        assert!(text.contains("_sum{protocol=\"http\",kind=\"scan\"} 9.003\n"), "{text}");
    }
}
