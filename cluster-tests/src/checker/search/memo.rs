//! What the search has reached before: sets of placed operations, each with the state it led to.
//!
//! Of the operations that certainly took effect, the set counts together with the state; kept as a fingerprint of
//! 128 bits, as TLC keeps the states of a model (Lamport, "Specifying Systems", 14.3.3): ten million of them collide
//! with a chance below 10⁻²⁴. A set's fingerprint is the exclusive or of its members' numbers (Zobrist, 1970), so
//! that it changes with one operation and not with all.
//!
//! Of the operations of unknown outcome fewer are better, as those not placed may still take effect or not: where
//! the same was reached with some of them only, whatever can follow can follow from there. So their sets are kept
//! whole, and compared by inclusion.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

/// The end of a chain.
const NONE: usize = usize::MAX;

/// The sets and states reached in this attempt.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// Exclusive or of the numbers of the known operations that are placed.
    known: u128,
    /// The unknown operations that are placed, by their places in the list: one bit each.
    unknown: Box<[u64]>,
    /// By known operations and state: the way reached last.
    last: HashMap<u128, usize, BuildHasherDefault<Folded>>,
    ways: Vec<Way>,
    /// The unknown operations of every way, as many words each as there are in `unknown`.
    sets: Vec<u64>,
}

/// One way in which known operations and a state were reached.
#[derive(Debug)]
struct Way {
    /// Unknown operations in a row at its end.
    run: usize,
    /// The way reached before it, or `NONE`.
    before: usize,
}

/// An operation, as it is remembered.
#[derive(Debug, Clone, Copy)]
pub(super) enum Member {
    /// Its interval.
    Known(usize),
    /// Its place in the list of unknown operations, from 0.
    Unknown(usize),
}

impl Memo {
    /// A memory of nothing, for so many unknown operations.
    pub(super) fn new(unknown: usize) -> Self {
        Self { unknown: vec![0; unknown.div_ceil(64)].into(), ..Self::default() }
    }

    /// Forgets everything; for when nothing is placed.
    pub(super) fn clear(&mut self) {
        self.last.clear();
        self.ways.clear();
        self.sets.clear();
    }

    /// Adds an operation to the set that is placed; `false` and nothing added if that was reached before with this
    /// state, with no longer a run and with no unknown operation that is not in it.
    pub(super) fn add(&mut self, member: Member, state: &impl Hash, run: usize) -> bool {
        self.toggle(member);
        let reached = self.known ^ fingerprint(state);
        let before = self.last.get(&reached).copied().unwrap_or(NONE);
        if self.covers(before, run) {
            self.toggle(member);
            return false;
        }
        self.last.insert(reached, self.ways.len());
        self.ways.push(Way { run, before });
        self.sets.extend_from_slice(&self.unknown);
        true
    }

    /// Takes an operation out of the set that is placed.
    pub(super) fn remove(&mut self, member: Member) {
        self.toggle(member);
    }

    fn toggle(&mut self, member: Member) {
        match member {
            Member::Known(interval) => self.known ^= number(interval),
            Member::Unknown(place) => self.unknown[place / 64] ^= 1 << (place % 64),
        }
    }

    /// Whether this way, or one reached before it, needed no more than what is placed now.
    fn covers(&self, mut way: usize, run: usize) -> bool {
        let words = self.unknown.len();
        while way != NONE {
            let set = &self.sets[way * words..(way + 1) * words];
            let within = set.iter().zip(&self.unknown).all(|(then, now)| then & !now == 0);
            if within && self.ways[way].run <= run {
                return true;
            }
            way = self.ways[way].before;
        }
        false
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
    use super::Member::{Known, Unknown};
    use super::*;

    #[test]
    fn a_set_is_known_again_whatever_its_order_and_only_with_its_state() {
        let mut memo = Memo::new(0);
        assert!(memo.add(Known(1), &"a", 0) && memo.add(Known(2), &"b", 0));
        memo.remove(Known(1));
        memo.remove(Known(2));
        assert!(memo.add(Known(2), &"c", 0));
        assert!(!memo.add(Known(1), &"b", 0), "the same set with the same state");
        assert!(memo.add(Known(1), &"d", 0), "the same set with another state");
    }

    #[test]
    fn what_was_reached_with_fewer_unknown_operations_is_not_searched_with_more() {
        let mut memo = Memo::new(70);
        assert!(memo.add(Unknown(69), &"a", 0) && memo.add(Known(1), &"b", 0));
        memo.remove(Known(1));
        assert!(!memo.add(Unknown(3), &"a", 0), "one more and the same state");
        assert!(memo.add(Unknown(3), &"c", 0));
        assert!(!memo.add(Known(1), &"b", 0), "one more");
        memo.remove(Unknown(69));
        assert!(memo.add(Known(1), &"b", 0), "another one instead");
        memo.remove(Unknown(3));
        memo.remove(Known(1));
        assert!(memo.add(Known(1), &"b", 0), "one fewer");
    }

    #[test]
    fn what_was_reached_with_a_shorter_run_is_not_searched_with_a_longer_one() {
        let mut memo = Memo::new(0);
        assert!(memo.add(Known(1), &"a", 1));
        memo.remove(Known(1));
        assert!(memo.add(Known(1), &"a", 0), "shorter");
        memo.remove(Known(1));
        assert!(!memo.add(Known(1), &"a", 0) && !memo.add(Known(1), &"a", 2));
    }
}
