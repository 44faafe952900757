//! Short times to live, from 50 ms to 5 s. Keys are looked at just before and just after their deadlines, by the
//! client that set them and by all others.

use std::time::Duration;

use super::{LastSeen, Script, Step};
use crate::history::{Consistency, Expect, Expires, Input, Operation, Outcome, Output};
use crate::workload::draw::Draw;
use crate::workload::kind::Kind;

/// Nanoseconds in a millisecond.
const NS_PER_MS: u64 = 1_000_000;
/// Keys at one time.
const KEYS: u64 = 40;
/// Shortest time to live, ms.
const TTL_MS_MIN: u64 = 50;
/// Longest time to live, ms.
const TTL_MS_MAX: u64 = 5000;
/// From so long before a deadline until so long after it the key is looked at.
const NEAR_NS: u64 = 15_000_000;
/// The same after a deadline for a key that nobody saw gone yet: on a busy machine a client's turn comes late, and while a
/// group has no leader no look succeeds.
const UNSEEN_NS: u64 = 1_000_000_000;
/// Pause after about every second look before a deadline.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
/// Longest wait for a deadline to come near.
const WAIT_NS_MAX: u64 = 10_000_000;
/// Deadlines a client waits for at once. Whoever has so many only reads: keys that are written again and again
/// never come near their deadlines.
const DEADLINES_MAX: usize = 6;

/// The script.
#[derive(Debug, Default)]
pub(super) struct Ttl {
    seen: LastSeen,
    deadlines: Vec<Deadline>,
}

/// When a key should expire, and until when it is worth a look; ns on the run's clock.
#[derive(Debug)]
struct Deadline {
    key: String,
    at: u64,
    until: u64,
}

impl Script for Ttl {
    fn next(&mut self, draw: &mut Draw) -> Step {
        let now = draw.now_ns;
        self.deadlines.retain(|deadline| deadline.until > now);
        let soonest = self.deadlines.iter().min_by_key(|deadline| deadline.at);
        match soonest.map(|deadline| (deadline, deadline.at.saturating_sub(NEAR_NS))) {
            Some((Deadline { key, at, .. }, _)) if *at <= now => Step::One(key.clone(), behind(draw)),
            Some((_, near)) if near <= now && draw.percent(50) => Step::Wait(BETWEEN_LOOKS),
            Some((Deadline { key, .. }, near)) if near <= now => Step::One(key.clone(), before(draw)),
            Some((_, near)) if near - now < WAIT_NS_MAX => Step::Wait(Duration::from_nanos(near - now)),
            _ if self.deadlines.len() < DEADLINES_MAX => self.anything(draw),
            _ => Step::One(draw.key(Kind::Ttl, KEYS), Input::Get(draw.consistency())),
        }
    }

    fn learn(&mut self, done: &Operation) {
        self.seen.learn(done);
        let left_ms = match (done.expires, done.input.ttl_ms()) {
            (Expires::In(left_ms), _) => Some(left_ms),
            // The answer was lost: if the write was not, this is when the key should go.
            (Expires::Untold, Some(ttl_ms)) if done.outcome == Outcome::Unknown => Some(ttl_ms),
            (Expires::Never, _) => None,
            (Expires::Untold, _) => return self.seen_gone(done),
        };
        self.deadlines.retain(|deadline| deadline.key != done.key);
        let deadline = |left_ms| {
            let at = done.return_ns + left_ms * NS_PER_MS;
            Deadline { key: done.key.clone(), at, until: at + UNSEEN_NS }
        };
        self.deadlines.extend(left_ms.map(deadline));
        self.deadlines.truncate(DEADLINES_MAX);
    }
}

impl Ttl {
    /// A key that was seen gone is worth a look for a moment more only: it must not come back.
    fn seen_gone(&mut self, done: &Operation) {
        let gone = matches!(done.output, Some(Output::Read(None) | Output::Missing));
        for deadline in self.deadlines.iter_mut().filter(|deadline| gone && deadline.key == done.key) {
            deadline.until = deadline.at + NEAR_NS;
        }
    }

    fn anything(&self, draw: &mut Draw) -> Step {
        let again = if draw.percent(30) { self.seen.key() } else { None };
        let key = again.unwrap_or_else(|| draw.key(Kind::Ttl, KEYS));
        let ttl_ms = draw.log_between(TTL_MS_MIN, TTL_MS_MAX);
        let input = match draw.below(100) {
            0..40 => Input::Set { value: draw.value(), ttl_ms: Some(ttl_ms) },
            40..43 => Input::Set { value: draw.value(), ttl_ms: None },
            43..58 => {
                let expect = self.seen.of(&key).map_or(Expect::Absent, Expect::Version);
                Input::Cas { expect, value: draw.value(), ttl_ms: Some(ttl_ms) }
            }
            58..66 => Input::Touch { ttl_ms },
            66..69 => Input::Persist,
            69..72 => Input::Delete,
            _ => Input::Get(draw.consistency()),
        };
        Step::One(key, input)
    }
}

/// Just before a deadline almost only reads: a quick client looks so often that it would keep every key from its deadline.
fn before(draw: &mut Draw) -> Input {
    match draw.below(1000) {
        0..3 => Input::Touch { ttl_ms: draw.log_between(TTL_MS_MIN, TTL_MS_MAX) },
        3..6 => Input::Persist,
        6..50 => Input::Cas { expect: Expect::Absent, value: draw.value(), ttl_ms: Some(TTL_MS_MAX) },
        50..500 => Input::Get(Consistency::Lease),
        500..600 => Input::Get(Consistency::Local),
        _ => Input::Get(Consistency::Linearizable),
    }
}

/// From a deadline on mostly reads, by all ways; now and then what must know whether the key is still there.
fn behind(draw: &mut Draw) -> Input {
    match draw.below(100) {
        0..4 => Input::Touch { ttl_ms: draw.log_between(TTL_MS_MIN, TTL_MS_MAX) },
        4..8 => Input::Cas { expect: Expect::Absent, value: draw.value(), ttl_ms: Some(TTL_MS_MAX) },
        8..10 => Input::Persist,
        10..50 => Input::Get(Consistency::Lease),
        50..60 => Input::Get(Consistency::Local),
        _ => Input::Get(Consistency::Linearizable),
    }
}
