//! The leader's clock of one group, estimated on every replica (design: "group time").
//!
//! Leader time is this machine's boot clock plus an offset. Each applied entry carries the leader's time,
//! and the offset only ever grows to meet it: a replica that becomes leader goes on from the largest leader
//! time it heard plus what has elapsed since, so a failover never moves time back and never skips ahead.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use raft_store::map::TtlMap;
use raft_store::raft::LeaderId;

use crate::clock::{boot_ms, wall_ms};

const UNSET: i64 = i64::MIN;

/// Leader time as this replica knows it.
#[derive(Debug)]
pub(crate) struct GroupClock {
    offset: AtomicI64,
    /// Whether any other leader was alive since this process started.
    heard: AtomicBool,
    /// Term of this node's newest leadership whose first entry is applied: from then on its clock leads.
    led_term: AtomicU64,
}

impl GroupClock {
    pub(crate) fn new() -> Self {
        Self { offset: AtomicI64::new(UNSET), heard: AtomicBool::new(false), led_term: AtomicU64::new(0) }
    }

    /// Leader time now, ms; 0 before anything was heard.
    pub(crate) fn now_ms(&self) -> u64 {
        match self.offset.load(Ordering::Acquire) {
            UNSET => 0,
            offset => boot_ms().saturating_add_signed(offset),
        }
    }

    /// Whether this node's leadership `leader` may stamp entries: everything before it is applied.
    pub(crate) fn leads(&self, leader: &LeaderId) -> bool {
        self.led_term.load(Ordering::Acquire) >= leader.term
    }

    /// Notes that a leader other than this node is alive: it accounts for any outage of the whole group.
    pub(crate) fn heard_other_leader(&self) {
        self.heard.store(true, Ordering::Release);
    }

    /// Begins to lead, once everything before this leadership is applied to `map`.
    pub(crate) fn lead(&self, leader: &LeaderId, map: &TtlMap) {
        self.advance_to(first_time(map, self.heard.load(Ordering::Acquire)));
        self.led_term.fetch_max(leader.term, Ordering::AcqRel);
    }

    /// Meets a leader's time, as an applied entry carries it.
    pub(crate) fn advance_to(&self, time_ms: u64) {
        if time_ms > 0 {
            self.offset.fetch_max(time_ms as i64 - boot_ms() as i64, Ordering::AcqRel);
        }
    }
}

/// Where a new leader's time starts at the latest. A group without time begins at the wall clock; one whose
/// leaders were all down moves on by the wall-clock gap since its last entry, once, and never back.
fn first_time(map: &TtlMap, heard_a_leader: bool) -> u64 {
    let wall = wall_ms();
    match (map.time_ms(), heard_a_leader) {
        (0, _) => wall,
        (time, true) => time,
        (time, false) => time.saturating_add(wall.saturating_sub(map.wall_ms())),
    }
}
