//! Cheap checks over a whole history, by versions, times and unique values. They name a fault by its kind.
//!
//! They rely on what holds for every key: each write gives a larger version than all before it, group time never
//! goes back, and each value or element is written by one operation. Every check here is sure of what it says:
//! where an operation of unknown outcome may explain an answer, it keeps silent and leaves that to the search.

mod counter;
mod list;
mod local;
mod lock;
mod lost;
mod origins;
mod sweep;
#[cfg(test)]
mod tests;
mod time;
mod versions;

use super::{Kind, Violation, by_key, describe};
use crate::checker::bounds::Bounds;
use crate::history::{Consistency, Input, Operation, Outcome, Output};

/// Every fault the cheap checks find.
pub fn check(history: &[Operation], bounds: &Bounds) -> Vec<Violation> {
    let mut violations = Vec::new();
    for operations in by_key(history).into_values() {
        let mut found = |kind, op: &Operation, by: Option<&Operation>| {
            let by = by.map_or(String::new(), |by| format!("; against {}", describe(by)));
            violations.push(Violation { key: op.key.clone(), kind, detail: describe(op) + &by });
        };
        origins::check(&operations, &mut found);
        versions::check(&operations, &mut found);
        lost::check(&operations, &mut found);
        local::check(&operations, &mut found);
        counter::check(&operations, &mut found);
        list::check(&operations, &mut found);
        lock::check(&operations, &mut found);
        time::check(&operations, bounds, &mut found);
    }
    violations
}

/// Takes what is wrong, the operation that shows it, and one that it contradicts.
trait Found<'a>: FnMut(Kind, &'a Operation, Option<&'a Operation>) {}
impl<'a, F: FnMut(Kind, &'a Operation, Option<&'a Operation>)> Found<'a> for F {}

fn is_local(op: &Operation) -> bool {
    op.input == Input::Get(Consistency::Local)
}

/// Whether the operation is a write that may have changed something.
fn may_write(op: &Operation) -> bool {
    let refused = matches!(op.output, Some(Output::Mismatch { .. } | Output::Missing | Output::NotANumber));
    !matches!(op.input, Input::Get(_)) && op.outcome != Outcome::Fail && !refused
}

/// Whether the operation may leave the key absent, at once or by and by.
fn may_take(op: &Operation) -> bool {
    may_write(op) && (op.input == Input::Delete || op.input.ttl_ms().is_some())
}

/// Whether a linearizable answer says that the key was absent when the operation took effect.
fn says_absent(op: &Operation) -> bool {
    let absent = matches!(
        op.output,
        Some(
            Output::Read(None)
                | Output::Written { created: Some(true), .. }
                | Output::Deleted { deleted: false, .. }
                | Output::Missing
        )
    );
    absent && !is_local(op)
}

/// When nothing of it can happen any more, ns.
fn over_at(op: &Operation) -> u64 {
    if op.outcome == Outcome::Unknown { u64::MAX } else { op.return_ns }
}

fn version(op: &Operation) -> Option<u64> {
    op.output.as_ref().and_then(Output::version)
}
