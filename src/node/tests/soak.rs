//! The bound on disk use that `node::snapshots` states, kept under many overwrites in several groups.
//!
//! `QUORATE_SOAK_ROUNDS` makes it go on for so many rounds, with larger limits.

use std::time::Duration;

use raft_store::GroupId;
use raft_store::command::Command;

use super::super::snapshot_policy::Policy;
use super::fakes::*;

/// Values that are written over and over.
const KEYS: u64 = 400;
/// Writes of a round, each of another value.
const WRITES: u64 = 1000;
/// Rounds of the short form.
const ROUNDS: u32 = 8;
/// Bytes around a value in the log, at most.
const ENTRY_BYTES: u64 = 256;
/// Segments of the log from which old ones are emptied, and those that come on top.
const SEGMENTS: [u64; 2] = [8, 3];
/// Times the live bytes that the database of the snapshots may take: what it frees it reuses, but does not give back.
const DATABASE_TIMES: u64 = 3;
/// What an empty database takes, its reserve for a full disk included.
const DATABASE_BYTES: u64 = 5 << 20;

/// Bytes that do not compress, different each time.
fn noise(seed: u64, len: usize) -> String {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::with_capacity(len + 16);
    while text.len() < len {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        text.push_str(&format!("{random:016x}"));
    }
    text
}

struct Soak {
    alone: Alone,
    policy: Policy,
    segment: u64,
    value: usize,
    written: u64,
    log_max: u64,
    snapshots_max: u64,
}

impl Soak {
    /// Writes `count` values; the bytes of them.
    async fn write(&mut self, count: u64) -> u64 {
        let commands: Vec<Command> = (0..count)
            .map(|_| {
                self.written += 1;
                let name = format!("key-{}", self.written % KEYS);
                set(&name, noise(self.written, self.value))
            })
            .collect();
        for written in self.alone.node.write_many(commands, within(Duration::from_secs(30))).await {
            written.unwrap();
        }
        // With key, frame and what is around them.
        count * (self.value as u64 + ENTRY_BYTES)
    }

    /// The groups' terms of the bound: bytes of log, and of the snapshot.
    fn groups(&self) -> Vec<(GroupId, u64, u64)> {
        let inner = self.alone.inner();
        let snapshot = |id| inner.host.deps().snapshots.current(id).unwrap().map_or(0, |s| s.bytes());
        let group = |group: std::sync::Arc<crate::group::Group>| {
            (group.id(), group.log_bytes_and_new()[0], snapshot(group.id()))
        };
        inner.host.all().into_iter().map(group).collect()
    }

    /// Groups whose log is longer than it may be with `waiting` bytes written since their turn.
    fn too_long(&self, waiting: u64) -> Vec<(GroupId, u64, u64)> {
        let mut groups = self.groups();
        groups.retain(|&(_, log, snapshot)| log > self.log_bound(snapshot) + waiting);
        groups
    }

    fn log_bound(&self, snapshot: u64) -> u64 {
        self.policy.kept() + self.policy.threshold(snapshot)
    }

    /// Compares the files with the formula; `waiting`: bytes written while groups may have waited for their turn.
    fn check_files(&mut self, waiting: u64) {
        let groups = self.groups();
        let live: u64 =
            groups.iter().map(|&(_, _, snapshot)| self.log_bound(snapshot)).sum::<u64>() + waiting;
        let [kept, more] = SEGMENTS.map(|segments| segments * self.segment);
        let log = self.alone.inner().host.deps().log.stats().disk_bytes;
        assert!(log <= kept.max(2 * live) + more, "the log takes {log} bytes, {live} live at most");
        let snapshots: u64 = groups.iter().map(|&(_, _, snapshot)| snapshot).sum();
        // The one being written may be its group's first, so its map tells how large it is at most.
        let maps = self.alone.inner().host.all();
        let largest = maps.iter().map(|group| group.map().read().stats().bytes).max().unwrap_or(0);
        let database = self.alone.inner().host.deps().snapshots.disk_bytes().unwrap();
        let most = DATABASE_TIMES * (snapshots + largest) + DATABASE_BYTES;
        assert!(
            database <= most,
            "the snapshots take {database} bytes on disk, {snapshots} live: {groups:?}"
        );
        self.log_max = self.log_max.max(log);
        self.snapshots_max = self.snapshots_max.max(database);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_a_node_takes_stays_bounded() {
    let long: Option<u32> = std::env::var("QUORATE_SOAK_ROUNDS").ok().map(|text| text.parse().unwrap());
    let (log, segment, value) =
        if long.is_some() { (8 << 20, 8 << 20, 64 << 10) } else { (256 << 10, 1 << 20, 4 << 10) };
    let alone = Alone::with(|config| (config.snapshot_log, config.log_segment) = (log, segment)).await;
    let policy = Policy { log, interval: Duration::from_secs(600) };
    let mut soak = Soak { alone, policy, segment, value, written: 0, log_max: 0, snapshots_max: 0 };
    for _ in 0..long.unwrap_or(ROUNDS) {
        let bytes = soak.write(WRITES).await;
        assert_eq!(soak.too_long(bytes), [], "{bytes} bytes written since the logs were short");
        soak.check_files(bytes);
        let ends = within(Duration::from_secs(60));
        while !soak.too_long(0).is_empty() {
            assert!(tokio::time::Instant::now() < ends, "too much log: {:?}", soak.too_long(0));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        soak.check_files(bytes);
    }
    let taken = soak.groups().iter().filter(|&&(id, _, snapshot)| id != 0 && snapshot > 0).count();
    assert_eq!(taken, 3, "every group took snapshots");
    let total = soak.written * value as u64;
    println!("{total} bytes written; at most {} of log, {} of snapshots", soak.log_max, soak.snapshots_max);
}
