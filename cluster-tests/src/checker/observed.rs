//! The values that answers about one key show, so that the search need not tell apart what nobody saw.
//!
//! A value that is no beginning of any value shown can neither be shown itself nor become one that is, by
//! appending. Whatever such values there are, they answer alike until the key is written anew. Without this,
//! appends of unknown outcome could be tried in every order before a read refuses them all.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use crate::history::{Expect, Input, Operation, Outcome, Output};

/// The values shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Observed {
    values: Arc<BTreeSet<String>>,
    /// Whether numbers are added to: then any number may become any other.
    adds: bool,
}

impl Observed {
    pub(super) fn in_operations(operations: &[&Operation]) -> Self {
        let happened = || operations.iter().filter(|op| op.outcome != Outcome::Fail);
        let values = happened().flat_map(|op| shown(op)).cloned().collect();
        Self { values: Arc::new(values), adds: happened().any(|op| matches!(op.input, Input::Incr { .. })) }
    }

    /// Whether an answer may still depend on just which value this is.
    pub(super) fn matters(&self, value: &str) -> bool {
        let from = (Bound::Included(value), Bound::Unbounded);
        let begins = || self.values.range::<str, _>(from).next().is_some_and(|v| v.starts_with(value));
        self.adds && may_be_number(value) || begins()
    }
}

/// Whether the value is a number, or could become one by appending.
fn may_be_number(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn shown(op: &Operation) -> impl Iterator<Item = &String> {
    let told = match &op.output {
        Some(Output::Read(Some(seen))) => Some(&seen.value),
        Some(Output::Written { value, .. }) => value.as_ref(),
        _ => None,
    };
    let expected = match &op.input {
        Input::Cas { expect: Expect::Value(value), .. } => Some(value),
        _ => None,
    };
    [told, expected].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Seen;

    fn observed(values: &[&str], input: Input) -> Observed {
        let read = |value: &&str| Operation {
            output: Some(Output::Read(Some(Seen { value: (*value).to_owned(), version: None }))),
            outcome: Outcome::Ok,
            ..Operation::default()
        };
        let mut operations: Vec<Operation> = values.iter().map(read).collect();
        operations.push(Operation { input, ..Operation::default() });
        Observed::in_operations(&operations.iter().collect::<Vec<_>>())
    }

    #[test]
    fn beginnings_of_what_was_shown_matter() {
        let seen = observed(&["b", "abc"], Input::Delete);
        let matter = ["", "a", "ab", "abc", "b", "c", "abcd", "aa", "1"].map(|value| seen.matters(value));
        assert_eq!(matter, [true, true, true, true, true, false, false, false, false]);
    }

    #[test]
    fn numbers_matter_where_they_are_added_to() {
        let seen = observed(&["7"], Input::Incr { by: 1 });
        let matter = ["7", "-", "12", "-3", "", "1x"].map(|value| seen.matters(value));
        assert_eq!(matter, [true, true, true, true, true, false]);
    }
}
