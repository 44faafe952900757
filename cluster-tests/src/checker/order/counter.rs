//! A key that is only added to: every answer lies between what must have been added and what can have been.
//!
//! As Jepsen's counter checker does (`jepsen.checker/counter`), for increments of both signs.

use super::{Found, Kind, is_local, may_write};
use crate::history::{Input, Operation, Outcome, Output};

pub(super) fn check<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let by = |op: &Operation| match op.input {
        Input::Incr { by } if may_write(op) => Some(i128::from(by)),
        _ => None,
    };
    let adds: Vec<(&Operation, i128)> = operations.iter().filter_map(|op| Some((*op, by(op)?))).collect();
    if adds.is_empty() || operations.iter().any(|op| may_write(op) && by(op).is_none()) {
        return;
    }
    let only_up = adds.iter().all(|(_, by)| *by >= 0);
    let bounds = Bounds::of(&adds);
    for op in operations {
        let Some(value) = shown(op) else { continue };
        let (low, high) = bounds.at(op, by(op).unwrap_or_default());
        match (value < low, value > high, only_up) {
            (false, false, _) => {}
            (true, _, true) => found(Kind::LostWrite, op, None),
            (_, true, true) => found(Kind::AppliedTwice, op, None),
            (.., false) => found(Kind::CounterOff, op, None),
        }
    }
}

/// The count an answer shows. What is no number is the search's business.
fn shown(op: &Operation) -> Option<i128> {
    match &op.output {
        Some(Output::Read(_)) if is_local(op) => None,
        Some(Output::Read(None)) => Some(0),
        Some(Output::Read(Some(seen))) => seen.value.parse().ok(),
        Some(Output::Written { value: Some(value), .. }) => value.parse().ok(),
        _ => None,
    }
}

/// Running sums of what was added: by call what can have been, by return what must have been.
struct Bounds {
    called: Sums,
    returned: Sums,
}

impl Bounds {
    fn of(adds: &[(&Operation, i128)]) -> Self {
        let called = adds.iter().map(|(op, by)| (op.call_ns, *by));
        let sure = adds.iter().filter(|(op, _)| op.outcome == Outcome::Ok);
        Self { called: Sums::of(called), returned: Sums::of(sure.map(|(op, by)| (op.return_ns, *by))) }
    }

    /// Least and largest count that `op` can show; it adds `own` itself.
    fn at(&self, op: &Operation, own: i128) -> (i128, i128) {
        let (down, up) = self.called.before(op.return_ns.saturating_add(1));
        let (sure_down, sure_up) = self.returned.before(op.call_ns);
        (sure_up + down + own.max(0), sure_down + up + own.min(0))
    }
}

/// At each moment the sums of all that was negative and of all that was positive until then.
struct Sums(Vec<(u64, i128, i128)>);

impl Sums {
    fn of(adds: impl Iterator<Item = (u64, i128)>) -> Self {
        let mut adds: Vec<_> = adds.collect();
        adds.sort_unstable();
        let (mut down, mut up) = (0, 0);
        let running = adds.into_iter().map(|(at_ns, by)| {
            down += by.min(0);
            up += by.max(0);
            (at_ns, down, up)
        });
        Self(running.collect())
    }

    fn before(&self, at_ns: u64) -> (i128, i128) {
        let count = self.0.partition_point(|(until_ns, ..)| *until_ns < at_ns);
        count.checked_sub(1).map_or((0, 0), |last| (self.0[last].1, self.0[last].2))
    }
}
