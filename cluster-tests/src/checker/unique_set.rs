//! The sequential specification of a set of unique elements, as other test suites keep one: elements are appended,
//! and a read shows all of them in the order of their texts ([`SEPARATOR`] behind each).

use std::fmt;
use std::sync::Arc;

use super::model::Model;
use crate::history::{Input, Operation, Outcome, Output};

/// What stands behind each element of a list or set that is kept as one value.
pub const SEPARATOR: char = '\u{1f}';

/// The set, which begins empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct UniqueSet;

/// Its elements as a read shows them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Elements(Arc<str>);

impl Model for UniqueSet {
    type Op = Operation;
    type State = Elements;

    fn narrowed(&self, _: &[&Operation]) -> Self {
        *self
    }

    fn initial(&self) -> Elements {
        Elements("".into())
    }

    fn step(&self, Elements(all): &Elements, op: &Operation) -> [Option<Elements>; 2] {
        let after = match (&op.input, &op.output) {
            (Input::Append { value }, output) if op.outcome == Outcome::Unknown || output.is_some() => {
                Some(Elements(with(all, value)))
            }
            (Input::Get(_), Some(Output::Read(seen))) => {
                let shown = seen.as_ref().map_or("", |seen| &seen.value);
                (*shown == **all).then(|| Elements(all.clone()))
            }
            _ => None,
        };
        [after, None]
    }

    fn alike(&self, one: &Operation, other: &Operation) -> bool {
        (&one.input, &one.output, one.time_ms) == (&other.input, &other.output, other.time_ms)
    }
}

fn with(all: &str, element: &str) -> Arc<str> {
    let mut elements: Vec<&str> = all.split_inclusive(SEPARATOR).chain([element]).collect();
    elements.sort_unstable();
    elements.dedup();
    elements.concat().into()
}

impl fmt::Display for Elements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the set {:?}", self.0.split_terminator(SEPARATOR).collect::<Vec<_>>())
    }
}
