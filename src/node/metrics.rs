//! A node's figures as Prometheus text: its groups, its log and disk, its connections, its process.
//!
//! `docs/metrics.md` names every one of them; a test compares it with what a node exports.

mod leaders;
mod operations;
mod peers;
mod process;
mod reads;
mod replication;
mod timing;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use raft_store::NodeId;
use raft_store::map::MapStats;
use raft_store::wal::Histogram;

use super::Inner;
use crate::group::Group;
use crate::version::VERSION;
use crate::views::GroupView;

pub(super) use leaders::Leaders;
pub(super) use operations::Operations;
pub(super) use reads::Reads;

impl Inner {
    /// Prometheus text of node, groups, log and transport.
    pub(super) fn metrics_text(&self) -> String {
        let mut text = Exposition::default();
        let built = [(VERSION, 1)];
        text.each("quorate_build_info", "gauge", "1, with the program's version.", "version", built);
        process::metrics(&mut text);
        self.reads.metrics(&mut text);
        self.operations.metrics(&mut text);
        let slow = self.slow.total();
        text.one("quorate_slow_operations_total", "counter", "Operations that took long.", slow);
        self.group_metrics(&mut text);
        replication::metrics(&self.host.all(), &mut text);
        self.leaderships.metrics(&mut text);
        timing::groups(&self.host.all(), &mut text);
        timing::followers(&self.host.deps().appends, &mut text);
        self.snapshot_metrics(&mut text);
        self.log_metrics(&mut text);
        self.disk_metrics(&mut text);
        let wire = self.transport.stats();
        text.one("quorate_peer_frames_in_total", "counter", "Frames from peers.", wire.frames_in);
        text.one("quorate_peer_frames_out_total", "counter", "Frames to peers.", wire.frames_out);
        text.one("quorate_peer_bytes_in_total", "counter", "Bytes from peers.", wire.bytes_in);
        text.one("quorate_peer_bytes_out_total", "counter", "Bytes to peers.", wire.bytes_out);
        let queued = wire.peers.iter().map(|peer| (peer.node, peer.queued_messages));
        let mut by_peer: BTreeMap<NodeId, usize> = BTreeMap::new();
        queued.for_each(|(node, queued)| *by_peer.entry(node).or_default() += queued);
        text.each("quorate_peer_queued", "gauge", "Frames waiting for a peer.", "peer", by_peer);
        peers::metrics(&self.transport, &mut text);
        text.one("quorate_memory_bytes", "gauge", "Bytes the maps hold.", self.memory_bytes());
        text.one("quorate_memory_max_bytes", "gauge", "The bound on that.", self.config.memory_max);
        text.0 + &self.security.metrics()
    }

    fn log_metrics(&self, text: &mut Exposition) {
        let log = self.host.deps().log.stats();
        text.one("quorate_log_segments", "gauge", "Segment files of the log.", log.segments);
        text.one("quorate_log_disk_bytes", "gauge", "Bytes the log takes on disk.", log.disk_bytes);
        text.one("quorate_log_syncs_total", "counter", "Syncs of the log.", log.batches);
        text.one("quorate_log_operations_total", "counter", "Operations written to the log.", log.operations);
        let written = log.written_bytes;
        text.one("quorate_log_written_bytes_total", "counter", "Bytes written to the log.", written);
        let moved = log.relocated_bytes;
        text.one("quorate_log_relocated_bytes_total", "counter", "Bytes moved to free segments.", moved);
        let made = log.segments_prepared;
        text.one("quorate_log_segments_prepared_total", "counter", "Segments made ready.", made);
        let full = u8::from(self.host.deps().log.full().is_some());
        text.one("quorate_log_full", "gauge", "1 while the disk has no room for the next segment.", full);
        let longest = log.sync_ns_max as f64 / 1e9;
        text.one("quorate_log_sync_seconds_max", "gauge", "The longest sync.", longest);
        text.histogram("quorate_log_sync_seconds", "Time of a sync.", &log.sync, 1e-9);
        let wait = "From queue to batch, for each operation.";
        text.histogram("quorate_log_wait_seconds", wait, &log.wait, 1e-9);
        text.histogram("quorate_log_batch_operations", "Operations of a batch.", &log.batch_operations, 1.0);
        text.histogram("quorate_log_batch_bytes", "Bytes of a batch.", &log.batch_bytes, 1.0);
    }

    fn disk_metrics(&self, text: &mut Exposition) {
        let disk = self.disk.state();
        let full = u8::from(disk.full.is_some());
        text.one(
            "quorate_disk_full",
            "gauge",
            "1 while clients' writes are refused for want of space.",
            full,
        );
        let reserve = self.disk.reserve_bytes;
        text.one("quorate_disk_reserve_bytes", "gauge", "Free space below which they are refused.", reserve);
        if let Some(free) = disk.free_bytes {
            text.one("quorate_disk_free_bytes", "gauge", "Bytes free where the data folder is.", free);
        }
    }

