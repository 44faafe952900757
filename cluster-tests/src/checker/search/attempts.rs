//! Which attempts a search makes: short ones first.
//!
//! A wrong guess about operations of unknown outcome may show only much later, and then all that came between is
//! tried in every order before it is taken back. So an attempt that takes long is given up and another begun, with
//! other bounds; as solvers of other hard problems restart (Gomes, Selman and Kautz, 1998). What they conclude is
//! certain all the same: one that was given up concludes nothing.

use super::{Ended, Search};
use crate::checker::model::Model;

/// How many operations of unknown outcome may take effect in a row, in one attempt after the other.
const RUNS_MAX: [usize; 3] = [1, 2, 3];

/// Of the steps left, each of these attempts has one in so many, in one round after the other. What is left after them
/// goes to an attempt without a bound on runs.
const SHARES: [u64; 3] = [1000, 100, 10];

impl<M: Model> Search<'_, M> {
    /// One attempt after the other, until one is conclusive. A single one where no outcome is unknown: there is nothing to
    /// bound then.
    pub(super) fn attempts(&mut self) -> Ended {
        let mut exhausted = if self.unknown.count() == 0 { usize::MAX } else { 0 };
        for (share, run_max) in SHARES.into_iter().flat_map(|share| RUNS_MAX.map(|run_max| (share, run_max)))
        {
            if run_max <= exhausted {
                continue;
            }
            match self.attempt(run_max, self.steps_left / share) {
                Ended::Found => return Ended::Found,
                Ended::Exhausted if !self.cut => return Ended::Exhausted,
                Ended::Exhausted => exhausted = run_max,
                Ended::OutOfSteps => {}
            }
        }
        self.attempt(usize::MAX, self.steps_left)
    }
}
