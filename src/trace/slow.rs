//! The operations that took long: the last of them are kept, and each is logged, up to so many in a second.
//!
//! Guarantees that neither a value nor, unless keys may be told, a key is in what is kept or logged, and that what is
//! kept is bounded.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use raft_store::GroupId;
use serde::Serialize;
use utoipa::ToSchema;

use super::noted::{Noted, Protocol, Times};
use crate::clock::{boot_ms, wall_ms};
use crate::limits::{SLOW_KEPT_MAX, SLOW_KEY_BYTES_MAX, SLOW_LINES_PER_SECOND_MAX};

/// An operation that took long. Times are in milliseconds; one that is left out was none of this operation's.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Slow {
    /// Its number; they grow.
    pub id: u64,
    /// When it ended, by the wall clock, ms since 1970.
    pub at_ms: u64,
    /// How long it took.
    pub took_ms: f64,
    /// The request's id.
    pub request_id: String,
    /// The protocol it came by.
    pub protocol: &'static str,
    /// What was asked for: the kind of an HTTP request, or the first command of those carried out together.
    pub operation: &'static str,
    /// How many keys it is about.
    pub keys: usize,
    /// Length of the first of them.
    pub key_bytes: usize,
    /// That key, cut after `SLOW_KEY_BYTES_MAX` bytes, if keys may be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The group that was asked last.
    pub group: Option<GroupId>,
    /// Waiting to be packed into an entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_ms: Option<f64>,
    /// From there until the entry was applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_ms: Option<f64>,
    /// Waiting until the leader was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_ms: Option<f64>,
    /// Asking another node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded_ms: Option<f64>,
}

impl Slow {
    /// What is known of an operation; [`SlowLog::note`] gives it its number.
    pub fn new(
        protocol: Protocol,
        operation: &'static str,
        request_id: String,
        took: Duration,
        noted: &Noted,
    ) -> Self {
        let Times { queued, applied, round, forwarded } = noted.times;
        let known = |time: Duration| (!time.is_zero()).then(|| millis(time));
        Self {
            id: 0,
            at_ms: wall_ms(),
            took_ms: millis(took),
            request_id,
            protocol: protocol.name(),
            operation,
            keys: noted.keys,
            key_bytes: noted.key_bytes,
            key: None,
            group: noted.group,
            queued_ms: known(queued),
            applied_ms: known(applied),
            round_ms: known(round),
            forwarded_ms: known(forwarded),
        }
    }

    /// Tells the key too.
    pub fn with_key(mut self, key: Option<Vec<u8>>) -> Self {
        let shown = |key: Vec<u8>| key[..key.len().min(SLOW_KEY_BYTES_MAX)].escape_ascii().to_string();
        self.key = key.map(shown);
        self
    }

    fn log(&self, not_logged: u64) {
        tracing::warn!(
            request_id = self.request_id,
            protocol = self.protocol,
            operation = self.operation,
            took_ms = self.took_ms,
            keys = self.keys,
            key_bytes = self.key_bytes,
            key = self.key,
            group = self.group,
            queued_ms = self.queued_ms,
            applied_ms = self.applied_ms,
            round_ms = self.round_ms,
            forwarded_ms = self.forwarded_ms,
            not_logged = (not_logged > 0).then_some(not_logged),
            "slow operation"
        );
    }
}

fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

/// The slow operations of a node.
#[derive(Debug)]
pub struct SlowLog {
    /// From how long on an operation is slow; zero: none is.
    from: Duration,
    kept: Mutex<Kept>,
    total: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    last: VecDeque<Slow>,
    next_id: u64,
    lines: Lines,
}

impl SlowLog {
    /// Operations are slow that take `from_ms` or longer; 0: none is.
    pub fn new(from_ms: u64) -> Self {
        let from = Duration::from_millis(from_ms);
        Self { from, kept: Mutex::default(), total: AtomicU64::new(0) }
    }

    /// Whether an operation that took so long is slow.
    pub fn is_slow(&self, took: Duration) -> bool {
        !self.from.is_zero() && took >= self.from
    }

