//! Every value read was written, by a write that may have happened, and once.
//!
//! Keys whose values are computed are left to the checks of counters and lists, and to the search.

use std::collections::HashMap;

use super::{Found, Kind, may_write};
use crate::history::{Input, Operation, Outcome, Output};

pub(super) fn check<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let computes = |op: &Operation| matches!(op.input, Input::Incr { .. } | Input::Append { .. });
    if operations.iter().any(|op| computes(op)) {
        return;
    }
    let writers = writers(operations);
    for op in operations {
        let Some(Output::Read(Some(seen))) = &op.output else { continue };
        match writers.get(seen.value.as_str()) {
            None => found(Kind::Phantom, op, None),
            Some((writer, _)) if writer.call_ns > op.return_ns => found(Kind::Phantom, op, Some(writer)),
            Some((writer, _)) if !may_write(writer) => found(Kind::FailedWriteVisible, op, Some(writer)),
            Some(_) => {}
        }
    }
    applied_once(operations, &writers, found);
}

/// Of each value the operation most likely to have written it, and how many there are that may have.
fn writers<'a>(operations: &[&'a Operation]) -> HashMap<&'a str, (&'a Operation, usize)> {
    let mut writers: HashMap<&str, (&Operation, usize)> = HashMap::new();
    for op in operations {
        let Some(value) = op.input.value() else { continue };
        let (writer, count) = writers.entry(value).or_insert((op, 0));
        if !may_write(writer) && may_write(op) {
            *writer = op;
        }
        *count += usize::from(may_write(op));
    }
    writers
}

/// A value that one operation wrote has one version, unless its deadline was changed.
fn applied_once<'a>(
    operations: &[&'a Operation],
    writers: &HashMap<&str, (&'a Operation, usize)>,
    found: &mut impl Found<'a>,
) {
    let renews = |op: &Operation| matches!(op.input, Input::Touch { .. } | Input::Persist);
    if operations.iter().any(|op| renews(op) && op.outcome != Outcome::Fail) {
        return;
    }
    let mut first_seen: HashMap<&str, (u64, &Operation)> = HashMap::new();
    for op in operations {
        let (value, version) = match &op.output {
            Some(Output::Read(Some(seen))) => (seen.value.as_str(), seen.version),
            Some(Output::Written { version, .. }) => (op.input.value().unwrap_or_default(), *version),
            _ => continue,
        };
        let Some(version) = version else { continue };
        let (first, by) = *first_seen.entry(value).or_insert((version, op));
        if first != version && writers.get(value).is_some_and(|(_, count)| *count == 1) {
            found(Kind::AppliedTwice, op, Some(by));
        }
    }
}
