//! What tells how work goes through the groups: entries' sizes, how late keys expire, how long followers take.

use std::sync::Arc;

use raft_store::wal::Histogram;

use super::{Exposition, Labelled};
use crate::group::{AppendTimes, Group};

/// Every second bound of a histogram of numbers is shown, up to so many: 1, 4, 16 … 16,384.
const SIZE_BOUNDS: usize = 8;

/// The figures of the groups here.
pub(super) fn groups(groups: &[Arc<Group>], text: &mut Exposition) {
    let sizes = groups.iter().map(|group| (group.id(), group.entry_sizes()));
    // A replica that never led has none.
    let led = sizes.filter(|(_, sizes)| sizes.count() > 0);
    let shown: Vec<Labelled> = led
        .map(|(group, sizes)| labelled(format!("group=\"{group}\""), &sizes, 2, SIZE_BOUNDS, 1.0))
        .collect();
    let help = "Commands packed into one entry, where the group is or was led.";
    text.histograms("quorate_group_entry_commands", help, &shown);
    let late = groups.iter().map(|group| (group.id(), group.late().as_secs_f64()));
    let help = "How late keys expire at most now: how far group time is behind, while a key is due.";
    text.each("quorate_group_time_late_seconds", "gauge", help, "group", late);
}

/// The figures of the followers of groups led here.
pub(super) fn followers(times: &AppendTimes, text: &mut Exposition) {
    let all = times.all();
    let shown: Vec<Labelled> = all
        .iter()
        .map(|(peer, appends)| labelled(format!("peer=\"{peer}\""), &appends.times, 1, usize::MAX, 1e-9))
        .collect();
    let help = "From sending entries to a follower until it says that they are on disk.";
    text.histograms("quorate_peer_append_seconds", help, &shown);
    let failed = all.iter().map(|(peer, appends)| (*peer, appends.failed));
    let help = "Appends to a follower that were not answered.";
    text.each("quorate_peer_append_failures_total", "counter", help, "peer", failed);
}

fn labelled<const FIRST: u32>(
    labels: String,
    of: &Histogram<FIRST>,
    step: usize,
    bounds: usize,
    unit: f64,
) -> Labelled {
    let shown = of.cumulative().step_by(step).take(bounds);
    let buckets = shown.map(|(bound, below)| (bound as f64 * unit, below)).collect();
    Labelled { labels, buckets, count: of.count(), sum: of.sum() as f64 * unit }
}

#[cfg(test)]
mod tests {
    use raft_store::wal::Numbers;

    use super::*;

    #[test]
    fn the_bounds_left_out_lose_no_value() {
        let mut sizes = Numbers::default();
        for size in [1, 2, 3, 17, 1 << 20] {
            sizes.record(size);
        }
        let shown = labelled("group=\"1\"".into(), &sizes, 2, SIZE_BOUNDS, 1.0);
        let expected =
            [(1.0, 1), (4.0, 3), (16.0, 3), (64.0, 4), (256.0, 4), (1024.0, 4), (4096.0, 4), (16384.0, 4)];
        assert_eq!((shown.buckets.as_slice(), shown.count), (&expected[..], 5));
    }
}
