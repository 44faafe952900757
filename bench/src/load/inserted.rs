//! New keys: each number is given out once, and readers see only what is there without a gap, as in YCSB's
//! acknowledged counter.

use std::collections::BTreeSet;

use parking_lot::Mutex;

/// Which keys are there.
#[derive(Debug)]
pub(crate) struct Inserted(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Every key below is there.
    there: u64,
    /// There too, above a gap.
    above: BTreeSet<u64>,
    /// The next number never given out.
    next: u64,
    /// Given out, and not written.
    failed: Vec<u64>,
}

impl Inserted {
    /// Keys below `there` are.
    pub(crate) fn new(there: u64) -> Self {
        Self(Mutex::new(State { there, above: BTreeSet::new(), next: there, failed: Vec::new() }))
    }

    /// Every key below this is there.
    pub(crate) fn there(&self) -> u64 {
        self.0.lock().there
    }

    /// A number for a new key: one that failed, if there is one, so that gaps close.
    pub(crate) fn give(&self) -> u64 {
        let mut state = self.0.lock();
        state.failed.pop().unwrap_or_else(|| {
            state.next += 1;
            state.next - 1
        })
    }

    /// What became of a number that was given out.
    pub(crate) fn settle(&self, number: u64, written: bool) {
        let mut state = self.0.lock();
        if !written {
            state.failed.push(number);
            return;
        }
        state.above.insert(number);
        while state.above.first() == Some(&state.there) {
            state.above.pop_first();
            state.there += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_see_no_key_beyond_a_gap() {
        let inserted = Inserted::new(10);
        assert_eq!([inserted.give(), inserted.give(), inserted.give()], [10, 11, 12]);
        inserted.settle(11, true);
        assert_eq!(inserted.there(), 10);
        inserted.settle(10, true);
        assert_eq!(inserted.there(), 12);
    }

    #[test]
    fn what_failed_is_given_out_again() {
        let inserted = Inserted::new(0);
        let (first, second) = (inserted.give(), inserted.give());
        inserted.settle(second, true);
        inserted.settle(first, false);
        assert_eq!((inserted.there(), inserted.give()), (0, first));
        inserted.settle(first, true);
        assert_eq!((inserted.there(), inserted.give()), (2, 2));
    }
}
