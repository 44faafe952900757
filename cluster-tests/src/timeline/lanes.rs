//! Where bars stand: a lane for each process, and a column for each event.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Operation, Outcome};

/// The places of all bars.
#[derive(Debug)]
pub(super) struct Lanes {
    /// The processes, one lane each.
    pub(super) processes: Vec<u64>,
    /// How many different moments there are.
    pub(super) events: usize,
    /// The bar of each operation.
    pub(super) bars: Vec<Bar>,
}

/// A bar: its lane, and the columns from its call to its return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) lane: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Lanes {
    pub(super) fn of(operations: &[Operation]) -> Self {
        let ordered: BTreeSet<u64> = operations.iter().map(|op| op.process).collect();
        let processes = Vec::from_iter(ordered);
        let moments: BTreeSet<u64> = operations.iter().flat_map(|op| [op.call_ns, op.return_ns]).collect();
        let events = moments.len();
        let columns: BTreeMap<u64, usize> = moments.into_iter().zip(0..).collect();
        let bar = |op: &Operation| {
            let from = columns[&op.call_ns];
            // What may still happen has no end.
            let to = if op.outcome == Outcome::Unknown { events } else { columns[&op.return_ns] };
            let lane = processes.binary_search(&op.process).unwrap_or_default();
            Bar { lane, from, to: to.max(from + 1) }
        };
        let bars = operations.iter().map(bar).collect();
        Self { processes, events, bars }
    }
}
