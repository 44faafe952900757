//! What became of the operations of a flush.

use std::collections::VecDeque;

use super::error::Failure;
use super::memory::{Callback, Operation};

/// What became of the operations of a flush; to be told once no lock is held.
#[derive(Default)]
pub(super) struct Flushed {
    /// What they were charged in the queue.
    pub(super) charged: usize,
    done: Vec<Callback>,
    failure: Option<Failure>,
}

impl Flushed {
    /// The end of `operations`, durable unless there was a `failure`.
    pub(super) fn new(operations: VecDeque<Operation>, failure: Option<Failure>) -> Self {
        let charged = operations.iter().map(|operation| operation.charged).sum();
        let done = operations.into_iter().map(|operation| operation.done).collect();
        Self { charged, done, failure }
    }

    /// Tells everyone, in the order they came.
    pub(super) fn complete(self) {
        for done in self.done {
            done.tell(self.failure.as_ref().map_or(Ok(()), |failure| Err(failure.to_io())));
        }
    }
}
