//! A set with one key for each element: elements are added once, by whoever draws the next number, and looked for
//! again until the end of the run. An element that is gone was lost, whatever happened in between.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Script, Step};
use crate::history::{Consistency, Expect, Input};
use crate::workload::draw::Draw;
use crate::workload::shared::Shared;

/// Most elements of one run: all of them are read through every node in the end.
const ELEMENTS_MAX: u64 = 20_000;
/// Elements looked for at once.
const READ_AT_ONCE: u64 = 16;

/// The script.
#[derive(Debug)]
pub(super) struct Set {
    shared: Arc<Shared>,
}

impl Set {
    /// Of one client of many.
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: shared.clone() }
    }
}

impl Script for Set {
    fn next(&mut self, draw: &mut Draw) -> Step {
        let added = self.shared.elements.load(Ordering::Relaxed);
        if added == 0 || (added < ELEMENTS_MAX && draw.percent(60)) {
            let number = self.shared.elements.fetch_add(1, Ordering::Relaxed);
            let input = Input::Cas { expect: Expect::Absent, value: draw.value(), ttl_ms: None };
            return Step::One(draw.element(number), input);
        }
        let how = if draw.percent(70) { Consistency::Linearizable } else { Consistency::Lease };
        let first = draw.below(added);
        let some = (first..added.min(first + READ_AT_ONCE)).map(|n| (draw.element(n), Input::Get(how)));
        Step::Batch(some.collect())
    }
}
