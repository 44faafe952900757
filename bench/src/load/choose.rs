//! Draws operations: what kind, on which key.

use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::inserted::Inserted;
use super::mix::{Distribution, Kind, Mix};
use super::zipf::{Zipf, scramble};
use crate::driver::Request;

/// Most keys of a scan; the number is drawn evenly from 1 up, as YCSB does.
const SCAN_KEYS_MAX: u32 = 100;

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation {
    /// What it counts as.
    pub(crate) kind: Kind,
    /// What is sent for it first; a read-modify-write then sends a write of the same key.
    pub(crate) request: Request,
}

/// What is drawn from, shared by all connections.
#[derive(Debug)]
pub(crate) struct Choice {
    mix: Mix,
    distribution: Distribution,
    keys: u64,
    zipf: Option<Zipf>,
    /// Keys there are; inserts add to them.
    pub(crate) inserted: Inserted,
}

impl Choice {
    /// Of `keys` keys; `theta` skews what is not even.
    pub(crate) fn new(mix: Mix, distribution: Distribution, keys: u64, theta: f64) -> Self {
        let zipf = (distribution != Distribution::Uniform).then(|| Zipf::new(keys, theta));
        Self { mix, distribution, keys, zipf, inserted: Inserted::new(keys) }
    }
}

/// Draws for one connection.
#[derive(Debug)]
pub(crate) struct Chooser {
    choice: Arc<Choice>,
    random: SmallRng,
}

impl Chooser {
    /// The draws that come of this seed.
    pub(crate) fn new(choice: Arc<Choice>, seed: u64) -> Self {
        Self { choice, random: SmallRng::seed_from_u64(seed) }
    }

    /// The next operation.
    pub(crate) fn next(&mut self) -> Operation {
        let kind = self.choice.mix.at(self.random.random_range(0.0..100.0));
        let request = match kind {
            Kind::Get | Kind::Rmw => Request::Get(self.key()),
            Kind::Set => Request::Set(self.key()),
            Kind::Insert => Request::Set(self.choice.inserted.give()),
            Kind::Scan => Request::Scan(self.key(), self.random.random_range(1..=SCAN_KEYS_MAX)),
        };
        Operation { kind, request }
    }

    /// What became of an insert.
    pub(crate) fn settle(&self, operation: Operation, written: bool) {
        if let Operation { kind: Kind::Insert, request: Request::Set(number) } = operation {
            self.choice.inserted.settle(number, written);
        }
    }

    /// A key that is there.
    fn key(&mut self) -> u64 {
        let Choice { keys, distribution, zipf, inserted, .. } = &*self.choice;
        let Some(zipf) = zipf else { return self.random.random_range(0..*keys) };
        let rank = zipf.draw(&mut self.random);
        match distribution {
            // Ranks count back from the newest key.
            Distribution::Latest => inserted.there() - 1 - rank,
            Distribution::Zipfian | Distribution::Uniform => scramble(rank, *keys),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::mix::Ycsb;
    use super::*;

    fn chooser(preset: Ycsb, keys: u64) -> Chooser {
        Chooser::new(Arc::new(Choice::new(preset.mix(), preset.distribution(), keys, 0.99)), 1)
    }

    #[test]
    fn shares_are_those_of_the_mix() {
        let mut chooser = chooser(Ycsb::F, 100);
        let rmw = (0..10_000).filter(|_| chooser.next().kind == Kind::Rmw).count();
        assert!((4_800..5_200).contains(&rmw), "{rmw} of 10,000");
    }

    #[test]
    fn only_keys_that_are_there_are_read() {
        let mut chooser = chooser(Ycsb::D, 50);
        for _ in 0..10_000 {
            let there = chooser.choice.inserted.there();
            let operation = chooser.next();
            match operation.request {
                Request::Get(number) => assert!(number < there && number >= there - 50),
                _ => chooser.settle(operation, true),
            }
        }
        assert!(chooser.choice.inserted.there() > 400);
    }

    #[test]
    fn the_newest_key_is_read_most() {
        let mut chooser = chooser(Ycsb::D, 100);
        let gets = (0..10_000).map(|_| chooser.next().request);
        let newest = gets.filter(|request| *request == Request::Get(99)).count();
        assert!(newest > 1_500, "{newest} of 10,000");
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let (mut one, mut other) = (chooser(Ycsb::E, 100), chooser(Ycsb::E, 100));
        assert!((0..100).all(|_| one.next() == other.next()));
    }
}
