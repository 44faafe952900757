//! What a checker must know of the thing it checks: the sequential specification, as a trait.

use std::fmt::Display;
use std::hash::Hash;

/// A sequential specification: what one operation at a time does to a state.
pub trait Model: Clone {
    /// An operation with its answer, or without one when its outcome is unknown.
    type Op;
    /// The state between operations.
    type State: Clone + Eq + Hash + Display;

    /// The model for a history of just these operations; it may merge states that they cannot tell apart.
    fn narrowed(&self, operations: &[&Self::Op]) -> Self;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// The states after `op` took effect in `state`: two at most, as a key may or may not have expired by then;
    /// none: it cannot have taken effect there with this answer.
    ///
    /// An operation of unknown outcome is stepped only on the assumption that it did take effect: the search
    /// itself covers "never".
    fn step(&self, state: &Self::State, op: &Self::Op) -> [Option<Self::State>; 2];

    /// Whether two operations that may never happen do the same, so that it cannot matter which came first.
    fn alike(&self, one: &Self::Op, other: &Self::Op) -> bool;
}

/// An operation and the time within which it took effect.
#[derive(Debug)]
pub struct Interval<'a, Op> {
    /// The operation.
    pub op: &'a Op,
    /// Not before this, ns.
    pub call_ns: u64,
    /// Not after this, ns; `None`: at any later time, or never.
    pub return_ns: Option<u64>,
}
