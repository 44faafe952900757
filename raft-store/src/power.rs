//! One supply of power for every disk of a machine, and the chance that says what its loss leaves.

use std::sync::Arc;

use parking_lot::Mutex;

/// A small generator of numbers (xorshift64*, Vigna 2016): the tests' only chance.
#[derive(Debug, Clone)]
pub struct Chance(pub u64);

impl Chance {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.max(1);
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) % bound.max(1)
    }
}

#[derive(Debug, Default)]
struct State {
    operations: u64,
    cut_at: Option<u64>,
}

/// Counts what the disks on it do, and goes at a given operation. Clones are the same supply.
#[derive(Debug, Default, Clone)]
pub(crate) struct Power(Arc<Mutex<State>>);

impl Power {
    /// Goes at the `nth` operation (0: the first) and stays away.
    #[cfg(test)]
    pub(crate) fn cut_at(nth: u64) -> Self {
        Self(Arc::new(Mutex::new(State { operations: 0, cut_at: Some(nth) })))
    }

    /// Counts an operation; whether there is power for it.
    pub(crate) fn operate(&self) -> bool {
        let mut state = self.0.lock();
        state.operations += 1;
        state.cut_at.is_none_or(|cut| state.operations <= cut)
    }

    /// Operations so far, those without power included.
    #[cfg(test)]
    pub(crate) fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    /// Whether an operation has found no power.
    pub(crate) fn is_gone(&self) -> bool {
        let state = self.0.lock();
        state.cut_at.is_some_and(|cut| state.operations > cut)
    }
}
