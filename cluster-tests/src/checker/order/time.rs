//! Group time: it never goes back, and against real time a key goes neither too early nor too late.

use std::collections::HashMap;

use super::sweep::largest_before;
use super::{Found, Kind, is_local, may_write, over_at, says_absent, version};
use crate::checker::bounds::Bounds;
use crate::history::{Operation, Outcome, Output};

pub(super) fn check<'a>(operations: &[&'a Operation], bounds: &Bounds, found: &mut impl Found<'a>) {
    grows(operations, found);
    if let Some(early_ms) = bounds.early_ms {
        never_early(operations, early_ms, bounds, found);
    }
    if let Some(late_ms) = bounds.late_ms {
        never_late(operations, late_ms, bounds, found);
    }
}

/// What is called after a write was acknowledged carries no earlier time than the write's log entry. (A read
/// carries its leader's clock, which the next leader's may follow a little behind.)
fn grows<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let told = |op: &&&Operation| op.time_ms.is_some() && op.outcome == Outcome::Ok && !is_local(op);
    let told: Vec<&Operation> = operations.iter().filter(told).copied().collect();
    let writes: Vec<&Operation> =
        told.iter().filter(|op| !matches!(op.output, Some(Output::Read(_)))).copied().collect();
    let time = |op: &Operation| op.time_ms.unwrap_or_default();
    largest_before(
        &writes,
        &told,
        |op| op.call_ns,
        time,
        |op, write| {
            if time(op) < time(write) {
                found(Kind::TimeBackwards, op, Some(write));
            }
        },
    );
}

/// The key is absent though the one write that can have set its deadline was too short ago.
fn never_early<'a>(operations: &[&'a Operation], early_ms: u64, bounds: &Bounds, found: &mut impl Found<'a>) {
    let writes: Vec<&Operation> = operations.iter().filter(|op| may_write(op)).copied().collect();
    let gave = |op: &Operation| op.outcome == Outcome::Ok && op.input.ttl_ms().is_some();
    for op in operations.iter().filter(|op| says_absent(op)) {
        // Writes that neither ended before the last acknowledged one began nor began after this was answered.
        let done = writes.iter().filter(|w| gave(w) && w.return_ns < op.call_ns);
        let Some(last) = done.max_by_key(|w| w.call_ns) else { continue };
        let between = |w: &&&&Operation| w.call_ns < op.return_ns && over_at(w) >= last.call_ns;
        let alone = writes.iter().filter(|w| !std::ptr::eq(**w, *op)).filter(|w| between(&w)).count() == 1;
        let ttl_ms = last.input.ttl_ms().unwrap_or_default();
        let least_ms = (ttl_ms - bounds.drift(ttl_ms)).saturating_sub(early_ms);
        if alone && op.return_ns - last.call_ns < least_ms.saturating_mul(1_000_000) {
            found(Kind::ExpiredEarly, op, Some(last));
        }
    }
}

/// The key is there with the very version that a write gave it, too long after its time.
fn never_late<'a>(operations: &[&'a Operation], late_ms: u64, bounds: &Bounds, found: &mut impl Found<'a>) {
    let gave = |op: &Operation| match (&op.output, op.input.ttl_ms()) {
        (Some(Output::Written { version: Some(version), .. }), Some(ttl_ms)) => Some((*version, ttl_ms)),
        _ => None,
    };
    let written: HashMap<u64, (&Operation, u64)> = operations
        .iter()
        .filter_map(|op| gave(op).map(|(version, ttl_ms)| (version, (*op, ttl_ms))))
        .collect();
    for op in operations {
        let shows = matches!(op.output, Some(Output::Read(Some(_)) | Output::Mismatch { .. }));
        let Some((write, ttl_ms)) = version(op).and_then(|version| written.get(&version)) else { continue };
        let most_ms = ttl_ms.saturating_add(bounds.drift(*ttl_ms)).saturating_add(late_ms);
        let passed_ns = op.call_ns.saturating_sub(write.return_ns);
        if shows && !is_local(op) && passed_ns > most_ms.saturating_mul(1_000_000) {
            found(Kind::ExpiredLate, op, Some(write));
        }
    }
}
