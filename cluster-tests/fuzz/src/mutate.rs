//! The everyday engine: inputs made of seeds, pieces and commands, then changed at random.
//!
//! Guarantees: an input depends on its number alone, so a number replays it.

use crate::pipeline::put;
use crate::seeds::{ARGUMENTS, PIECES, PIPELINES};

/// Most arguments given past what a command needs.
const EXTRA_MAX: usize = 5;
/// Most commands or pieces of one input.
const PARTS_MAX: usize = 6;
/// Most changes to one input.
const CHANGES_MAX: usize = 4;
/// Longest argument that is not in the list, in bytes: past the longest value and the longest key.
const LONG_MAX: usize = 3000;
/// Longest part taken of a pipeline, in bytes.
const PART_BYTES_MAX: usize = 120;

/// Random choices, all from one number (SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014).
#[derive(Debug)]
pub struct Mutator(u64);

impl Mutator {
    /// The choices of input `number`.
    pub fn of(number: u64) -> Self {
        Self(number.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    /// Something between a pipeline and noise.
    pub fn pipeline(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..=self.below(PARTS_MAX) {
            match self.below(4) {
                0 => bytes.extend(self.part_of_pipeline()),
                1 => bytes.extend(self.one(PIECES)),
                2 => put(&mut bytes, &self.words()),
                _ => bytes.extend(self.words().join(&b' ').into_iter().chain(*b"\r\n")),
            }
        }
        if self.below(3) > 0 {
            self.change(&mut bytes);
        }
        bytes
    }

    /// Commands with arguments of any kind, now and then with bytes changed.
    pub fn connection(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..=2 * self.below(PARTS_MAX) {
            put(&mut bytes, &self.command());
        }
        if self.below(8) == 0 {
            self.change(&mut bytes);
        }
        bytes
    }

    /// A data command with about as many arguments as it takes.
    fn command(&mut self) -> Vec<Vec<u8>> {
        let count = quorate::resp::data::commands().count();
        let at = self.below(count);
        let spec = quorate::resp::data::commands().nth(at).map(|command| command.spec);
        let Some(spec) = spec else { return Vec::new() };
        let needed = spec.arity.unsigned_abs() as usize - 1;
        let extra = if spec.arity < 0 { self.below(EXTRA_MAX + 1) } else { usize::from(self.below(16) == 0) };
        let mut words = vec![spec.name.as_bytes().to_vec()];
        words.extend((0..needed + extra).map(|_| self.argument()));
        words
    }

    fn argument(&mut self) -> Vec<u8> {
        match self.below(16) {
            0 => vec![self.next() as u8; self.below(LONG_MAX)],
            1 => self.next().to_string().into_bytes(),
            2 => (self.next() as i64 >> self.below(63)).to_string().into_bytes(),
            3 => f64::from_bits(self.next()).to_string().into_bytes(),
            4 => (0..self.below(12)).map(|_| self.next() as u8).collect(),
            _ => self.one(ARGUMENTS).to_vec(),
        }
    }

    fn words(&mut self) -> Vec<Vec<u8>> {
        (0..=self.below(PARTS_MAX)).map(|_| self.one(ARGUMENTS).to_vec()).collect()
    }

    fn part_of_pipeline(&mut self) -> &'static [u8] {
        let whole = self.one(PIPELINES);
        let from = if self.below(2) == 0 { 0 } else { self.below(whole.len()) };
        let len = self.below(PART_BYTES_MAX).min(whole.len() - from);
        &whole[from..from + len]
    }

    /// Changes bytes here and there.
    fn change(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(CHANGES_MAX) {
            let at = self.below(bytes.len() + 1);
            let to = (at + self.below(8)).min(bytes.len());
            match self.below(6) {
                0 => drop(bytes.drain(at..to)),
                1 => bytes.truncate(at),
                2 => bytes.extend_from_within(at..to),
                3 => drop(bytes.splice(at..at, self.one(PIECES).iter().copied())),
                4 => drop(bytes.splice(at..to, [self.next() as u8])),
                _ => bytes[at..to].iter_mut().take(1).for_each(|byte| *byte ^= 1 << self.below(8)),
            }
        }
    }

    fn one(&mut self, list: &'static [&'static [u8]]) -> &'static [u8] {
        list[self.below(list.len())]
    }

    /// A number below `end`; 0 if that is 0.
    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> u64::BITS) as usize
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Checks inputs one by one, `count` of them or as many as `QUORATE_FUZZ_INPUTS` says, from `QUORATE_FUZZ_FIRST` on.
///
/// # Panics
/// A check does; the number of its input is printed.
#[cfg(test)]
pub(crate) fn run(count: u64, input: impl Fn(&mut Mutator) -> Vec<u8>, check: impl Fn(&[u8])) {
    let set = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = set("QUORATE_FUZZ_FIRST").unwrap_or(0);
    for number in first..first + set("QUORATE_FUZZ_INPUTS").unwrap_or(count) {
        let bytes = input(&mut Mutator::of(number));
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&bytes)));
        assert!(checked.is_ok(), "QUORATE_FUZZ_FIRST={number} is the input {}", bytes.escape_ascii());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_an_input() {
        for number in [0, 1, 77] {
            assert_eq!(Mutator::of(number).pipeline(), Mutator::of(number).pipeline());
            assert_ne!(Mutator::of(number).connection(), Mutator::of(number + 1).connection());
        }
    }
}
