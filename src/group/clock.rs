//! The leader's clock of one group, estimated on every replica (design: "group time").
//!
//! Leader time is this machine's boot clock plus an offset. Each applied entry carries its leader's time, and a
//! replica sets its offset by the last one: what it hears late only makes it late, and the drift between two
//! boot clocks does not add up. A replica that becomes leader goes on from the last leader time it heard plus what
//! has elapsed since, so a failover never skips ahead; and never below group time, so it never moves time back.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;
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
    /// The largest group time heard.
    heard_ms: AtomicU64,
    /// This node's newest leadership whose first entry is applied: from then on its clock leads.
    led: Mutex<Option<LeaderId>>,
}

impl GroupClock {
    pub(crate) fn new() -> Self {
        Self {
            offset: AtomicI64::new(UNSET),
            heard: AtomicBool::new(false),
            heard_ms: AtomicU64::new(0),
            led: Mutex::new(None),
        }
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
        *self.led.lock() >= Some(*leader)
    }

    /// Notes that a leader other than this node is alive: it accounts for any outage of the whole group.
    pub(crate) fn heard_other_leader(&self) {
        self.heard.store(true, Ordering::Release);
    }

    /// Begins to lead, once everything before this leadership is applied to `map`.
    pub(crate) fn lead(&self, leader: &LeaderId, map: &TtlMap) {
        let recorded = Recorded { time_ms: map.time_ms(), wall_ms: map.wall_ms() };
        self.advance_to(recorded.leads_on_from(self.heard.load(Ordering::Acquire), wall_ms()));
        // From here on an outage of the group is this node's to have seen: it is counted once.
        self.heard.store(true, Ordering::Release);
        let mut led = self.led.lock();
        *led = (*led).max(Some(*leader));
    }

    /// Takes over the time of an applied entry of `leader`: of one that moved group time, since an entry without a
    /// stamp of its own says nothing new; and not of this node's own, since its clock is ahead of its entries.
    pub(crate) fn hear(&self, leader: &LeaderId, time_ms: u64) {
        if time_ms > self.heard_ms.fetch_max(time_ms, Ordering::AcqRel) && !self.leads(leader) {
            self.offset.store(offset_of(time_ms), Ordering::Release);
        }
    }

    fn advance_to(&self, time_ms: u64) {
        if time_ms > 0 {
            self.offset.fetch_max(offset_of(time_ms), Ordering::AcqRel);
        }
    }
}

fn offset_of(time_ms: u64) -> i64 {
    time_ms as i64 - boot_ms() as i64
}

/// Group time and the wall clock that was recorded with it.
#[derive(Debug, Clone, Copy)]
struct Recorded {
    time_ms: u64,
    wall_ms: u64,
}

impl Recorded {
    /// Where a new leader's time starts at the least. A group without time begins at the wall clock. One whose
    /// leaders were all down moves on by the wall-clock gap since its last entry, once, and never back; this is
    /// the only place where a wall clock moves group time. If any leader was alive meanwhile, it saw to that.
    fn leads_on_from(self, heard_a_leader: bool, wall_ms: u64) -> u64 {
        match (self.time_ms, heard_a_leader) {
            (0, _) => wall_ms,
            (time_ms, true) => time_ms,
            (time_ms, false) => time_ms.saturating_add(wall_ms.saturating_sub(self.wall_ms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use openraft::vote::RaftLeaderId as _;
    use raft_store::command::Packer;

    use super::*;

    const HOUR: u64 = 3_600_000;

    fn map_at(time_ms: u64, wall_ms: u64) -> TtlMap {
        let mut map = TtlMap::new();
        map.apply(&Packer::new().finish(time_ms, wall_ms)).unwrap();
        map
    }

    #[test]
    fn a_stepped_wall_clock_does_not_move_time_at_failover() {
        let recorded = Recorded { time_ms: 1000, wall_ms: 5000 };
        assert_eq!(recorded.leads_on_from(true, 5000 + 1000 * HOUR), 1000);
        assert_eq!(recorded.leads_on_from(true, 0), 1000);
    }

    #[test]
    fn an_outage_of_the_whole_group_counts_once_and_never_backwards() {
        let recorded = Recorded { time_ms: 1000, wall_ms: 5000 };
        assert_eq!(recorded.leads_on_from(false, 5000 + HOUR), 1000 + HOUR);
        assert_eq!(recorded.leads_on_from(false, 4000), 1000);
    }

    #[test]
    fn a_follower_keeps_to_the_last_time_heard_and_a_leader_to_its_own() {
        let (clock, other, own) = (GroupClock::new(), LeaderId::new(1, 2), LeaderId::new(2, 1));
        assert_eq!(clock.now_ms(), 0);
        clock.hear(&other, 10 * HOUR);
        // The other leader's clock runs slower than this one: what was gained meanwhile is given up.
        clock.offset.store(offset_of(20 * HOUR), Ordering::Release);
        clock.hear(&other, 10 * HOUR);
        assert!(clock.now_ms() >= 20 * HOUR, "an entry without a stamp of its own says nothing new");
        clock.hear(&other, 10 * HOUR + 1);
        let follows = clock.now_ms();
        assert!((10 * HOUR..10 * HOUR + 60_000).contains(&follows), "{follows}");
        clock.lead(&own, &map_at(11 * HOUR, wall_ms()));
        clock.hear(&own, 10 * HOUR);
        let leads = clock.now_ms();
        assert!((11 * HOUR..11 * HOUR + 60_000).contains(&leads), "{leads}");
    }

    #[test]
    fn a_clock_leads_only_from_its_own_leadership_on() {
        let clock = GroupClock::new();
        clock.heard_other_leader();
        let (old, new) = (LeaderId::new(4, 1), LeaderId::new(5, 1));
        clock.lead(&old, &map_at(HOUR, wall_ms() - 10 * HOUR));
        assert!(clock.leads(&old) && !clock.leads(&new));
        let now = clock.now_ms();
        assert!((HOUR..HOUR + 60_000).contains(&now), "the gap was another leader's to count: {now}");
    }
}
