//! A key that is written where it is absent is a lock; with a time to live, a lease. None is granted twice.

use super::{Found, Kind, may_write, version};
use crate::history::{Expect, Input, Operation, Outcome, Output};

pub(super) fn check<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let mut writes: Vec<(u64, &Operation)> = operations
        .iter()
        .filter(|op| may_write(op) && op.outcome == Outcome::Ok)
        .filter_map(|op| Some((version(op)?, *op)))
        .collect();
    writes.sort_by_key(|(version, _)| *version);
    // A lock whose release nobody heard of may be free.
    let doubtful = operations.iter().filter(|op| op.outcome == Outcome::Unknown && may_write(op));
    let doubtful_ns = doubtful.map(|op| op.call_ns).min().unwrap_or(u64::MAX);
    for pair in writes.windows(2) {
        let (before, after) = (pair[0].1, pair[1].1);
        let sure = after.return_ns < doubtful_ns;
        if sure && is_grant(before) && is_grant(after) && still_held(before, after) {
            found(Kind::HeldTwice, after, Some(before));
        }
    }
}

fn is_grant(op: &Operation) -> bool {
    let asked = matches!(op.input, Input::Cas { expect: Expect::Absent, .. });
    asked && matches!(op.output, Some(Output::Written { .. }))
}

/// Whether the first grant held when the second was given, in group time.
fn still_held(first: &Operation, second: &Operation) -> bool {
    let Some(ttl_ms) = first.input.ttl_ms() else { return true };
    match (first.time_ms, second.time_ms) {
        (Some(first_ms), Some(second_ms)) => second_ms < first_ms.saturating_add(ttl_ms),
        _ => false,
    }
}
