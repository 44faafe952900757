//! Local reads: over one connection to one node they never go back, and none is older than it says.

use std::collections::BTreeMap;

use super::sweep::largest_before;
use super::{Found, Kind, is_local, may_take, version};
use crate::history::{Operation, Output};

/// Stated ages are whole milliseconds: what is missing to the next one.
const AGE_ROUNDING_NS: u64 = 1_000_000;

pub(super) fn check<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let reads = |op: &&&Operation| is_local(op) && matches!(op.output, Some(Output::Read(_)));
    let reads: Vec<&Operation> = operations.iter().filter(reads).copied().collect();
    reads_grow(&reads, found);
    let reads: Vec<&Operation> = reads.into_iter().filter(|op| op.age_ms.is_some()).collect();
    versions_are_fresh(operations, &reads, found);
    misses_are_fresh(operations, &reads, found);
}

/// Neither versions nor group times go back.
fn reads_grow<'a>(reads: &[&'a Operation], found: &mut impl Found<'a>) {
    let mut last_version: BTreeMap<(u64, u64, u64), &Operation> = BTreeMap::new();
    let mut last_time = last_version.clone();
    let mut reads = reads.to_vec();
    reads.sort_by_key(|op| op.call_ns);
    for op in reads {
        let at = (op.process, op.node, op.connection);
        let mut check = |last: &mut BTreeMap<_, &'a Operation>, of: fn(&Operation) -> Option<u64>| {
            if of(op).is_some()
                && let Some(before) = last.insert(at, op)
                && of(op) < of(before)
            {
                found(Kind::LocalBackwards, op, Some(before));
            }
        };
        check(&mut last_version, version);
        check(&mut last_time, |op| op.time_ms);
    }
}

/// What had been acknowledged or seen by the moment a read says it is not older than.
fn fresh_since_ns(op: &Operation) -> u64 {
    let age_ns = op.age_ms.unwrap_or(u64::MAX).saturating_mul(1_000_000);
    op.call_ns.saturating_sub(age_ns.saturating_add(AGE_ROUNDING_NS))
}

fn versions_are_fresh<'a>(operations: &[&'a Operation], reads: &[&'a Operation], found: &mut impl Found<'a>) {
    let told: Vec<&Operation> =
        operations.iter().filter(|op| version(op).is_some() && !is_local(op)).copied().collect();
    let hits: Vec<&Operation> = reads.iter().filter(|op| version(op).is_some()).copied().collect();
    let rank = |op: &Operation| version(op).unwrap_or_default();
    largest_before(&told, &hits, fresh_since_ns, rank, |op, newest| {
        if rank(op) < rank(newest) {
            found(Kind::LocalStale, op, Some(newest));
        }
    });
}

/// A miss needs a delete or a deadline, or that the key was not written yet by the moment it may be from.
fn misses_are_fresh<'a>(operations: &[&'a Operation], reads: &[&'a Operation], found: &mut impl Found<'a>) {
    let wrote = |op: &&&Operation| matches!(op.output, Some(Output::Written { .. }));
    let Some(first) = operations.iter().filter(wrote).min_by_key(|op| op.return_ns) else { return };
    let first_taken = operations.iter().filter(|op| may_take(op)).map(|op| op.call_ns).min();
    for op in reads {
        let explained = first_taken.is_some_and(|taken_ns| taken_ns < op.return_ns);
        if op.output == Some(Output::Read(None)) && first.return_ns < fresh_since_ns(op) && !explained {
            found(Kind::LocalStale, op, Some(first));
        }
    }
}
