//! From a history to a verdict. Pure: no clock, no file, no socket.
//!
//! Each key is judged alone, as linearizability is local (Herlihy and Wing, 1990), and keys are shared out among
//! the processors. First the cheap checks of [`order`], which name a fault by its kind; then the search, which
//! finds what they miss. Local reads promise less and are judged by [`order`] alone.

pub mod bounds;
#[cfg(test)]
mod brute_force;
mod deadline;
pub mod generate;
#[cfg(test)]
mod generated;
pub mod minimal;
pub mod model;
mod observed;
pub mod order;
pub mod register;
#[cfg(test)]
pub(crate) mod sample;
pub mod search;
#[cfg(test)]
mod tests;
pub mod unique_set;
mod verdict;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use self::bounds::Bounds;
use self::model::{Interval, Model};
use self::register::Register;
use self::search::Answer;
pub use self::search::Stuck;
pub use self::verdict::{Kind, Verdict, Violation};
use crate::history::{Consistency, Input, Operation, Outcome};

/// Most tries of the search on one key: seconds of work, and far more than a history without a fault needs.
pub const STEPS_MAX: u64 = 5_000_000;

/// Judges a history of Quorate: every check there is that needs no real time. Deadlines are judged by the group
/// time that answers carry.
pub fn check(history: &[Operation]) -> Verdict {
    check_within(history, &Bounds::NONE)
}

/// Judges a history of Quorate by every check there is, deadlines against real time as well.
pub fn check_within(history: &[Operation], bounds: &Bounds) -> Verdict {
    let mut verdict = check_linearizable(&Register::default(), history);
    let mut violations = order::check(history, bounds);
    violations.append(&mut verdict.violations);
    verdict.violations = violations;
    verdict
}

/// Judges a history by the search alone, against a model of one key.
pub fn check_linearizable<M>(model: &M, history: &[Operation]) -> Verdict
where
    M: Model<Op = Operation> + Sync,
{
    let keys: Vec<_> = by_key(history).into_iter().collect();
    let mut verdict = Verdict { operations: history.len(), keys: keys.len(), ..Verdict::default() };
    for ((key, operations), answer) in keys.iter().zip(on_all_processors(&keys, |(_, key)| judge(model, key)))
    {
        match answer {
            Answer::Linearizable => {}
            Answer::Undecided => verdict.undecided.push((*key).to_owned()),
            Answer::Not(stuck) => verdict.violations.push(Violation {
                key: (*key).to_owned(),
                kind: Kind::NotLinearizable,
                detail: stuck_at(operations, &stuck),
            }),
        }
    }
    verdict
}

/// Searches one key's operations.
fn judge<M: Model<Op = Operation>>(model: &M, operations: &[&Operation]) -> Answer {
    let intervals: Vec<_> = operations.iter().copied().filter_map(interval).collect();
    search::search(model, &intervals, STEPS_MAX)
}

/// Where the search is stuck on the operations of one key, as indices into them; `None` if it is not.
pub fn explain<M: Model<Op = Operation>>(model: &M, operations: &[Operation]) -> Option<Stuck> {
    let (places, intervals): (Vec<usize>, Vec<_>) =
        operations.iter().enumerate().filter_map(|(at, op)| Some((at, interval(op)?))).unzip();
    match search::search(model, &intervals, STEPS_MAX) {
        Answer::Linearizable | Answer::Undecided => None,
        Answer::Not(Stuck { placed, blocked, state }) => {
            let placed = placed.into_iter().map(|at| places[at]).collect();
            Some(Stuck { placed, blocked: places[blocked], state })
        }
    }
}

fn stuck_at(operations: &[&Operation], stuck: &Stuck) -> String {
    let intervals: Vec<_> = operations.iter().copied().filter_map(interval).collect();
    let (placed, all) = (stuck.placed.len(), intervals.len());
    let blocked = describe(intervals[stuck.blocked].op);
    format!("after {placed} of {all} operations, when the key is {}, nothing explains {blocked}", stuck.state)
}

/// The results of a function of each item, in order; each processor takes the next item when it is done with one.
fn on_all_processors<T: Sync, R: Send>(items: &[T], function: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(items.len().max(1));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, function(item)));
        }
    };
    let mut all: Vec<(usize, R)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|e| std::panic::resume_unwind(e)))
            .collect()
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
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