    /// From how long on an operation is slow; zero: none is.
    pub fn from(&self) -> Duration {
        self.from
    }

    /// Keeps and logs a slow operation.
    pub fn note(&self, mut slow: Slow) {
        self.total.fetch_add(1, Relaxed);
        let told = {
            let mut kept = self.kept.lock();
            slow.id = kept.next_id;
            kept.next_id += 1;
            kept.last.truncate(SLOW_KEPT_MAX - 1);
            kept.last.push_front(slow.clone());
            kept.lines.take(boot_ms())
        };
        if let Some(not_logged) = told {
            slow.log(not_logged);
        }
    }

    /// The last `count` of them, newest first.
    pub fn last(&self, count: usize) -> Vec<Slow> {
        self.kept.lock().last.iter().take(count).cloned().collect()
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.kept.lock().last.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets those kept.
    pub fn reset(&self) {
        self.kept.lock().last.clear();
    }

    /// How many there ever were.
    pub fn total(&self) -> u64 {
        self.total.load(Relaxed)
    }
}

/// How many lines were logged in this second, and how many not since the last one.
#[derive(Debug, Default)]
struct Lines {
    second: u64,
    logged: usize,
    dropped: u64,
}

impl Lines {
    /// Takes a line at `now_ms`; how many were dropped before it, or `None` when it is dropped itself.
    fn take(&mut self, now_ms: u64) -> Option<u64> {
        if now_ms / 1000 != self.second {
            (self.second, self.logged) = (now_ms / 1000, 0);
        }
        if self.logged == SLOW_LINES_PER_SECOND_MAX {
            self.dropped += 1;
            return None;
        }
        self.logged += 1;
        Some(std::mem::take(&mut self.dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow() -> Slow {
        let times = Times { queued: Duration::from_micros(1500), ..Times::default() };
        let noted = Noted { keys: 1, key_bytes: 5, group: Some(2), times, ..Noted::default() };
        Slow::new(Protocol::Http, "write", "a".into(), Duration::from_millis(120), &noted)
    }

    #[test]
    fn the_last_are_kept_newest_first_and_their_numbers_grow() {
        let log = SlowLog::new(100);
        assert!(log.is_slow(Duration::from_millis(100)) && !log.is_slow(Duration::from_millis(99)));
        (0..SLOW_KEPT_MAX + 3).for_each(|_| log.note(slow()));
        assert_eq!((log.len(), log.total()), (SLOW_KEPT_MAX, SLOW_KEPT_MAX as u64 + 3));
        let ids: Vec<u64> = log.last(2).iter().map(|slow| slow.id).collect();
        assert_eq!(ids, [SLOW_KEPT_MAX as u64 + 2, SLOW_KEPT_MAX as u64 + 1]);
        log.reset();
        assert!(log.is_empty() && log.total() > 0);
    }

    #[test]
    fn with_no_bound_nothing_is_slow() {
        assert!(!SlowLog::new(0).is_slow(Duration::from_secs(3600)));
    }

    #[test]
    fn lines_in_a_second_are_bounded_and_those_left_out_counted() {
        let mut lines = Lines::default();
        for _ in 0..SLOW_LINES_PER_SECOND_MAX {
            assert_eq!(lines.take(1_000), Some(0));
        }
        assert_eq!((lines.take(1_500), lines.take(1_999)), (None, None));
        assert_eq!((lines.take(2_000), lines.take(2_000)), (Some(2), Some(0)));
    }

    #[test]
    fn it_says_what_is_known_and_the_key_only_when_told_to() {
        let json = serde_json::to_value(slow()).unwrap();
        assert_eq!((&json["took_ms"], &json["queued_ms"]), (&120.0.into(), &1.5.into()));
        assert!(json.get("key").is_none() && json.get("round_ms").is_none(), "{json}");
        let long = vec![b'\n'; SLOW_KEY_BYTES_MAX + 1];
        let key = slow().with_key(Some(long)).key.unwrap();
        assert_eq!(key, "\\n".repeat(SLOW_KEY_BYTES_MAX));
    }
}
