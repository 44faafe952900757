//! Group time and versions only grow with the log, and are the same at the same entry: `ARCHITECTURE.md`, invariants 6 and
//! 7; the rule `max(old, stamped)` is TigerBeetle's (`src/vsr/clock.zig`).

use std::collections::BTreeMap;

use super::{Broken, Invariant, Replica};

#[derive(Default)]
pub(super) struct TimeAndVersions {
    /// Time and version after each entry that was seen applied.
    at: BTreeMap<(u32, u64), (u64, u64)>,
}

impl Invariant for TimeAndVersions {
    fn name(&self) -> &'static str {
        "time-and-versions"
    }

    fn see(&mut self, replica: &Replica) -> Broken {
        let Some(applied) = replica.applied else { return Ok(()) };
        let (group, now) = (replica.group, (replica.time_ms, replica.version));
        let same = *self.at.entry((group, applied.index)).or_insert(now);
        if same != now {
            return Err(format!(
                "after {applied:?} time and version are {now:?}; elsewhere they were {same:?}"
            ));
        }
        let before = self.at.range((group, 0)..(group, applied.index)).next_back();
        let behind = self.at.range((group, applied.index + 1)..=(group, u64::MAX)).next();
        let grows = |(low, high): ((u64, u64), (u64, u64))| low.0 <= high.0 && low.1 <= high.1;
        let pairs = [before.map(|(_, low)| (*low, now)), behind.map(|(_, high)| (now, *high))];
        match pairs.into_iter().flatten().find(|pair| !grows(*pair)) {
            Some((low, high)) => {
                Err(format!("around {applied:?} time and version go from {low:?} to {high:?}"))
            }
            None => Ok(()),
        }
    }
}
