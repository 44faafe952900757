//! A key that is only appended to, with unique elements: a list that grows, or a set.
//!
//! Of any two values shown, one is the beginning of the other (Kingsbury and Alvaro, "Elle", 2020, section 4.2:
//! lists make the order of writes visible). Where no element is the beginning of another, values are taken apart.

use std::collections::{BTreeMap, HashSet};

use super::{Found, Kind, is_local, may_write};
use crate::history::{Input, Operation, Outcome, Output};

pub(super) fn check<'a>(operations: &[&'a Operation], found: &mut impl Found<'a>) {
    let appends = |op: &&&Operation| matches!(op.input, Input::Append { .. });
    let others = operations.iter().any(|op| may_write(op) && !appends(&op));
    if others || !operations.iter().any(|op| appends(&op)) {
        return;
    }
    let mut reads: Vec<(&str, &Operation)> =
        operations.iter().filter_map(|op| Some((shown(op)?, *op))).collect();
    reads.sort_by_key(|(value, _)| value.len());
    for pair in reads.windows(2) {
        if !pair[1].0.starts_with(pair[0].0) {
            found(Kind::ListOrder, pair[1].1, Some(pair[0].1));
        }
    }
    if let Some(elements) = Elements::of(operations) {
        reads.iter().for_each(|(value, read)| elements.check(value, read, found));
    }
}

fn shown(op: &Operation) -> Option<&str> {
    match &op.output {
        Some(Output::Read(seen)) => Some(seen.as_ref().map_or("", |seen| &seen.value)),
        _ => None,
    }
}

/// The elements appended, by name.
struct Elements<'a>(BTreeMap<&'a str, &'a Operation>);

impl<'a> Elements<'a> {
    /// `None` if they are not unique, or one is the beginning of another, so that values could be read two ways.
    fn of(operations: &[&'a Operation]) -> Option<Self> {
        let mut elements = BTreeMap::new();
        for op in operations {
            let Input::Append { value } = &op.input else { continue };
            if value.is_empty() || elements.insert(value.as_str(), *op).is_some() {
                return None;
            }
        }
        // In order, a beginning of others stands right before one of them.
        let clear = elements.keys().zip(elements.keys().skip(1)).all(|(a, b)| !b.starts_with(a));
        clear.then_some(Self(elements))
    }

    fn check(&self, mut value: &str, read: &'a Operation, found: &mut impl Found<'a>) {
        let mut shown = HashSet::new();
        while !value.is_empty() {
            let next = self.0.range(..=value).next_back().filter(|(element, _)| value.starts_with(**element));
            let Some((element, append)) = next else { return found(Kind::Phantom, read, None) };
            value = &value[element.len()..];
            if !shown.insert(*element) {
                found(Kind::AppliedTwice, read, Some(append));
            } else if !may_write(append) {
                found(Kind::FailedWriteVisible, read, Some(append));
            } else if append.call_ns > read.return_ns {
                found(Kind::Phantom, read, Some(append));
            }
        }
        if !is_local(read) {
            self.none_missing(&shown, read, found);
        }
    }

    /// Everything acknowledged before the read is in it.
    fn none_missing(&self, shown: &HashSet<&str>, read: &'a Operation, found: &mut impl Found<'a>) {
        let sure = |append: &Operation| append.outcome == Outcome::Ok && may_write(append);
        let missing = self.0.iter().find(|(element, append)| {
            sure(append) && append.return_ns < read.call_ns && !shown.contains(**element)
        });
        if let Some((_, append)) = missing {
            found(Kind::LostWrite, read, Some(append));
        }
    }
}
