//! The transport's own waits and sizes. The bounds that callers feel are in [`crate::limits`].

use std::time::Duration;

/// How long one attempt to connect may take, hello and welcome included.
pub(super) const DIAL_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an accepted connection has for its hello.
pub(super) const HELLO_TIMEOUT: Duration = Duration::from_secs(2);
/// How often each end of a connection shows that it lives.
pub(super) const BEAT_INTERVAL: Duration = Duration::from_secs(1);
/// Pulses without a word after which nothing new is sent to a peer that can wait a moment.
pub(super) const QUIET_PULSES: u32 = 3;
/// Pulses without a word after which a peer is suspect.
pub(super) const SUSPECT_PULSES: u32 = 6;
/// Pulses without a word after which a peer that is suspect counts as down.
pub(super) const DOWN_PULSES: u32 = 40;
/// A connection on which nothing arrives for so many beats is closed: the other end may be gone unannounced.
pub(super) const SILENT_BEATS_MAX: u32 = 5;
/// Wait before the second attempt to connect; doubles up to [`BACKOFF_MAX`]. Also used when accepting fails.
pub(super) const BACKOFF_MIN: Duration = Duration::from_millis(10);
/// Longest wait between two attempts.
pub(super) const BACKOFF_MAX: Duration = Duration::from_millis(500);
/// A peer that cannot be reached and was not called for this long is no longer dialled.
pub(super) const WANTED_FOR: Duration = Duration::from_secs(30);
/// Connections from peers served at once: two lanes from each node, and room for those that come and go.
pub(super) const INBOUND_CONNECTIONS_MAX: usize = 4 * crate::limits::NODES_MAX;
/// Largest frame from a peer that has not said hello yet, and largest answer to a hello.
pub(super) const HELLO_BYTES_MAX: usize = 512;
/// Frames are taken for one write until they are this large together.
pub(super) const WRITE_BATCH_BYTES: usize = 1 << 20;
/// Bodies up to this size are copied next to their header; larger ones are written from where they lie.
pub(super) const COPY_BYTES_MAX: usize = 16 << 10;
/// Room offered to each read.
pub(super) const READ_BUFFER_BYTES: usize = 64 << 10;

/// What tests turn down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tuning {
    pub(super) dial: Duration,
    pub(super) hello: Duration,
    pub(super) beat: Duration,
    pub(super) wanted_for: Duration,
    pub(super) inbound_max: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            dial: DIAL_TIMEOUT,
            hello: HELLO_TIMEOUT,
            beat: BEAT_INTERVAL,
            wanted_for: WANTED_FOR,
            inbound_max: INBOUND_CONNECTIONS_MAX,
        }
    }
}
