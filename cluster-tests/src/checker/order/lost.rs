//! An answer that the key is absent, after a write was acknowledged, needs a delete or a deadline to explain it.

use super::{Found, Kind, may_take, says_absent};
use crate::history::{Operation, Output};

pub(super) fn check<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let wrote = |op: &&&Operation| matches!(op.output, Some(Output::Written { .. }));
    let Some(first) = operations.iter().filter(wrote).min_by_key(|op| op.return_ns) else { return };
    let first_taken = operations.iter().filter(|op| may_take(op)).map(|op| op.call_ns).min();
    for op in operations {
        let explained = first_taken.is_some_and(|taken_ns| taken_ns < op.return_ns);
        if says_absent(op) && first.return_ns < op.call_ns && !explained {
            found(Kind::LostWrite, op, Some(first));
        }
    }
}