    fn group_metrics(&self, text: &mut Exposition) {
        let groups = self.host.all();
        let views: Vec<(u32, GroupView)> =
            groups.iter().map(|group| (group.id(), group.view(false))).collect();
        let of = |value: &dyn Fn(&GroupView) -> u64| -> Vec<(u32, u64)> {
            views.iter().map(|(group, view)| (*group, value(view))).collect()
        };
        let leads = groups.iter().map(|group| (group.id(), u8::from(group.leads())));
        text.each("quorate_group_leads", "gauge", "1 where this node leads.", "group", leads);
        text.each("quorate_group_term", "gauge", "Raft term.", "group", of(&|view| view.summary.term));
        text.each("quorate_group_items", "gauge", "Keys held.", "group", of(&|view| view.items));
        text.each("quorate_group_bytes", "gauge", "Bytes held.", "group", of(&|view| view.bytes));
        let applied = of(&|view| view.applied.unwrap_or(0));
        text.each("quorate_group_applied_index", "gauge", "Last log index applied.", "group", applied);
        let committed = of(&|view| view.committed.unwrap_or(0));
        text.each("quorate_group_committed_index", "gauge", "Last log index committed.", "group", committed);
        let snapshot = of(&|view| view.snapshot.unwrap_or(0));
        text.each(
            "quorate_group_snapshot_index",
            "gauge",
            "Last log index in the snapshot.",
            "group",
            snapshot,
        );
        text.each(
            "quorate_group_log_bytes",
            "gauge",
            "Bytes of log kept.",
            "group",
            of(&|view| view.log_bytes),
        );
        expiry_metrics(&groups, text);
        let queued = groups.iter().map(|group| (group.id(), group.proposals_queued()));
        text.each("quorate_group_proposals_queued", "gauge", "Commands waiting.", "group", queued);
    }
}

/// Keys that expired: those still held, and all there ever were.
fn expiry_metrics(groups: &[Arc<Group>], text: &mut Exposition) {
    let stats: Vec<_> = groups.iter().map(|group| (group.id(), group.map().read().stats())).collect();
    let of = |value: fn(&MapStats) -> u64| stats.iter().map(move |(group, stats)| (*group, value(stats)));
    let pending = of(|stats| stats.expired_pending);
    text.each("quorate_expired_pending", "gauge", "Expired keys not removed yet.", "group", pending);
    let bytes = of(|stats| stats.expired_pending_bytes);
    text.each("quorate_expired_pending_bytes", "gauge", "Bytes those hold.", "group", bytes);
    let total = of(|stats| stats.expired_total);
    text.each("quorate_expired_total", "counter", "Keys that expired.", "group", total);
}

/// A histogram with labels.
struct Labelled {
    labels: String,
    /// Upper bounds, ascending, each with how many values are at or below it.
    buckets: Vec<(f64, u64)>,
    count: u64,
    sum: f64,
}

/// Prometheus's text format.
#[derive(Default)]
pub(super) struct Exposition(String);

impl Exposition {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub(super) fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, kind, help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    /// A histogram of the log, its values multiplied by `unit`.
    fn histogram<const FIRST: u32>(&mut self, name: &str, help: &str, of: &Histogram<FIRST>, unit: f64) {
        self.head(name, "histogram", help);
        for (bound, below) in of.cumulative() {
            let _ = writeln!(self.0, "{name}_bucket{{le=\"{}\"}} {below}", bound as f64 * unit);
        }
        let _ = writeln!(self.0, "{name}_bucket{{le=\"+Inf\"}} {}", of.count());
        let _ = writeln!(self.0, "{name}_sum {}\n{name}_count {}", of.sum() as f64 * unit, of.count());
    }

    /// Histograms of one name.
    fn histograms(&mut self, name: &str, help: &str, all: &[Labelled]) {
        self.head(name, "histogram", help);
        for Labelled { labels, buckets, count, sum } in all {
            for (bound, below) in buckets {
                let _ = writeln!(self.0, "{name}_bucket{{{labels},le=\"{bound}\"}} {below}");
            }
            let _ = writeln!(self.0, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}");
            let _ = writeln!(self.0, "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {count}");
        }
    }

    /// Samples of two labels; each has what stands between its braces, and its value.
    fn labelled<V: std::fmt::Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        values: impl IntoIterator<Item = (String, V)>,
    ) {
        self.head(name, kind, help);
        for (labels, value) in values {
            let _ = writeln!(self.0, "{name}{{{labels}}} {value}");
        }
    }

    pub(super) fn each<L: std::fmt::Display, V: std::fmt::Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (L, V)>,
    ) {
        self.head(name, kind, help);
        for (of, value) in values {
            let _ = writeln!(self.0, "{name}{{{label}=\"{of}\"}} {value}");
        }
    }
}
