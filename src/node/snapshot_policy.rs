//! When a group is due for a snapshot, and how long its log waits for a follower. Pure.
//!
//! A snapshot writes the whole map, so a group with a large one waits for more log: for half of what its last
//! snapshot takes, between `snapshot-log` and [`SNAPSHOT_LOG_TIMES_MAX`] times that. So at most two bytes of
//! snapshot are written for one of log up to a snapshot of eight times `snapshot-log`, and the log that a start
//! applies stays bounded beyond.
//!
//! What a start takes is bounded not by bytes alone: a change of a few bytes takes nearly as long to apply as one of a
//! hundred, and several times as long as an entry takes to load from a snapshot. So [`SNAPSHOT_CHANGES`] make a
//! snapshot due as well, or as many as a group has entries divided by [`SNAPSHOT_CHANGES_PARTS`], if that is more. The
//! tail of a large group then takes no more than in proportion to its snapshot, and at most four entries are written to
//! snapshots for each change.

use std::time::Duration;

use crate::limits::{
    SNAPSHOT_CHANGES, SNAPSHOT_CHANGES_PARTS, SNAPSHOT_CHECK_INTERVAL, SNAPSHOT_HELD_TIMES_MAX,
    SNAPSHOT_LOG_TIMES_MAX, SNAPSHOT_RETRY_MAX, SNAPSHOT_WORTH_PARTS,
};

/// The pause between two tries to replace a damaged snapshot is that after so many failures.
const DAMAGED_PAUSED_AS_FAILED: u32 = 3;

/// The settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    /// Bytes of log after which a group with a small map takes a snapshot.
    pub(super) log: u64,
    /// Time after which a group with enough that is new takes one.
    pub(super) interval: Duration,
}

/// What is known of a group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// Bytes of its log.
    pub(super) log_bytes: u64,
    /// Bytes of that behind its snapshot, about.
    pub(super) new_bytes: u64,
    /// Changes behind its snapshot, about.
    pub(super) changes: u64,
    /// Entries of its map.
    pub(super) items: u64,
    /// Bytes of its snapshot; 0 without one.
    pub(super) snapshot_bytes: u64,
    /// How long ago the last one was taken or tried.
    pub(super) waited: Duration,
    /// Tries that failed since one was taken.
    pub(super) failures: u32,
    /// Whether a follower is being sent one, so that no log could go.
    pub(super) under_way: bool,
    /// Whether its snapshot is damaged on disk.
    pub(super) damaged: bool,
}

impl Policy {
    /// Bytes of new log that make a snapshot of `snapshot_bytes` worth replacing.
    pub(super) fn threshold(&self, snapshot_bytes: u64) -> u64 {
        (snapshot_bytes / 2).clamp(self.log, self.log.saturating_mul(SNAPSHOT_LOG_TIMES_MAX))
    }

    /// Changes that make a snapshot of `items` entries worth replacing.
    pub(super) fn changes(items: u64) -> u64 {
        SNAPSHOT_CHANGES.max(items / SNAPSHOT_CHANGES_PARTS)
    }

    /// Bytes of log that stay behind a snapshot, for followers that are a little behind.
    pub(super) fn kept(&self) -> u64 {
        self.log / 4
    }

    /// Whether the log has waited long enough for a follower that is being sent a snapshot.
    pub(super) fn gives_up(&self, seen: &Seen) -> bool {
        let most = self.threshold(seen.snapshot_bytes).saturating_mul(SNAPSHOT_HELD_TIMES_MAX);
        seen.under_way && seen.log_bytes > most
    }

    /// How urgently the group needs a snapshot: the larger, the sooner its turn; `None`: it does not.
    pub(super) fn urgency(&self, seen: &Seen) -> Option<f64> {
        let paused = seen.failures > 0 && seen.waited < pause_after(seen.failures);
        // What is in memory is whole, and whoever needs the snapshot waits for one that is too.
        if seen.damaged && !paused && seen.waited >= pause_after(DAMAGED_PAUSED_AS_FAILED) {
            return Some(f64::INFINITY);
        }
        if paused || seen.under_way || seen.new_bytes == 0 {
            return None;
        }
        let by_bytes = seen.new_bytes as f64 / self.threshold(seen.snapshot_bytes) as f64;
        let by_log = by_bytes.max(seen.changes as f64 / Self::changes(seen.items) as f64);
        let by_time = seen.waited.as_secs_f64() / self.interval.as_secs_f64();
        let worth = seen.new_bytes >= seen.snapshot_bytes / SNAPSHOT_WORTH_PARTS;
        let urgency = if worth { by_log.max(by_time) } else { by_log };
        (urgency >= 1.0).then_some(urgency)
    }
}

