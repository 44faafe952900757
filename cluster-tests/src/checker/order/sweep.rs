//! One pass over a key's operations by time: to each its best predecessor among those that had returned before.

use crate::history::Operation;

/// Calls `visit` with each of `now` and the largest of `before`, by `rank`, that had returned when it was called.
pub(super) fn largest_before<'a>(
    before: &[&'a Operation],
    now: &[&'a Operation],
    called_ns: impl Fn(&Operation) -> u64,
    rank: impl Fn(&Operation) -> u64,
    mut visit: impl FnMut(&'a Operation, &'a Operation),
) {
    let mut now = now.to_vec();
    now.sort_by_key(|op| called_ns(op));
    let mut before = before.to_vec();
    before.sort_by_key(|op| op.return_ns);
    let mut returned = before.into_iter().peekable();
    let mut largest: Option<&Operation> = None;
    for op in now {
        while let Some(next) = returned.next_if(|next| next.return_ns < called_ns(op)) {
            if largest.is_none_or(|largest| rank(largest) < rank(next)) {
                largest = Some(next);
            }
        }
        if let Some(largest) = largest {
            visit(op, largest);
        }
    }
}
