//! How often keys that clients asked for were there: the hit rate.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Exposition;
use crate::error::Result;
use crate::node::ReadOk;

/// Look-ups of keys through this node, by what they found; failed ones count as neither.
#[derive(Debug, Default)]
pub(in crate::node) struct Reads {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Reads {
    /// Counts what was found.
    pub(in crate::node) fn count(&self, found: &[Result<ReadOk>]) {
        let answered = found.iter().flatten();
        let (hits, all) =
            answered.fold((0, 0), |(hits, all), read| (hits + u64::from(read.entry.is_some()), all + 1));
        self.hits.fetch_add(hits, Relaxed);
        self.misses.fetch_add(all - hits, Relaxed);
    }

    /// Both counters as text.
    pub(super) fn metrics(&self, text: &mut Exposition) {
        let counts = [("hit", self.hits.load(Relaxed)), ("miss", self.misses.load(Relaxed))];
        text.each(
            "quorate_reads_total",
            "counter",
            "Look-ups of keys by clients of this node.",
            "found",
            counts,
        );
    }
}
