//! What the search has reached before: sets of placed operations, each with the state it led to.
//!
//! Kept as fingerprints of 128 bits, as TLC keeps the states of a model (Lamport, "Specifying Systems", 14.3.3):
//! ten million of them collide with a chance below 10⁻²⁴. A set's fingerprint is the exclusive or of its
//! members' numbers (Zobrist, 1970), so that it changes with one operation and not with all.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

/// The sets and states reached in this attempt.
#[derive(Debug, Default)]
pub(super) struct Memo {
    placed: u128,
    reached: HashSet<u128, BuildHasherDefault<Folded>>,
}

impl Memo {
    /// Forgets everything; for when nothing is placed.
    pub(super) fn clear(&mut self) {
        self.placed = 0;
        self.reached.clear();
    }

    /// Adds an operation to the set that is placed; `false` and nothing added if that was reached before with
    /// this state and run.
    pub(super) fn add(&mut self, interval: usize, state: &impl Hash, run: usize) -> bool {
        let placed = self.placed ^ number(interval);
        let new = self.reached.insert(placed ^ fingerprint(&(state, run)));
        if new {
            self.placed = placed;
        }
        new
    }

    /// Takes an operation out of the set that is placed.
    pub(super) fn remove(&mut self, interval: usize) {
        self.placed ^= number(interval);
    }
}

/// A random-looking number for each interval.
fn number(interval: usize) -> u128 {
    let wide = interval as u64 * 2;
    u128::from(split_mix(wide)) << 64 | u128::from(split_mix(wide + 1))
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn split_mix(n: u64) -> u64 {
    let z = n.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

fn fingerprint(what: &impl Hash) -> u128 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    let high = hasher.finish();
    hasher.write_u8(0);
    what.hash(&mut hasher);
    u128::from(high) << 64 | u128::from(hasher.finish())
}

/// The hash of a fingerprint is a part of it.
#[derive(Debug, Default)]
struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_known_again_whatever_its_order_and_only_with_its_state() {
        let mut memo = Memo::default();
        assert!(memo.add(1, &"a", 0) && memo.add(2, &"b", 0));
        memo.remove(1);
        memo.remove(2);
        assert!(memo.add(2, &"c", 0));
        assert!(!memo.add(1, &"b", 0), "the same set with the same state");
        assert!(memo.add(1, &"d", 0), "the same set with another state");
    }

    #[test]
    fn runs_are_told_apart() {
        let mut memo = Memo::default();
        assert!(memo.add(1, &"a", 0));
        memo.remove(1);
        assert!(memo.add(1, &"a", 1));
    }
}
