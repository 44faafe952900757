//! The log's settings and bounds, each by name.

use std::time::Duration;

/// Most bytes one append may hold: with `QUEUE_BYTES_CEILING` it keeps a batch's length within 32 bits.
pub const APPEND_BYTES_MAX: usize = 1 << 30;
/// Largest queue that may be configured, in bytes.
pub(super) const QUEUE_BYTES_CEILING: usize = 1 << 30;
/// Smallest segment that may be configured, in bytes: a batch of a few records fits.
pub(super) const SEGMENT_BYTES_MIN: u64 = 4 << 10;
/// Largest segment that may be configured, in bytes: with it, and the two bounds above, an offset fits into 32 bits.
pub(super) const SEGMENT_BYTES_MAX: u64 = 1 << 30;
/// Highest number of a segment: with it a number fits into 32 bits, and lasts for 16 TiB of the smallest segments.
pub(super) const SEGMENT_NUMBER_MAX: u64 = u32::MAX as u64;
/// What every operation is charged in the queue on top of its bytes, so that bytes bound the count too.
pub(super) const OPERATION_COST: usize = 256;
/// Most bytes of old entries moved to the head of the log with one batch, so that no batch stalls for it.
pub(super) const RELOCATED_BYTES_PER_BATCH: u64 = 256 << 10;
/// Most entries looked at with one batch to find those.
pub(super) const LOOKED_AT_PER_BATCH: usize = 64 << 10;
/// Bytes of zeros written at a time when a segment is prepared, and synced before the next.
pub(super) const ZERO_FILL_CHUNK: usize = 256 << 10;
/// Bytes read at a time when a log is opened; progress is told after one, or one for each thread.
pub(super) const READ_CHUNK: usize = 8 << 20;
/// Threads that read such a piece each, at most.
pub(super) const READ_THREADS: usize = 2;
/// Room at the end of every segment that appends leave alone, as a part of it and at most: votes, truncations and
/// purges still fit when there is no next segment.
pub(super) const RESERVE_PARTS: u64 = 8;
/// See [`RESERVE_PARTS`], in bytes.
pub(super) const RESERVE_BYTES_MAX: u64 = 1 << 20;
/// How long after a segment could not be made it is tried again, unless one was removed meanwhile.
pub(super) const PREPARE_RETRY: Duration = Duration::from_secs(1);
/// How long the log is idle before it marks its last batch as synced.
pub(super) const IDLE_BEFORE_SEAL: Duration = Duration::from_secs(1);
/// Capacity the writer's buffer keeps between batches, in bytes.
pub(super) const BUFFER_KEPT_BYTES: usize = 4 << 20;
/// Settings of a log.
#[derive(Debug, Clone, Copy)]
pub struct WalOptions {
    /// Bytes of a segment file, 4 KiB to 1 GiB. A batch that needs more gets a larger one.
    pub segment_bytes: u64,
    /// Segments from which on entries of lagging groups are moved, so that old segments can go.
    pub segments_max: usize,
    /// Bytes of recent payloads kept in memory over all groups.
    pub cache_bytes: u64,
    /// Bytes that may wait for the writer; past it callers wait. At most 1 GiB.
    pub queue_bytes: usize,
    /// Random bits for a log that is new, kept from clients: with them no value a client stores can look like a batch
    /// of the log. A log that exists keeps its own. This crate has no randomness itself.
    pub salt: u64,
    /// A monotonic clock in nanoseconds, for [`super::WalStats`] only. This crate reads none itself.
    pub clock: fn() -> u64,
}

impl WalOptions {
    /// The same within the log's own bounds.
    pub(super) fn bounded(self) -> Self {
        let queue_bytes = self.queue_bytes.clamp(1, QUEUE_BYTES_CEILING);
        let segment_bytes = self.segment_bytes.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
        Self { queue_bytes, segment_bytes, ..self }
    }
}

impl Default for WalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            segments_max: 8,
            cache_bytes: 64 << 20,
            queue_bytes: 32 << 20,
            salt: 0,
            clock: || 0,
        }
    }
}
