//! From a history to a verdict. Pure: no clock, no file, no socket.
//!
//! Each key is judged alone, as linearizability is local (Herlihy and Wing, 1990). First the cheap checks of
//! [`order`], which name a fault by its kind; then the search, which finds what they miss. Local reads promise
//! less and are judged by [`order`] alone.

#[cfg(test)]
mod brute_force;
pub mod model;
pub mod order;
pub mod register;
pub mod search;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use self::model::{Interval, Model};
use self::register::Register;
use self::search::Answer;
use crate::history::{Consistency, Input, Operation, Outcome};

/// Most tries of the search on one key: seconds of work, and far more than a history without a fault needs.
pub const STEPS_MAX: u64 = 5_000_000;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A read returned what had been replaced before the read began.
    StaleRead,
    /// An acknowledged write is gone, and nothing can have taken it.
    LostWrite,
    /// A read returned a value that nobody wrote.
    Phantom,
    /// A write that was said never to happen was seen.
    FailedWriteVisible,
    /// A value was seen again after its delete had been acknowledged.
    Resurrected,
    /// A key's version did not grow with a write.
    VersionOrder,
    /// One version stood for two values.
    VersionReused,
    /// Local reads of one node went backwards.
    LocalBackwards,
    /// No order of the operations explains the answers.
    NotLinearizable,
}

/// One fault found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The key.
    pub key: String,
    /// What is wrong.
    pub kind: Kind,
    /// The operations that show it, for people.
    pub detail: String,
}

/// The judgement on a history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Operations judged.
    pub operations: usize,
    /// Keys judged.
    pub keys: usize,
    /// Every fault found.
    pub violations: Vec<Violation>,
    /// Keys on which the search reached its bound.
    pub undecided: Vec<String>,
}

impl Verdict {
    /// Whether the history is shown to be right: no fault, nothing undecided.
    pub fn is_ok(&self) -> bool {
        self.violations.is_empty() && self.undecided.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operations, keys, violations, undecided } = self;
        writeln!(f, "{operations} operations on {keys} keys: {} violations", violations.len())?;
        for Violation { key, kind, detail } in violations {
            writeln!(f, "  {kind:?} on key {key}: {detail}")?;
        }
        for key in undecided {
            writeln!(f, "  undecided on key {key}: more than {STEPS_MAX} steps")?;
        }
        Ok(())
    }
}

/// Judges a history of Quorate: every check there is.
pub fn check(history: &[Operation]) -> Verdict {
    let mut verdict = check_linearizable(&Register::default(), history);
    let mut violations = order::check(history);
    violations.append(&mut verdict.violations);
    verdict.violations = violations;
    verdict
}

/// Judges a history by the search alone, against a model of one key.
pub fn check_linearizable<M>(model: &M, history: &[Operation]) -> Verdict
where
    M: Model<Op = Operation>,
{
    let keys = by_key(history);
    let mut verdict = Verdict { operations: history.len(), keys: keys.len(), ..Verdict::default() };
    for (key, operations) in keys {
        let intervals: Vec<_> = operations.into_iter().filter_map(interval).collect();
        match search::search(model, &intervals, STEPS_MAX) {
            Answer::Linearizable => {}
            Answer::Undecided => verdict.undecided.push(key.to_owned()),
            Answer::Not(stuck) => verdict.violations.push(Violation {
                key: key.to_owned(),
                kind: Kind::NotLinearizable,
                detail: format!(
                    "after {} of {} operations, in {}, nothing explains {}",
                    stuck.placed,
                    intervals.len(),
                    stuck.state,
                    describe(intervals[stuck.blocked].op)
                ),
            }),
        }
    }
    verdict
}

/// The operations of each key, in the order of the history.
fn by_key(history: &[Operation]) -> BTreeMap<&str, Vec<&Operation>> {
    let mut keys: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in history {
        keys.entry(&operation.key).or_default().push(operation);
    }
    keys
}

/// When an operation took effect; `None` for what has no effect to place: failed operations, reads without an
/// answer, local reads.
fn interval(op: &Operation) -> Option<Interval<'_, Operation>> {
    let return_ns = match (op.outcome, &op.input) {
        (Outcome::Fail, _) | (Outcome::Unknown, Input::Get(_)) | (_, Input::Get(Consistency::Local)) => {
            return None;
        }
        (Outcome::Ok, _) => Some(op.return_ns),
        (Outcome::Unknown, _) => None,
    };
    Some(Interval { op, call_ns: op.call_ns, return_ns })
}

/// One operation in one line, for people.
pub fn describe(op: &Operation) -> String {
    let Operation { client, node, call_ns, return_ns, input, output, outcome, .. } = op;
    let output = output.as_ref().map_or(String::new(), |o| format!(" {o:?}"));
    let (called, returned) = (call_ns / 1000, return_ns / 1000);
    format!("client {client} at node {node}, {called}..{returned} µs: {input:?} → {outcome:?}{output}")
}
