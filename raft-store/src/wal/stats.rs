//! Numbers the log keeps for metrics and policies.

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
}

impl WalStats {
    /// Counts a batch that took `sync_ns` to sync.
    pub(super) fn count_batch(&mut self, operations: usize, bytes: usize, relocated: u64, sync_ns: u64) {
        self.batches += 1;
        self.operations += operations as u64;
        self.written_bytes += bytes as u64;
        self.relocated_bytes += relocated;
        self.sync_ns += sync_ns;
        self.sync_ns_max = self.sync_ns_max.max(sync_ns);
    }
}
