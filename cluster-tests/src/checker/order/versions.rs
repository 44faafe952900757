//! A version stands for one value and one write for ever, and versions grow in real time.

use std::collections::HashMap;

use super::sweep::largest_before;
use super::{Found, Kind, is_local, says_absent, version};
use crate::history::{Operation, Output};

pub(super) fn check<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    one_value_per_version(operations, found);
    one_write_per_version(operations, found);
    versions_grow(operations, found);
    absent_is_gone(operations, found);
}

fn one_value_per_version<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let mut values: HashMap<u64, (&str, &Operation)> = HashMap::new();
    for op in operations {
        let (version, value) = match &op.output {
            Some(Output::Read(Some(seen))) => (seen.version, Some(seen.value.as_str())),
            Some(Output::Written { version, value, .. }) => (*version, value.as_deref().or(op.input.value())),
            _ => continue,
        };
        let (Some(version), Some(value)) = (version, value) else { continue };
        let (first, by) = *values.entry(version).or_insert((value, op));
        if first != value {
            found(Kind::VersionReused, op, Some(by));
        }
    }
}

fn one_write_per_version<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let mut writes: HashMap<u64, &Operation> = HashMap::new();
    for op in operations {
        let Some(Output::Written { version: Some(version), .. }) = op.output else { continue };
        if let Some(by) = writes.insert(version, op) {
            found(Kind::VersionReused, op, Some(by));
        }
    }
}

/// An operation called after another returned tells no smaller version; a write tells a larger one.
fn versions_grow<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let tells = |op: &&&Operation| !is_local(op) && version(op).is_some();
    let told: Vec<&Operation> = operations.iter().filter(tells).copied().collect();
    let rank = |op: &Operation| version(op).unwrap_or_default();
    largest_before(
        &told,
        &told,
        |op| op.call_ns,
        rank,
        |op, largest| {
            if let Some(kind) = misfit(op, largest) {
                found(kind, op, Some(largest));
            }
        },
    );
}

/// What is wrong with `op`, which began after `before` had ended.
fn misfit(op: &Operation, before: &Operation) -> Option<Kind> {
    let (now, old) = (version(op)?, version(before)?);
    match (&op.output, &before.output) {
        (Some(Output::Written { .. }), _) => (now <= old).then_some(Kind::VersionOrder),
        (Some(Output::Deleted { deleted: true, .. }), _) => (now <= old).then_some(Kind::VersionOrder),
        (Some(Output::Deleted { .. }), _) => (now < old).then_some(Kind::VersionOrder),
        (Some(_), Some(Output::Deleted { .. })) => (now <= old).then_some(Kind::Resurrected),
        (Some(_), _) => (now < old).then_some(Kind::StaleRead),
        (None, _) => None,
    }
}

/// What was absent after it had been there, by expiry above all, is not there again with the same version.
fn absent_is_gone<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let mut there_ns: HashMap<u64, u64> = HashMap::new();
    for op in operations {
        let Some(version) = seen(op) else { continue };
        let since = there_ns.entry(version).or_insert(op.return_ns);
        *since = op.return_ns.min(*since);
    }
    let absent: Vec<&Operation> = operations.iter().filter(|op| says_absent(op)).copied().collect();
    let seen_again: Vec<&Operation> = operations
        .iter()
        .filter(|op| !is_local(op) && matches!(op.output, Some(Output::Read(_) | Output::Mismatch { .. })))
        .filter(|op| version(op).is_some())
        .copied()
        .collect();
    // The absence that was asked for last says most.
    largest_before(
        &absent,
        &seen_again,
        |op| op.call_ns,
        |op| op.call_ns,
        |op, absent| {
            let since = version(op).and_then(|version| there_ns.get(&version));
            if since.is_some_and(|since| *since < absent.call_ns) {
                found(Kind::Resurrected, op, Some(absent));
            }
        },
    );
}

/// The version that was there when the operation returned, as it tells.
fn seen(op: &Operation) -> Option<u64> {
    match op.output {
        Some(Output::Deleted { .. }) => None,
        _ => version(op),
    }
}
