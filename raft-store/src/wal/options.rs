//! The log's settings and bounds, each by name.

/// Most bytes one append may hold: with `QUEUE_BYTES_CEILING` it keeps a batch's length within 32 bits.
pub const APPEND_BYTES_MAX: usize = 1 << 30;
/// Largest queue that may be configured, in bytes.
pub(super) const QUEUE_BYTES_CEILING: usize = 1 << 30;
/// What every operation is charged in the queue on top of its bytes, so that bytes bound the count too.
pub(super) const OPERATION_COST: usize = 256;
/// Most bytes of old entries moved to the head of the log with one batch, so that no batch stalls for it.
pub(super) const RELOCATED_BYTES_PER_BATCH: u64 = 256 << 10;
/// Bytes of zeros written and synced at a time when a segment is prepared.
pub(super) const ZERO_FILL_CHUNK: usize = 256 << 10;
/// Capacity the writer's buffer keeps between batches, in bytes.
pub(super) const BUFFER_KEPT_BYTES: usize = 4 << 20;
/// Most requests waiting for the thread that prepares and removes segments.
pub(super) const SEGMENT_REQUESTS_MAX: usize = 64;

/// Settings of a log.
#[derive(Debug, Clone, Copy)]
pub struct WalOptions {
    /// Bytes of a segment file. A batch that needs more makes its segment larger.
    pub segment_bytes: u64,
    /// Segments from which on entries of lagging groups are moved, so that old segments can go.
    pub segments_max: usize,
    /// Bytes of recent payloads kept in memory over all groups.
    pub cache_bytes: u64,
    /// Bytes that may wait for the writer; past it callers wait. At most 1 GiB.
    pub queue_bytes: usize,
    /// A monotonic clock in nanoseconds, for [`super::WalStats`] only. This crate reads none itself.
    pub clock: fn() -> u64,
}

impl Default for WalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            segments_max: 8,
            cache_bytes: 64 << 20,
            queue_bytes: 32 << 20,
            clock: || 0,
        }
    }
}
