//! Numbers the log keeps for metrics and policies.

use super::histogram::{Durations, Numbers, Sizes};

/// One group's share of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroupStats {
    /// Entries since the last purge.
    pub entries: u64,
    /// Bytes they take in segments.
    pub bytes: u64,
    /// Index of the first entry; `None` without any.
    pub first_index: Option<u64>,
    /// Index of the last entry; `None` without any.
    pub last_index: Option<u64>,
}

/// The log as a whole, since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WalStats {
    /// Segment files in use.
    pub segments: u64,
    /// Bytes these files were made with; one that grew for a large batch has more.
    pub disk_bytes: u64,
    /// Bytes of entries no group has purged, in all segments.
    pub live_bytes: u64,
    /// Bytes of payloads kept in memory.
    pub cached_bytes: u64,
    /// Segments made ready, new ones and ones used again.
    pub segments_prepared: u64,
    /// Batches written, which is also the number of syncs.
    pub batches: u64,
    /// Operations written.
    pub operations: u64,
    /// Bytes written, frames and moved entries included.
    pub written_bytes: u64,
    /// Bytes of entries moved to the head to free old segments.
    pub relocated_bytes: u64,
    /// Time spent in syncs, ns.
    pub sync_ns: u64,
    /// The longest sync, ns.
    pub sync_ns_max: u64,
    /// Syncs by their time, ns.
    pub sync: Durations,
    /// Operations by the time from when they were enqueued until their batch was begun, ns.
    pub wait: Durations,
    /// Batches by their operations.
    pub batch_operations: Numbers,
    /// Batches by their bytes.
    pub batch_bytes: Sizes,
}

/// One batch, to be counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchStats {
    pub(super) operations: usize,
    pub(super) bytes: usize,
    pub(super) relocated: usize,
    pub(super) sync_ns: u64,
}

impl WalStats {
    /// Counts a batch.
    pub(super) fn count_batch(&mut self, batch: BatchStats) {
        let BatchStats { operations, bytes, relocated, sync_ns } = batch;
        self.batches += 1;
        self.operations += operations as u64;
        self.written_bytes += bytes as u64;
        self.relocated_bytes += relocated as u64;
        self.sync_ns += sync_ns;
        self.sync_ns_max = self.sync_ns_max.max(sync_ns);
        self.sync.record(sync_ns);
        self.batch_operations.record(operations as u64);
        self.batch_bytes.record(bytes as u64);
    }
}
