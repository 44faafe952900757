//! Cheap checks over a whole history, by versions and unique values. They name a fault by its kind.
//!
//! They rely on what holds for every key: each write gives a larger version than all before it, and each value
//! is written by one operation. A sweep in time order holds the largest version that had been acknowledged or
//! seen before an operation began.

use std::collections::{BTreeMap, HashMap};

use super::{Kind, Violation, by_key, describe};
use crate::history::{Consistency, Input, Operation, Outcome, Output};

/// Every fault the cheap checks find.
pub fn check(history: &[Operation]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for operations in by_key(history).into_values() {
        let mut found = |kind, op: &Operation, by: Option<&Operation>| {
            let by = by.map_or(String::new(), |by| format!("; against {}", describe(by)));
            violations.push(Violation { key: op.key.clone(), kind, detail: describe(op) + &by });
        };
        origins(&operations, &mut found);
        one_value_per_version(&operations, &mut found);
        versions_grow(&operations, &mut found);
        lost_writes(&operations, &mut found);
        local_reads_grow(&operations, &mut found);
    }
    violations
}

trait Found<'a>: FnMut(Kind, &'a Operation, Option<&'a Operation>) {}
impl<'a, F: FnMut(Kind, &'a Operation, Option<&'a Operation>)> Found<'a> for F {}

/// Every value read was written, and by a write that may have happened.
fn origins<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let computes = |op: &&&Operation| matches!(op.input, Input::Incr { .. } | Input::Append { .. });
    if operations.iter().any(|op| computes(&op)) {
        return;
    }
    let mut writers: HashMap<&str, &Operation> = HashMap::new();
    for op in operations {
        let Some(value) = op.input.value() else { continue };
        let mismatch = matches!(op.output, Some(Output::Mismatch { .. }));
        let writer = writers.entry(value).or_insert(op);
        if writer.outcome == Outcome::Fail && op.outcome != Outcome::Fail && !mismatch {
            *writer = op;
        }
    }
    for op in operations {
        let Some(Output::Read(Some(seen))) = &op.output else { continue };
        match writers.get(seen.value.as_str()) {
            None => found(Kind::Phantom, op, None),
            Some(writer) if writer.call_ns > op.return_ns => found(Kind::Phantom, op, Some(writer)),
            Some(writer) if never_happened(writer) => found(Kind::FailedWriteVisible, op, Some(writer)),
            Some(_) => {}
        }
    }
}

fn never_happened(op: &Operation) -> bool {
    op.outcome == Outcome::Fail || matches!(op.output, Some(Output::Mismatch { .. }))
}

/// A version stands for one value for ever.
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

/// An operation called after another returned tells no smaller version; a write tells a larger one.
fn versions_grow<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let told: Vec<&Operation> = operations.iter().copied().filter(|op| tells(op)).collect();
    let mut by_call = told.clone();
    by_call.sort_by_key(|op| op.call_ns);
    let mut by_return = told;
    by_return.sort_by_key(|op| op.return_ns);
    let mut returned = by_return.into_iter().peekable();
    let mut largest: Option<&Operation> = None;
    for op in by_call {
        while let Some(before) = returned.next_if(|before| before.return_ns < op.call_ns) {
            if largest.is_none_or(|l| version(l) < version(before)) {
                largest = Some(before);
            }
        }
        if let Some(largest) = largest
            && let Some(kind) = misfit(op, largest)
        {
            found(kind, op, Some(largest));
        }
    }
}

/// Whether this operation takes part in the order of versions.
fn tells(op: &Operation) -> bool {
    op.input != Input::Get(Consistency::Local) && version(op).is_some()
}

fn version(op: &Operation) -> Option<u64> {
    op.output.as_ref().and_then(Output::version)
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

/// A read that finds nothing after a write was acknowledged needs a delete or a deadline that explains it.
fn lost_writes<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let takes = |op: &&&Operation| {
        let may = op.outcome != Outcome::Fail;
        may && (op.input == Input::Delete || op.input.ttl_ms().is_some())
    };
    let wrote = |op: &&&Operation| matches!(op.output, Some(Output::Written { .. }));
    let Some(first) = operations.iter().filter(|op| wrote(op)).min_by_key(|op| op.return_ns) else { return };
    for op in operations {
        let misses = op.input.is_linearizable_read() && op.output == Some(Output::Read(None));
        let explained = || operations.iter().filter(|t| takes(t)).any(|t| t.call_ns < op.return_ns);
        if misses && first.return_ns < op.call_ns && !explained() {
            found(Kind::LostWrite, op, Some(first));
        }
    }
}

/// Local reads of one client at one node never go back.
fn local_reads_grow<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let mut last: BTreeMap<(u64, u64), &Operation> = BTreeMap::new();
    let mut reads: Vec<&Operation> = operations.to_vec();
    reads.retain(|op| op.input == Input::Get(Consistency::Local) && version(op).is_some());
    reads.sort_by_key(|op| op.call_ns);
    for op in reads {
        if let Some(before) = last.insert((op.process, op.node), op)
            && version(op) < version(before)
        {
            found(Kind::LocalBackwards, op, Some(before));
        }
    }
}