/// Doubles with every failure.
fn pause_after(failures: u32) -> Duration {
    SNAPSHOT_CHECK_INTERVAL.saturating_mul(1 << failures.min(10)).min(SNAPSHOT_RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { log: 1000, interval: Duration::from_secs(600) };

    fn seen(new_bytes: u64, snapshot_bytes: u64, waited: u64) -> Seen {
        let waited = Duration::from_secs(waited);
        Seen { log_bytes: new_bytes, new_bytes, snapshot_bytes, waited, ..Seen::default() }
    }

    #[test]
    fn large_snapshots_wait_for_more_log() {
        for (snapshot, threshold) in [(0, 1000), (2000, 1000), (5000, 2500), (8000, 4000), (u64::MAX, 4000)] {
            assert_eq!(POLICY.threshold(snapshot), threshold, "{snapshot}");
            assert_eq!(POLICY.urgency(&seen(threshold - 1, snapshot, 0)), None);
            assert_eq!(POLICY.urgency(&seen(threshold, snapshot, 0)), Some(1.0));
        }
    }

    #[test]
    fn many_small_changes_are_as_good_as_much_log() {
        let few = 4 * SNAPSHOT_CHANGES - 1;
        for (items, changes) in [(0, 500_000), (few, 500_000), (8_000_000, 2_000_000)] {
            let after = |changes| POLICY.urgency(&Seen { items, changes, ..seen(10, 6400, 0) });
            assert_eq!((after(changes - 1), after(changes)), (None, Some(1.0)), "{items} entries");
        }
        let held = Seen { changes: u64::MAX, under_way: true, ..seen(10, 0, 0) };
        assert_eq!((POLICY.urgency(&held), POLICY.gives_up(&held)), (None, false), "the log waits");
    }

    #[test]
    fn time_asks_for_a_snapshot_only_of_what_is_worth_it() {
        assert_eq!(POLICY.urgency(&seen(1, 0, 600)), Some(1.0));
        assert_eq!(POLICY.urgency(&seen(1, 0, 599)), None);
        assert_eq!(POLICY.urgency(&seen(0, 0, 6000)), None, "nothing is new");
        assert_eq!(POLICY.urgency(&seen(1, 6400, 600)), None, "6400 bytes for one");
        assert_eq!(POLICY.urgency(&seen(100, 6400, 600)), Some(1.0));
    }

    #[test]
    fn the_log_waits_for_a_follower_up_to_its_bound() {
        let held = |bytes| Seen { under_way: true, ..seen(bytes, 0, 0) };
        assert_eq!(POLICY.urgency(&held(4000)), None);
        assert!(!POLICY.gives_up(&held(4000)));
        assert!(POLICY.gives_up(&held(4001)));
        assert!(!POLICY.gives_up(&seen(4001, 0, 0)), "nothing to give up");
    }

    #[test]
    fn a_damaged_snapshot_is_replaced_whatever_is_new() {
        let damaged = |waited| Seen { damaged: true, under_way: true, ..seen(0, 6400, waited) };
        assert_eq!(POLICY.urgency(&damaged(7)), None);
        assert_eq!(POLICY.urgency(&damaged(8)), Some(f64::INFINITY));
        assert_eq!(POLICY.urgency(&Seen { failures: 4, ..damaged(8) }), None);
    }

    #[test]
    fn failures_are_tried_again_ever_later() {
        let failed = |failures, waited| POLICY.urgency(&Seen { failures, ..seen(5000, 0, waited) });
        assert_eq!((failed(1, 1), failed(1, 2)), (None, Some(5.0)));
        assert_eq!((failed(3, 7), failed(3, 8)), (None, Some(5.0)));
        assert_eq!(failed(u32::MAX, SNAPSHOT_RETRY_MAX.as_secs()), Some(5.0));
    }
}
