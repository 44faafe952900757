//! A failing history cut down to the few operations that cannot go together.
//!
//! By delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002). A history
//! without one of its writes is another history, in which reads may see what nobody wrote. So what is left out is
//! not forgotten but weakened: a read is dropped, which forbids nothing that was allowed, and a write may take effect
//! at any time after its call, or never. If that still fails in the same way, the operation had no part in the
//! failure; the operations that are left then contradict each other whatever became of the rest.

use super::bounds::Bounds;
use super::model::{Interval, Model};
use super::search::Answer;
use super::{Kind, Violation, interval, order, search};
use crate::history::{Input, Operation, Outcome};

/// Most tries of the search on one candidate. One that needs more counts as one that does not fail.
const STEPS_MAX: u64 = 20_000;
/// Most candidates that are tried.
const CANDIDATES_MAX: usize = 1000;

/// The operations of the violation's key that fail in the same way, as few as were found.
pub fn minimal<M>(model: &M, history: &[Operation], violation: &Violation, bounds: &Bounds) -> Vec<Operation>
where
    M: Model<Op = Operation>,
{
    let operations: Vec<&Operation> = history.iter().filter(|op| op.key == violation.key).collect();
    let fails = |kept: &[usize]| match violation.kind {
        Kind::NotLinearizable => search_fails(model, &operations, kept),
        kind => {
            let weakened = weaken(&operations, kept);
            order::check(&weakened, bounds).iter().any(|violation| violation.kind == kind)
        }
    };
    let all: Vec<usize> = (0..operations.len()).collect();
    let kept = reduce(cut_tail(all, &operations, &fails), fails);
    kept.into_iter().map(|at| operations[at].clone()).collect()
}

/// Every operation, and whether it is among those kept.
fn marked<'a, 'b>(
    operations: &'b [&'a Operation],
    kept: &'b [usize],
) -> impl Iterator<Item = (&'a Operation, bool)> + 'b {
    let mut kept = kept.iter().copied().peekable();
    operations.iter().enumerate().map(move |(at, op)| (*op, kept.next_if_eq(&at).is_some()))
}

/// The history with all writes but those kept of unknown outcome, for the checks that keep silent about such.
fn weaken(operations: &[&Operation], kept: &[usize]) -> Vec<Operation> {
    let weakened = |(op, kept): (&Operation, bool)| match (kept, &op.input) {
        (true, _) => Some(op.clone()),
        (false, Input::Get(_)) => None,
        (false, _) if op.outcome == Outcome::Fail => Some(op.clone()),
        (false, _) => Some(Operation { outcome: Outcome::Unknown, output: None, ..op.clone() }),
    };
    marked(operations, kept).filter_map(weakened).collect()
}

/// The same for the search: a write left out may happen late or never, but if it does, then as it was answered.
fn search_fails<M: Model<Op = Operation>>(model: &M, operations: &[&Operation], kept: &[usize]) -> bool {
    let weakened = |(op, kept)| {
        let known = interval(op)?;
        match (kept, &op.input) {
            (true, _) => Some(known),
            (false, Input::Get(_)) => None,
            (false, _) => Some(Interval { return_ns: None, ..known }),
        }
    };
    let intervals: Vec<_> = marked(operations, kept).filter_map(weakened).collect();
    matches!(search::search(model, &intervals, STEPS_MAX), Answer::Not(_))
}

/// Leaves out what was called last, half by half: most failures show long before the end.
fn cut_tail(
    mut kept: Vec<usize>,
    operations: &[&Operation],
    fails: &impl Fn(&[usize]) -> bool,
) -> Vec<usize> {
    kept.sort_by_key(|at| operations[*at].call_ns);
    let sorted = |mut part: Vec<usize>| {
        part.sort_unstable();
        part
    };
    let (mut good, mut bad) = (0, kept.len());
    while good + 1 < bad {
        let middle = usize::midpoint(good, bad);
        if fails(&sorted(kept[..middle].to_vec())) { bad = middle } else { good = middle }
    }
    kept.truncate(bad);
    sorted(kept)
}

/// Zeller's `ddmin`: leaves parts out, ever smaller ones, until no single operation can be left out.
fn reduce(mut kept: Vec<usize>, fails: impl Fn(&[usize]) -> bool) -> Vec<usize> {
    let mut parts = 2;
    let mut candidates = 0;
    while kept.len() > 1 && candidates < CANDIDATES_MAX {
        let part = kept.len().div_ceil(parts);
        let without = |from: usize| {
            let to = kept.len().min(from + part);
            [&kept[..from], &kept[to..]].concat()
        };
        let smaller = (0..kept.len()).step_by(part).map(without).find(|candidate| {
            candidates += 1;
            fails(candidate)
        });
        match smaller {
            Some(smaller) => {
                kept = smaller;
                parts = (parts - 1).max(2);
            }
            None if part == 1 => break,
            None => parts = (parts * 2).min(kept.len()),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::generate::{Mix, Shape, generate};
    use crate::checker::register::Register;
    use crate::checker::sample::{incr, read, set};
    use crate::checker::{check, check_linearizable};

    fn reduced(history: &[Operation], kind: Kind) -> Vec<Operation> {
        let verdict = check(history);
        let violation = verdict.violations.iter().find(|violation| violation.kind == kind);
        minimal(&Register::default(), history, violation.expect("it fails"), &Bounds::NONE)
    }

    #[test]
    fn stale_read_needs_what_it_missed() {
        let history = [
            set(0, 1, "a", 1),
            read(2, 3, Some(("a", 1))),
            set(4, 5, "b", 2),
            read(6, 7, Some(("b", 2))),
            set(8, 9, "c", 3),
            read(10, 11, Some(("a", 1))),
            set(12, 13, "d", 4),
        ];
        let left = reduced(&history, Kind::NotLinearizable);
        assert_eq!(left.last(), Some(&history[5]));
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(!check_linearizable(&Register::default(), &left).is_ok());
    }

    /// Without its first increment the second one's answer would be wrong for want of it.
    #[test]
    fn write_that_was_needed_stays() {
        let history = [incr(0, 1, 1, Some((1, 1))), incr(2, 3, 1, Some((2, 2))), incr(4, 5, 1, Some((2, 3)))];
        let left = reduced(&history, Kind::NotLinearizable);
        assert!(left.contains(&history[2]) && left.len() == 2, "{left:?}");
    }

    #[test]
    fn long_history_becomes_short() {
        let kinds = [
            (Mix::Register, Kind::NotLinearizable),
            (Mix::Append, Kind::NotLinearizable),
            (Mix::Everything, Kind::StaleRead),
        ];
        for (mix, kind) in kinds {
            let shape = Shape { operations: 120, keys: 1, clients: 5, unknown: 0.03, mix, seed: 5 };
            let mut history = generate(&shape);
            let reads = |op: &&Operation| matches!(op.output, Some(crate::history::Output::Read(Some(_))));
            let early = history.iter().find(reads).and_then(|op| op.output.clone());
            let late = history.iter().rposition(|op| reads(&op)).expect("there are reads");
            history[late].output = early;
            let left = reduced(&history, kind);
            assert!(left.len() <= 4 && !check_linearizable(&Register::default(), &left).is_ok(), "{left:?}");
        }
    }
}
